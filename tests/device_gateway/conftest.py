"""A broker that can be killed, and homes that are nobody's."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device_gateway.config.homes_file import Broker, Place
from tests.conftest import missing

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
COMMAND = [str(Path(sys.executable).with_name("device-gateway"))]


class BrokerProcess:
    """A Mosquitto of our own on a free port; `kill` is SIGKILL, and it keeps nothing."""

    def __init__(self, folder: Path) -> None:
        assert MOSQUITTO is not None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            "max_queued_messages 0\nmax_inflight_messages 1000\nmax_packet_size 65536\n"
            # Started by root it would give its rights up, and read nothing in pytest's folders.
            + ("user root\n" if os.geteuid() == 0 else "")
        )
        self.log = folder / "mosquitto.log"
        self.start()

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [str(MOSQUITTO), "-c", str(self.config)], stdout=log, stderr=log
            )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no broker on {self.port}: {self.log.read_text()}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def place(self) -> Broker:
        return Broker(host="127.0.0.1", port=self.port)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    if MOSQUITTO is None:
        missing("Mosquitto", "install it, for example: apt-get install mosquitto")
    process = BrokerProcess(tmp_path)
    yield process
    process.kill()


@pytest.fixture
def recordings_dir(recordings: Path) -> Path:
    return recordings


@pytest.fixture
def write_homes(tmp_path: Path) -> Callable[[int, int], tuple[Path, dict[str, bytes]]]:
    """Return a maker of homes files: (port, how many) -> (file, keys by gateway)."""

    def write(port: int, how_many: int) -> tuple[Path, dict[str, bytes]]:
        places = [a_place(n + 1) for n in range(how_many)]
        homes = [
            {"gateway": place.gateway, "key": place.key.hex(), "slot": place.slot}
            for place in places
        ]
        path = tmp_path / "homes.json"
        path.write_text(json.dumps({"broker": {"host": "127.0.0.1", "port": port}, "homes": homes}))
        path.chmod(0o600)
        return path, {place.gateway: place.key for place in places}

    return write


def a_place(n: int = 1) -> Place:
    return Place(gateway=f"home-{n:02}", key=bytes([n]) * 32, slot=n)
