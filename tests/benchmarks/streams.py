"""What a live stream costs a home: `python -m tests.benchmarks.streams`.

Frames are heard as a radio hands them over, with a plan by which they are judged. It prints: how
long a frame takes to be durable at one a second, what share of one processor a stream of a hundred
frames a second takes, with how many transactions, and how large a minute is.
"""

import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from device_gateway.spool.records import Progress, Sample
from tests.device_gateway.streams import FAST, HERS, NOON, SECOND, a_home, fast, live
from tests.fakes.adviser import ByTheRules

SECONDS = 300


def one_a_second(folder: Path) -> None:
    home = a_home(folder, ByTheRules())
    took = []
    for n in range(SECONDS):
        capture = live(88 + n % 12, NOON + n * SECOND)
        began = time.perf_counter()
        home.hear(HERS, [capture])
        took.append(1_000 * (time.perf_counter() - began))
    took.sort()
    median, worst = statistics.median(took), took[int(len(took) * 0.99)]
    sizes = [len(held.payload) for held in home.spool.after(0, 99) if b"samples" in held.payload]
    print(f"one frame a second: durable after {median:.2f} ms (median), {worst:.2f} ms (p99)")
    print(f"a minute on the wire: {max(sizes)} bytes")


def a_hundred_a_second(folder: Path) -> None:
    home = a_home(folder, ByTheRules())
    transactions = 0
    keep = home.spool.add_samples

    def counted(samples: Iterable[Sample], progress: Progress | None = None) -> None:
        nonlocal transactions
        transactions += 1
        keep(samples, progress)

    home.spool.add_samples = counted  # type: ignore[method-assign]
    notifications = list(fast([88 + n // 100 % 12 for n in range(100 * SECONDS)], NOON))
    began = time.process_time()
    for captures in notifications:
        home.hear(FAST, captures)
    used = time.process_time() - began
    print(
        f"100 frames a second: {100 * used / SECONDS:.1f} % of a processor,"
        f" {transactions / SECONDS:.2f} transactions a second"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        one_a_second(Path(folder) / "one")
        a_hundred_a_second(Path(folder) / "hundred")
