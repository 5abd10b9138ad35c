"""The one clock that every process asks. `demo --speed` scales it, and nothing else does.

The clock of a demo is described by one word in the environment, so that the ward, the homes and
the dashboard, which are separate processes, agree on what time it is without asking each other.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

VARIABLE = "HOMEWARD_DEMO_CLOCK"


@dataclass(frozen=True, slots=True)
class Clock:
    """Real time, or demo time: `began` (demo) was at `real_began` (real), and runs `speed` times.

    `speed` is 1 and the two moments are equal outside a demo.
    """

    real_began: datetime
    began: datetime
    speed: float = 1.0

    def now(self) -> datetime:
        """Return the ward's time, aware UTC."""
        return self.began + (self.wall() - self.real_began) * self.speed

    def wall(self) -> datetime:
        """Return real time whatever the demo says: for sign-in sessions and network waits."""
        return datetime.now(UTC)  # noqa: TID251

    def sleep(self, ward_time: timedelta) -> None:
        """Wait until `ward_time` has passed on this clock."""
        time.sleep(max(0.0, ward_time.total_seconds() / self.speed))

    def word(self) -> str:
        """Return this clock as the word that `read_clock` understands."""
        return f"{self.real_began.isoformat()} {self.began.isoformat()} {self.speed:g}"


def real_clock() -> Clock:
    """Return the clock of the real world."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return Clock(epoch, epoch)


def demo_clock(real_now: datetime, began: datetime, speed: float) -> Clock:
    """Return a clock that shows `began` now and runs `speed` times as fast as the world.

    Raises:
        ValueError: the speed is not above zero.
    """
    if speed <= 0:
        raise ValueError("--speed must be above 0")
    return Clock(real_now, began, speed)


def read_clock(environ: Mapping[str, str] = os.environ) -> Clock:
    """Return the clock that the environment names: a demo's, or the real one.

    Raises:
        ValueError: the word in the environment is not a clock.
    """
    word = environ.get(VARIABLE)
    if not word:
        return real_clock()
    try:
        real_began, began, speed = word.split(" ")
        return demo_clock(
            datetime.fromisoformat(real_began), datetime.fromisoformat(began), float(speed)
        )
    except ValueError as error:
        raise ValueError(f"{VARIABLE} is not a clock; unset it") from error
