"""What a spool takes and gives back: values, without the file that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from ward_service.contract.vocabulary import Outcome, Quality, Vital

# The slot of a reading of which nobody at home has said whose it is: it travels without one.
NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A payload on its way to the ward, under the id that its receipt will name.

    `slot` is whose it is: `NOBODY` where nobody has said so, None the home's first. `measured_at`
    is given for a reading that the home itself looks back on for some days (`Spool.kept`), and
    `as_reading` where it looks back on something simpler than the payload.
    """

    reading_id: UUID
    taken_at: datetime
    payload: bytes
    slot: int | None = None
    measured_at: datetime | None = None
    as_reading: bytes = b""


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A reading of a shared device of which nobody has said yet whose it is; one of `slots`.

    `source_key` names a record that the device keeps and sends again: it is asked about once.
    """

    reading_id: UUID
    taken_at: datetime
    payload: bytes
    slots: tuple[int, ...]
    source_key: str | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A frame that is not sent, with the reason: unreadable, or not about a person."""

    at: datetime
    frame: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One second of a live stream: what was seen, by vital; a vital that was not is absent."""

    device: str
    slot: int | None
    at: datetime
    values: Mapping[Vital, float]
    quality: tuple[Quality, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """An `Outgoing` as the spool holds it, with its number in the stream."""

    seq: int
    reading_id: UUID
    payload: bytes
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading that the home looks back on, and what became of it.

    `receipted_at` is when the ward's receipt came, with its `outcome`; `seen_at` when a clinician
    saw it. `seq` rises in the order in which they were taken, whatever the clock said; None: it was
    taken before that was written down, so before all that have one.
    """

    reading_id: UUID
    slot: int
    measured_at: datetime
    payload: bytes
    receipted_at: datetime | None
    outcome: Outcome | None
    seen_at: datetime | None
    seq: int | None


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """A care plan as the ward sent it."""

    slot: int
    number: int
    received_at: datetime
    payload: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a source of frames has been taken: it began at `started_at`, `taken` are done."""

    source: str
    started_at: datetime
    taken: int


@dataclass(frozen=True, slots=True)
class Drawer:
    """A row of the drawer: quarantined by the ward, or set aside at home."""

    origin: str
    reading_id: UUID | None
    at: datetime
    reason: str
    payload: bytes
