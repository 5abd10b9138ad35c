"""The parts of a house as child processes: started, waited for, watched, and ended together.

A part that dies is started again by the same command, a few times: nothing that was promised is in
its memory.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from ward_service.errors import WardError
from ward_service.standalone.broker import LOOPBACK

STARTS_WITHIN_S: Final = 60.0
ENDS_WITHIN_S: Final = 10.0
MOST_DEATHS: Final = 3  # of one part, within DEATHS_WITHIN_S: one more, and starting it is no cure
DEATHS_WITHIN_S: Final = 120.0
_PR_SET_PDEATHSIG: Final = 1  # Linux: prctl(2)


@dataclass(slots=True)
class Part:
    """One child process with its log. `may_end`: its end, if good, is no death.

    `answers` says whether it answers, once somebody has waited for that; `died_at` is when it ended
    by itself, on `time.monotonic`.
    """

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    log: Path
    may_end: bool = False
    answers: Callable[[], bool] = lambda: True
    died_at: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Parts:
    """All parts of one house, in the order in which they were started."""

    folder: Path
    environment: Mapping[str, str]
    parts: list[Part] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str], *, may_end: bool = False) -> Part:
        """Start a part; what it says goes into a file of its own."""
        log = self.folder / f"{name}.log"
        log.write_bytes(b"")
        with _undisturbed() as before:
            part = Part(name, command, self._process(command, log, before), log, may_end)
            self.parts.append(part)
        return part

    def start_again(self, part: Part) -> None:
        """Start a part that has ended by the same command, and wait until it answers as before.

        Raises:
            WardError: it ended once more, or does not answer in time and was killed.
        """
        with _undisturbed() as before:
            part.process = self._process(part.command, part.log, before)
        try:
            self._wait(part, part.answers)
        except WardError:
            part.process.kill()
            part.process.wait()
            raise

    def _process(
        self, command: Sequence[str], log: Path, held_back: set[signal.Signals]
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            return subprocess.Popen(  # noqa: S603 - our own commands
                command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us, and we end the parts in good order
                preexec_fn=partial(_begin, held_back),
            )

    def wait_for_port(self, part: Part, port: int) -> None:
        """Wait until a part listens.

        Raises:
            WardError: it ended, or does not answer in time.
        """
        part.answers = lambda: _listens(port)
        self._wait(part, part.answers)

    def wait_for_page(self, part: Part, url: str) -> None:
        """Wait until a part answers over HTTP.

        Raises:
            WardError: it ended, or does not answer in time.
        """
        part.answers = lambda: _answers(url)
        self._wait(part, part.answers)

    def ended(self) -> Part | None:
        """Return the first part that has ended although the house needs it."""
        for part in self.parts:
            code = part.process.poll()
            if code is not None and not (part.may_end and code == 0):
                return part
        return None

    def deaths(self, part: Part) -> int:
        """Note that a part has ended by itself; return how often it did of late."""
        now = time.monotonic()
        part.died_at = [at for at in part.died_at if now - at < DEATHS_WITHIN_S] + [now]
        return len(part.died_at)

    def end(self) -> None:
        """End all parts; one that does not end is killed.

        The last started first: each can still say farewell to those that it speaks to.
        """
        until = time.monotonic() + ENDS_WITHIN_S
        for part in reversed(self.parts):
            part.process.terminate()
            try:
                part.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                part.process.kill()
                part.process.wait()

    def _wait(self, part: Part, answers: Callable[[], bool]) -> None:
        until = time.monotonic() + STARTS_WITHIN_S
        while True:
            # Ended is asked first: somebody else may answer on its port.
            if part.process.poll() is not None:
                raise WardError(f"{part.name} ended while starting.\n{tail(part.log)}")
            if answers():
                return
            if time.monotonic() > until:
                raise WardError(f"{part.name} does not answer.\n{tail(part.log)}")
            time.sleep(0.1)


def tail(log: Path, lines: int = 15) -> str:
    """Return the end of a log, and where the rest of it is."""
    said = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"The end of {log}:", *(f"    {line}" for line in said)])


def choose_port(wanted: int) -> int:
    """Return a port that is free: the wanted one if it is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 1).close()
    except OSError:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


@contextmanager
def _undisturbed() -> Iterator[set[signal.Signals]]:
    """Let Ctrl-C wait while a process is made; yield the signals that were held back before.

    Python runs hooks after a fork and swallows what they raise: a Ctrl-C that came just then was
    lost, and with it the only one that the house listens to.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield {signal.Signals(number) for number in before}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(held_back: set[signal.Signals]) -> None:
    """Begin a child: it hears signals again, and on Linux ends when the house is killed."""
    signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
