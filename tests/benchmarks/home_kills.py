"""A home killed at random moments under a stream: `python -m tests.benchmarks.home_kills`.

A process that carries one home takes frames as fast as it can and is killed with SIGKILL, again and
again, at random moments; broker and ward go on. It writes a ledger of its own after each take has
returned, appended to a file that knows nothing of the spool. In the end the ward must have each
frame once: those of the ledger, and no other than those that the last take had saved.
Source: docs/reference/brokers-and-databases.md#faults, R2, #kill-test.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from signal import SIGKILL

from device_gateway.capture.capture import Capture
from device_gateway.config.homes_file import Broker as Wire
from device_gateway.config.homes_file import Place
from device_gateway.decode import plx
from device_gateway.decode.plx import CONTINUOUS, Pair, PlxFrame
from device_gateway.publish.connection import Pace
from device_gateway.spool.records import Progress
from device_gateway.street import Street
from tests.fakes.playback import take_frames
from tests.fakes.ward_peer import WardPeer, eventually
from tests.services import Broker
from ward_service.contract.clock import real_clock

KILLS = 200
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLACE = Place(gateway="home-01", key=b"\x01" * 32, slot=1)
PACE = Pace(resend_after_s=1, reconnect_max_s=1, drain_per_s=10_000)
SOURCE = "finger"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What `survive` found: how many were said to be saved, are at the ward, came how often."""

    kills: int
    said_saved: set[int]
    at_the_ward: Counter[int]
    arrivals: int
    left_in_spool: int
    drained_s: float

    def lost(self) -> set[int]:
        return self.said_saved - self.at_the_ward.keys()

    def twice(self) -> list[int]:
        return [n for n, times in self.at_the_ward.items() if times > 1]

    def gaps(self) -> int:
        """Return how many numbers are missing below the highest that was taken."""
        return max(self.at_the_ward, default=-1) + 1 - len(self.at_the_ward)


def survive(folder: Path, port: int, kills: int, seed: int) -> Outcome:
    """Kill a home so many times, let the last one drain, and say what the ward has."""
    with WardPeer(port, {PLACE.gateway: PLACE.key}) as ward:
        arguments = [str(folder), str(port), str(kills), str(seed)]
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.home_kills", *arguments], cwd=ROOT, check=True
        )
        began = time.monotonic()
        with Street([PLACE], _wire(port), folder, real_clock(), PACE) as street:
            eventually(lambda: street.unsent() == 0, within_s=120)
            left = street.unsent()
        drained_s = time.monotonic() - began
        numbers = Counter(
            round((reading.measured_at - NOON).total_seconds()) for _, reading in ward.kept.values()
        )
        arrivals = len(ward.arrived)
    said = {int(line) for line in (folder / "ledger").read_text().split()}
    return Outcome(kills, said, numbers, arrivals, left, drained_s)


def kill_again_and_again(folder: Path, port: int, kills: int, seed: int) -> None:
    """Fork a home from this process, which has imported everything, and kill it."""
    chance = Random(seed)
    for _ in range(kills):
        pid = os.fork()
        if pid == 0:
            _live(folder, port)
        time.sleep(chance.uniform(0.01, 0.35))
        os.kill(pid, SIGKILL)
        os.waitpid(pid, 0)


def _live(folder: Path, port: int) -> None:
    """Take frames for ever, from where the spool says that the last life got to."""
    try:
        ledger = os.open(folder / "ledger", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        with Street([PLACE], _wire(port), folder, real_clock(), PACE) as street:
            home = street.homes[0]
            before = home.spool.progress(SOURCE)
            n = before.taken if before else 0
            while True:
                size = 1 + n % 3
                frames = [_frame(number) for number in range(n, n + size)]
                take_frames(home, frames, Progress(SOURCE, NOON, n + size))
                os.write(ledger, "".join(f"{number}\n" for number in range(n, n + size)).encode())
                n += size
                time.sleep(0.002)
    finally:
        os._exit(3)


def _frame(n: int) -> Capture:
    frame = plx.encode(CONTINUOUS, PlxFrame(Pair(90 + n % 10, 72)))
    return Capture(CONTINUOUS, frame, NOON + timedelta(seconds=n))


def _wire(port: int) -> Wire:
    return Wire(host="127.0.0.1", port=port)


def main() -> None:
    """Print what became of the frames of a home that was killed `KILLS` times."""
    with tempfile.TemporaryDirectory() as name:
        broker = Broker(Path(name) / "broker")
        broker.start()
        try:
            began = time.monotonic()
            found = survive(Path(name), broker.port, KILLS, seed=11)
        finally:
            broker.kill()
    print(f"{found.kills} kills in {time.monotonic() - began:.0f} s")
    print(f"frames said to be saved  {len(found.said_saved):>8,}")
    print(f"readings at the ward     {len(found.at_the_ward):>8,}  (saved, but not yet said: the")
    print("                                    difference; at most one take a life)")
    print(f"arrivals on the wire     {found.arrivals:>8,}")
    print(f"lost                     {len(found.lost()):>8,}")
    print(f"twice                    {len(found.twice()):>8,}")
    print(f"numbers missing          {found.gaps():>8,}")
    print(f"left in the spool        {found.left_in_spool:>8,}  after {found.drained_s:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _folder, _port, _kills, _seed = sys.argv[1:]
        kill_again_and_again(Path(_folder), int(_port), int(_kills), int(_seed))
    else:
        main()
