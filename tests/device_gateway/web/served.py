"""The page as a browser meets it: a real server over one real home, which can go and come back."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

from device_gateway.home import open_home
from device_gateway.web.serve import Address, serving
from tests.device_gateway.conftest import a_place
from tests.device_gateway.web.conftest import DOORS, NOWHERE, plan_of
from tests.factories import COH
from tests.services import free_port
from ward_service.contract.clock import real_clock
from ward_service.contract.messages import Reading
from ward_service.contract.plan import Door


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of its own making, for an hour of tests, and its key."""
    made, key = folder / "page.pem", folder / "page.key"
    openssl = shutil.which("openssl")
    assert openssl
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return made, key


class Served:
    """One home with its page on a port of its own; `away()` is a home that nobody reaches."""

    def __init__(self, folder: Path, tls: bool = False) -> None:
        self.folder, self.port, self.clock = folder, free_port(), real_clock()
        self._files = certificate(folder) if tls else (None, None)
        self._number, self.since = 0, self.clock.now() - timedelta(days=2)
        self.home = open_home(a_place(1), NOWHERE, folder, self.clock, Event())
        self.plan()
        self._up = ExitStack()
        self.back()

    def url(self, host: str = "localhost") -> str:
        return f"{'https' if self._files[0] else 'http'}://{host}:{self.port}"

    def plan(self, doors: tuple[Door, ...] = DOORS, **care: object) -> None:
        self._number += 1
        told = plan_of(self._number, doors, COH, self.since, signed=True, **care)
        assert self.home.adviser.take_plan(1, told, self.clock.now())

    def back(self) -> None:
        address = Address("127.0.0.1", self.port, *self._files)
        self._up.enter_context(serving([self.home], self.folder, self.clock, address))

    def away(self) -> None:
        self._up.close()

    def readings(self) -> list[Reading]:
        return [Reading.model_validate_json(held.payload) for held in self.home.spool.after(0, 99)]


@contextmanager
def served(folder: Path, tls: bool = False) -> Iterator[Served]:
    made = Served(folder, tls)
    try:
        yield made
    finally:
        made.away()
        made.home.spool.close()
