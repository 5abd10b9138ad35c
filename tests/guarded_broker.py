"""A real Mosquitto as others may reach it: TLS, accounts, and nobody without one."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.services import free_port, wait_until_answers
from ward_service.contract.messages import BASE_TOPIC
from ward_service.enrolment.broker_files import ACCOUNTS, ADMIN, WARD, prepare

MOSQUITTO = shutil.which("mosquitto", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
# The one that we ship: what differs is where its files are and where it listens.
SHIPPED = (Path(__file__).parents[1] / "docs/deploy/mosquitto.conf").read_text()


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
        here = {
            "listener 8883": f"listener {self.port} {self.host}",
            "/run/secrets/broker_ca": str(self.ca),
            "/run/secrets/broker_cert": str(self.ca),
            "/run/secrets/broker_key": str(self.ca.with_suffix(".key")),
            "/usr/lib/mosquitto_dynamic_security.so": str(dynamic_security()),
            f"/mosquitto/{ACCOUNTS}": str(folder / ACCOUNTS),
            "persistence_location /mosquitto/data": f"persistence_location {folder}/",
        }
        config = SHIPPED
        for there, place in here.items():
            assert there in config, there
            config = config.replace(there, place)
        # Started by root it would give its rights up, and read nothing in pytest's folders.
        self._config.write_text(config + ("user root\n" if os.geteuid() == 0 else ""))
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
