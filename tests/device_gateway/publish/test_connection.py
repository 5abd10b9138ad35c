"""A broker that others can reach speaks TLS, as docs/deploy/mosquitto.conf has it."""

import gc
import logging
import shutil
from pathlib import Path

import pytest

from device_gateway.config.homes_file import Broker
from device_gateway.street import Street
from tests.conftest import missing
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.device_gateway.publish.test_publisher import QUICK
from tests.fakes.ward_peer import eventually
from tests.guarded_broker import an_authority
from ward_service.contract.clock import real_clock


@pytest.fixture
def certificate(broker: BrokerProcess, tmp_path: Path) -> Path:
    """Start the broker anew, with TLS."""
    if shutil.which("openssl") is None:
        missing("openssl", "install it, for example: apt-get install openssl")
    own = an_authority(tmp_path, "own")
    broker.kill()
    with broker.config.open("a") as config:
        config.write(f"certfile {own}\nkeyfile {own.with_suffix('.key')}\n")
    broker.start()
    return own


def test_a_home_reaches_a_broker_whose_authority_it_knows(
    broker: BrokerProcess, certificate: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    place = Broker(host="127.0.0.1", port=broker.port, tls_ca=certificate)
    with Street([a_place(1)], place, tmp_path / "spools", real_clock(), QUICK):
        assert eventually(lambda: "broker.connected" in caplog.messages)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_home_says_that_it_does_not_trust_a_broker_and_tells_it_nothing(
    broker: BrokerProcess, certificate: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    other = an_authority(tmp_path, "other")
    place = Broker(host="127.0.0.1", port=broker.port, tls_ca=other)
    with Street([a_place(1)], place, tmp_path / "spools", real_clock(), QUICK):
        assert eventually(lambda: "broker.unreachable" in caplog.messages)
        assert "broker.connected" not in caplog.messages
    gc.collect()  # paho leaves the socket of a refused handshake to the collector
