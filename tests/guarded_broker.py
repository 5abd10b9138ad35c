"""A real Mosquitto as others may reach it: TLS, accounts, and nobody without one."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.services import free_port, wait_until_answers
from ward_service.broker_prepare import ACCOUNTS, ADMIN, WARD, prepare
from ward_service.contract.messages import BASE_TOPIC

MOSQUITTO = shutil.which("mosquitto", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
CONFIG = """
listener {port} 127.0.0.1
cafile {folder}/ca.crt
certfile {folder}/ca.crt
keyfile {folder}/ca.key
allow_anonymous false
plugin {plugin}
plugin_opt_config_file {accounts}
set_tcp_nodelay true
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 1000
max_packet_size 66560
persistence false
"""


def dynamic_security() -> Path | None:
    """Return the plugin where a distribution puts it, or None."""
    places = [*Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")]
    places += [Path("/usr/lib/mosquitto_dynamic_security.so")]
    return next((place for place in places if place.exists()), None)


def an_authority(folder: Path, name: str) -> Path:
    """Return the certificate of an authority that is its own and only server, on loopback."""
    certificate = folder / f"{name}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", str(folder / f"{name}.key"), "-out", str(certificate)],
        capture_output=True,
        check=True,
    )  # fmt: skip
    return certificate


class GuardedBroker:
    """Mosquitto with dynamic security, as `ward-service broker prepare` begins it."""

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.folder = free_port(), folder
        self.ca = an_authority(folder, "ca")
        prepare(folder, BASE_TOPIC)
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            CONFIG.format(
                port=self.port,
                folder=folder,
                plugin=dynamic_security(),
                accounts=folder / ACCOUNTS,
            )
            # Started by root it would give its rights up, and read nothing in pytest's folders.
            + ("user root\n" if os.geteuid() == 0 else "")
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a ward is told to use it, and to give homes accounts at it."""
        lines = [
            line.partition("=")
            for name in (WARD, ADMIN)
            for line in (self.folder / name).read_text().splitlines()
        ]
        return {
            **{name: value for name, _, value in lines},
            "HOMEWARD_BROKER_HOST": self.host,
            "HOMEWARD_BROKER_PORT": str(self.port),
            "HOMEWARD_BROKER_TLS_CA": str(self.ca),
        }

    @property
    def ward_password(self) -> str:
        return self.environment["HOMEWARD_BROKER_PASSWORD"]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(MOSQUITTO), "-c", str(self._config)], stdout=log, stderr=log
            )
        wait_until_answers(self.port)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
