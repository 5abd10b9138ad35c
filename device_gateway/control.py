"""How a command asks the process that carries a home: by a file on its desk.

The process holds the spool, so a command cannot look into it. It lays a question into a folder
beside the spool, which only its owner can open, and waits; the process answers with its next tick.
A folder of files needs no port and no thread, and outlives the death of either side.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Protocol
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from device_gateway.capture.attribution import ClaimError, Waiting
from device_gateway.spool.file import SpoolFullError
from ward_service.contract.atomic_file import replace_file
from ward_service.contract.ids import made_at, new_id, short_reference
from ward_service.contract.messages import Slot
from ward_service.contract.vocabulary import Vital

log = logging.getLogger(__name__)

ANSWER_WITHIN_S: Final = 10.0  # real seconds; a tick comes about once a second
STALE_AFTER: Final = timedelta(minutes=1)  # a question that waited longer is not what is meant now

_ASKED, _TAKEN, _ANSWERED = ".asked", ".taken", ".answered"


class AskingError(Exception):
    """Nobody answered. The text says what was done, and what to do."""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Question(_Said):
    """What is asked of a home: whose readings wait, who measures now, whose readings are.

    `readings` are named by their id, or by its last six digits.
    """

    what: Literal["waiting", "measuring", "claim"]
    at: AwareDatetime
    slot: Slot | None = None
    readings: tuple[str, ...] = ()


class WaitingSaid(_Said):
    """A reading that waits, as it is said to people: by its last six digits."""

    reading: str
    measured_at: AwareDatetime
    values: dict[Vital, float]
    slots: tuple[int, ...]
    goes_at: AwareDatetime


class Answer(_Said):
    """What became of a question: done, or refused in words."""

    done: bool
    words: str = ""
    waiting: tuple[WaitingSaid, ...] = ()


class Asked(Protocol):
    """A home, as far as it can be asked."""

    def measuring(self, slot: int, now: datetime) -> None: ...
    def waiting(self) -> list[Waiting]: ...
    def claim(self, ids: Iterable[UUID], slot: int, now: datetime) -> None: ...


def desk_of(spool_dir: Path, gateway: str) -> Path:
    """Return the folder in which a home is asked."""
    return spool_dir / f"{gateway}.desk"


def answered(home: Asked, question: Question, now: datetime) -> Answer:
    """Do what is asked of a home, and say what became of it."""
    if abs(now - question.at) > STALE_AFTER:
        return Answer(done=False, words="it was asked too long ago; nothing was done. Ask again")
    if question.what == "waiting":
        return Answer(done=True, waiting=tuple(map(_said, home.waiting())))
    if question.slot is None:
        return Answer(done=False, words="no slot was named; nothing was done")
    if question.what == "measuring":
        home.measuring(question.slot, now)
        return Answer(done=True)
    try:
        home.claim(_named(question.readings, home.waiting()), question.slot, now)
    except (ClaimError, SpoolFullError) as error:
        return Answer(done=False, words=str(error))
    return Answer(done=True)


class Desk:
    """The side of the process that carries the home."""

    def __init__(self, folder: Path) -> None:
        """Prepare to be asked; the folder is made by whoever asks first."""
        self._folder = folder

    def answer(self, home: Asked, now: datetime) -> None:
        """Answer what was asked since the last time. A desk that cannot be used stops nobody."""
        try:
            asked = sorted(self._folder.glob(f"*{_ASKED}"))
            for question in asked:
                self._answer(question, home, now)
            if asked:
                self._clear(now)
        except OSError as error:
            log.error("desk.failed", extra={"error": type(error).__name__})

    def _answer(self, asked: Path, home: Asked, now: datetime) -> None:
        taken = asked.with_suffix(_TAKEN)
        try:
            asked.rename(taken)
        except FileNotFoundError:  # whoever asked has taken it back
            return
        try:
            answer = answered(home, Question.model_validate_json(taken.read_bytes()), now)
        except ValidationError:
            answer = Answer(done=False, words="this gateway does not know such a question")
        replace_file(asked.with_suffix(_ANSWERED), answer.model_dump_json())
        taken.unlink(missing_ok=True)

    def _clear(self, now: datetime) -> None:
        """Throw away what an asker who died has left, by the moment in its name."""
        for left in self._folder.iterdir():
            with suppress(ValueError):
                if now - made_at(UUID(left.name.lstrip(".").partition(".")[0])) > 2 * STALE_AFTER:
                    left.unlink(missing_ok=True)


def ask(folder: Path, question: Question, within_s: float = ANSWER_WITHIN_S) -> Answer:
    """Ask the process that carries a home, and wait for its answer.

    Raises:
        AskingError: it did not answer.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    asked = folder / f"{new_id(question.at)}{_ASKED}"
    replace_file(asked, question.model_dump_json())
    answer = _wait_for(asked.with_suffix(_ANSWERED), within_s)
    if answer is not None:
        return answer
    with suppress(FileNotFoundError):
        asked.unlink()
        raise AskingError("device-gateway did not answer; nothing was done. Is it running?")
    answer = _wait_for(asked.with_suffix(_ANSWERED), within_s)
    if answer is not None:
        return answer
    raise AskingError(
        "device-gateway took the question and did not answer; it may have been done:"
        " device-gateway whose shows what still waits"
    )


def _wait_for(path: Path, within_s: float) -> Answer | None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with suppress(FileNotFoundError):
            answer = Answer.model_validate_json(path.read_bytes())
            path.unlink()
            return answer
        time.sleep(0.05)
    return None


def _said(one: Waiting) -> WaitingSaid:
    return WaitingSaid(
        reading=short_reference(one.reading_id),
        measured_at=one.measured_at,
        values=one.values,
        slots=one.slots,
        goes_at=one.goes_at,
    )


def _named(names: Sequence[str], waiting: Sequence[Waiting]) -> list[UUID]:
    """Return the ids that are meant.

    Raises:
        ClaimError: one of them does not wait, or could be two.
    """
    found = []
    for name in names:
        ids = [
            one.reading_id
            for one in waiting
            if name.upper() in (short_reference(one.reading_id), str(one.reading_id).upper())
        ]
        if len(ids) != 1:
            why = "two readings wait under" if ids else "nothing waits under"
            raise ClaimError(f"{why} {name}; nothing was given. device-gateway whose shows them")
        found += ids
    return found
