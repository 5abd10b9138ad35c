"""What can happen to a stay: readings, acts of people, and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ward_service.contract.vocabulary import Context, Quality, Source, Vital


@dataclass(frozen=True, slots=True)
class ReadingArrived:
    """A reading, as the ward received it just now. `slot` is None for a phone call or paper."""

    reading_id: UUID
    measured_at: datetime
    values: Mapping[Vital, float]
    context: Context = Context.REST
    quality: tuple[Quality, ...] = ()
    source: Source = Source.BLE
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class UnreadableArrived:
    """Something came from this person's place that could not be read (promise 5)."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing came; deadlines may have fallen due."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A clinician takes an alert, having seen this version of it."""

    alert_id: UUID
    by: str
    seen_version: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """A clinician ends an alert with its outcome. A red needs a note."""

    alert_id: UUID
    by: str
    seen_version: int
    outcome: str
    response_needed: bool
    response_completed: bool
    management_changed: bool
    note: str


Input = ReadingArrived | UnreadableArrived | TimePassed | Acknowledged | Resolved
