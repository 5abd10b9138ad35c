"""What is known of one alert when it is explained: values only, so that explaining is pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ward_service.contract.vocabulary import Mode
from ward_service.domain.alerts import AlertInPlay
from ward_service.explain.limits import LimitsChange
from ward_service.pathways.load import PathwayFile


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of the alert's ledger. `change` is what it made different of the alert."""

    at: datetime
    noticed_at: datetime
    by: str
    what: str
    words: str
    change: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Timer:
    """A step of the ladder as a deadline. `step` counts from 0 within its round."""

    round: int
    step: int
    due_at: datetime
    taken_at: datetime | None
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReadingFacts:
    """What a finding needs of its reading: its place in the stay, and the oxygen that it says.

    `on_oxygen` None: the reading does not say.
    """

    input_no: int
    on_oxygen: bool | None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert with its ledger, its ladder, and what it was judged by.

    `file` is the version of the pathway that the alert quotes, as the ward keeps its text.
    """

    episode_id: UUID
    alert: AlertInPlay
    ledger: tuple[LedgerLine, ...]
    timers: tuple[Timer, ...]
    readings: Mapping[UUID, ReadingFacts]
    limits: tuple[LimitsChange, ...]
    mode: Mode
    file: PathwayFile
    signed_by: str = ""
