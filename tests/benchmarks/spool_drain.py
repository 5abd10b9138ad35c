"""A home that was cut off for long: `python -m tests.benchmarks.spool_drain`.

100,000 readings go into one spool and from there to a ward's stand-in over a real broker, as fast
as both take them, which is how `replay --fast` drains; a home in use keeps to its pace. Prints
readings a second, bytes on the disk, and the memory of the home. Never a timed assertion.
"""

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device_gateway.capture.capture import Capture
from device_gateway.config.homes_file import Broker as Wire
from device_gateway.config.homes_file import Place
from device_gateway.decode import plx
from device_gateway.decode.plx import CONTINUOUS, Pair, PlxFrame
from device_gateway.publish.connection import Pace
from device_gateway.street import Street
from tests.fakes.playback import take_frames
from tests.fakes.ward_peer import WardPeer
from tests.services import Broker
from ward_service.contract.clock import real_clock

READINGS, ONE_BY_ONE, AT_ONCE = 100_000, 2_000, 200
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLACE = Place(gateway="home-01", key=b"\x01" * 32, slot=1)
HURRY = Pace(resend_after_s=30, reconnect_max_s=1, drain_per_s=math.inf)
ROOT = Path(__file__).parents[2]


def _frames(first: int, count: int) -> list[Capture]:
    return [
        Capture(
            CONTINUOUS,
            plx.encode(CONTINUOUS, PlxFrame(Pair(90 + n % 10, 72))),
            NOON + timedelta(seconds=n),
        )
        for n in range(first, first + count)
    ]


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_home(folder: Path, port: int) -> None:
    """Fill a spool while nobody is there, then drain it; print the figures as JSON."""
    found: dict[str, float] = {"memory_at_start_mb": _memory_mb()}
    nowhere = Wire(host="127.0.0.1", port=1)
    with Street([PLACE], nowhere, folder, real_clock(), HURRY) as street:
        home = street.homes[0]
        began = time.monotonic()
        for n in range(ONE_BY_ONE):
            take_frames(home, _frames(n, 1))
        found["one_by_one_per_s"] = ONE_BY_ONE / (time.monotonic() - began)
        began = time.monotonic()
        for n in range(ONE_BY_ONE, READINGS, AT_ONCE):
            take_frames(home, _frames(n, AT_ONCE))
        found["in_batches_per_s"] = (READINGS - ONE_BY_ONE) / (time.monotonic() - began)
        found["full_mb"] = home.spool.size() / 1e6
        found["memory_full_mb"] = _memory_mb()
    began = time.monotonic()
    there = Wire(host="127.0.0.1", port=port)
    street = Street([PLACE], there, folder, real_clock(), HURRY)
    found["open_s"] = time.monotonic() - began
    with street:
        began = time.monotonic()
        while street.unsent():
            time.sleep(0.05)
        found["drain_per_s"] = READINGS / (time.monotonic() - began)
        found["empty_mb"] = street.homes[0].spool.size() / 1e6
        found["memory_drained_mb"] = _memory_mb()
    print(json.dumps(found))


def main() -> None:
    """Print what one home does with `READINGS` readings."""
    with tempfile.TemporaryDirectory() as name:
        broker = Broker(Path(name) / "broker")
        broker.start()
        try:
            with WardPeer(broker.port, {PLACE.gateway: PLACE.key}) as ward:
                command = [sys.executable, "-m", "tests.benchmarks.spool_drain"]
                ran = subprocess.run(
                    [*command, str(Path(name) / "spools"), str(broker.port)],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    check=True,
                )
                kept, arrivals = len(ward.kept), len(ward.arrived)
        finally:
            broker.kill()
    found = json.loads(ran.stdout)
    print(f"{READINGS:,} readings; at the ward {kept:,}, on the wire {arrivals:,}")
    print(f"fill, one at a time      {found['one_by_one_per_s']:>9,.0f} readings/s")
    print(f"fill, {AT_ONCE} at a time      {found['in_batches_per_s']:>9,.0f} readings/s")
    print(f"opened again in          {found['open_s']:>9.2f} s, with its check")
    print(f"drain, in a hurry        {found['drain_per_s']:>9,.0f} readings/s")
    paced = READINGS / Pace().drain_per_s / 60
    print(f"drain, at its pace       {Pace().drain_per_s:>9,.0f} readings/s: {paced:.0f} minutes")
    print(
        f"on the disk              {found['full_mb']:>9.1f} MB full, {found['empty_mb']:.1f} after"
    )
    print(
        f"memory                   {found['memory_full_mb']:>9.0f} MB full,"
        f" {found['memory_drained_mb']:.0f} drained, {found['memory_at_start_mb']:.0f} at the start"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_home(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
