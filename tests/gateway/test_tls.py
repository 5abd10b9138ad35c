"""A broker that others can reach speaks TLS, as docs/deploy/mosquitto.conf has it."""

import gc
import logging
import shutil
import subprocess
from pathlib import Path

import pytest

from device_gateway.homes import Broker
from device_gateway.street import Street
from tests.conftest import missing
from tests.fakes.ward_peer import eventually
from tests.gateway.conftest import BrokerProcess, a_place
from tests.gateway.test_publisher import QUICK
from ward_service.contract.clock import real_clock


def an_authority(folder: Path, name: str) -> Path:
    """Return the certificate of an authority that is its own and only server, on loopback."""
    certificate = folder / f"{name}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(folder / f"{name}.key"), "-out", str(certificate)],
        capture_output=True,
        check=True,
    )  # fmt: skip
    return certificate


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
