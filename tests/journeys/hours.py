"""A clock that a story sets: hours in seconds, moments at their own pace, a home that is wrong.

`HOMEWARD_DEMO_CLOCK` runs at one speed for ever. A day needs both: hours in which nothing happens,
and moments in which a second is a second. And it needs a home whose clock jumps under a process
that runs. So the ward and the gateway are started here as they are, but for the clock that they
read: it stands in a file, which the story writes anew.

`python -m tests.journeys.hours ward|home FILE ...` is `ward-service ...` or `device-gateway ...`.
"""

import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ward_service.contract.clock import Clock, real_clock

FAST = 3_600.0  # an hour in a second


@dataclass(frozen=True)
class Hours(Clock):
    """The clock in a file: fast until a moment, and from there on as fast as the world."""

    file: Path = Path()

    def now(self) -> datetime:
        real, *shown = self.file.read_text().split()
        real_began, began, until = map(datetime.fromisoformat, (real, *shown))
        passed, hurry = self.wall() - real_began, (until - began) / FAST
        return began + passed * FAST if passed < hurry else until + (passed - hurry)


@dataclass
class Day:
    """What a story does with the clocks of its ward and its home."""

    folder: Path
    home_ahead: timedelta = timedelta(0)

    def begins(self, at: datetime) -> None:
        self._write(at, at)

    def now(self) -> datetime:
        return hours(self.ward_file).now()

    def comes_to(self, until: datetime) -> None:
        """Let the hours pass until then."""
        began = self.now()
        assert until >= began, f"it is {began} already"
        self._write(began, until)
        while self.now() < until:
            time.sleep(0.02)

    def home_is_ahead(self, ahead: timedelta) -> None:
        """Let the home's clock jump, under whatever runs there."""
        self.home_ahead, now = ahead, self.now()
        self._write(now, now)

    @property
    def ward_file(self) -> Path:
        return self.folder / "ward.clock"

    @property
    def home_file(self) -> Path:
        return self.folder / "home.clock"

    def _write(self, began: datetime, until: datetime) -> None:
        real = real_clock().now().isoformat()
        for file, ahead in ((self.ward_file, timedelta(0)), (self.home_file, self.home_ahead)):
            new = file.with_suffix(".new")
            new.write_text(f"{real} {(began + ahead).isoformat()} {(until + ahead).isoformat()}")
            new.replace(file)


def hours(file: Path) -> Hours:
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return Hours(epoch, epoch, 1.0, file)


def program(which: str, file: Path) -> tuple[str, ...]:
    """Return what starts the ward or a gateway by the clock in a file."""
    return sys.executable, "-m", "tests.journeys.hours", which, str(file)


def main() -> None:
    _, which, file, *arguments = sys.argv
    clock = hours(Path(file))
    if which == "ward":
        from ward_service import ward
        from ward_service.cli import main as cli

        vars(ward)["read_clock"] = lambda: clock
        cli.app(arguments)
    else:
        from device_gateway.cli import common
        from device_gateway.cli import main as gateway_cli

        vars(common)["read_clock"] = lambda: clock
        gateway_cli.app(arguments)


if __name__ == "__main__":
    os.environ.pop("HOMEWARD_DEMO_CLOCK", None)
    main()
