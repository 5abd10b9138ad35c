"""Two workers that are killed again and again: `python -m tests.journeys.lives KILLS SECONDS SEED`.

A process of its own, without threads, that has imported everything: a new life costs a fork, some
five milliseconds. The ward is that of the environment. It says `done` after the last kill, and
lets the last two live until its standard input ends.
Source: docs/reference/brokers-and-databases.md#kill-test.
"""

import os
import sys
from random import Random
from signal import SIGKILL
from threading import Event, Thread
from time import sleep
from typing import NoReturn

from ward_service import worker
from ward_service.logs import set_up
from ward_service.notify import outbox
from ward_service.settings import Settings
from ward_service.store.connect import engine_of
from ward_service.ward import Ward, open_ward

WORKERS = 2


def live(ward: Ward) -> NoReturn:
    """Be a worker as `ward-service worker` is one: it looks, and it sends."""
    worker.TICK_S, worker.AT_ONCE = 0.02, 10  # type: ignore[misc]  # a life lasts a third of a second
    stop = Event()
    Thread(target=worker.run_worker, args=(ward, stop), daemon=True).start()
    outbox.run(ward, stop)
    os._exit(3)


def born(ward: Ward) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            live(ward)
        finally:
            os._exit(3)
    return pid


def main(kills: int, seconds: float, seed: int) -> None:
    set_up()
    ward = open_ward(Settings())
    engine_of(ward.sessions).dispose()  # no connection may be shared with a child
    chance = Random(seed)
    lives = [born(ward) for _ in range(WORKERS)]
    for _ in range(kills):
        sleep(chance.uniform(0, 2 * seconds / kills))
        victim = chance.randrange(WORKERS)
        os.kill(lives[victim], SIGKILL)
        _, status = os.waitpid(lives[victim], 0)
        assert os.WIFSIGNALED(status), "a worker died by itself"
        lives[victim] = born(ward)
    print("done", flush=True)
    sys.stdin.read()
    for pid in lives:
        os.kill(pid, SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
