"""What the rules remember of one stay, and one step under way."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ward_service.contract.vocabulary import AlertClass, Level
from ward_service.domain.alerts import AlertInPlay, Entry
from ward_service.domain.assess import Assessment


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """What the rules remember of one stay.

    `last_good_at` is the latest `measured_at` of a fully believed reading, `expected_at` the first
    due time that none has filled. `in_range_at` is the latest believable reading in range.
    `last_level` is the level of the latest judged reading, measured at `last_level_at`.
    `withdrawn_red_at` is when a provisional red was last withdrawn. `opened` counts alerts ever.
    """

    admitted_at: datetime
    expected_at: datetime
    last_good_at: datetime | None = None
    in_range_at: datetime | None = None
    last_level: Level | None = None
    last_level_at: datetime | None = None
    last_measured_at: datetime | None = None
    last_received_at: datetime | None = None
    overdue_since: datetime | None = None
    withdrawn_red_at: datetime | None = None
    opened: int = 0
    alerts: tuple[AlertInPlay, ...] = ()

    @property
    def never_reported(self) -> bool:
        """Whether no reading that fills a due time ever came."""
        return self.last_good_at is None

    def alert(self, alert_class: AlertClass) -> AlertInPlay | None:
        """Return the one alert of a class that is in play."""
        for alert in self.alerts:
            if alert.alert_class is alert_class:
                return alert
        return None


@dataclass(frozen=True, slots=True)
class Judged:
    """What the ward made of a reading: stored beside it, never instead of it."""

    assessment: Assessment
    judged_at: datetime
    late: bool
    time_doubtful: bool
    doubts: tuple[str, ...]


@dataclass(slots=True)
class Step:
    """One step under way: the state so far, and what must be written because of it.

    `changed` holds each alert that moved, as it now stands; `entries` the ledger, in order.
    """

    state: EpisodeState
    now: datetime
    episode_id: UUID
    changed: dict[UUID, AlertInPlay] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    judged: Judged | None = None

    def put(self, alert: AlertInPlay, at: datetime, by: str, what: str, words: str) -> None:
        """Write an alert as it now stands, with its ledger entry: never one without the other."""
        others = tuple(a for a in self.state.alerts if a.id != alert.id)
        alerts = (*others, alert) if alert.in_play else others
        self.state = replace(self.state, alerts=alerts)
        self.changed[alert.id] = alert
        self.entries.append(Entry(alert.id, at, self.now, by, what, words))
