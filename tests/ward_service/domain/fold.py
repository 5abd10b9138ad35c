"""One stay folded under any pathway, with everything that was ever written of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tests.factories import COH, NOON
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import AlertClass, Context, Quality, Vital
from ward_service.domain.alerts import AlertInPlay
from ward_service.domain.episode import Person, begin, step
from ward_service.domain.inputs import Input, ReadingArrived, TimePassed
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import Entry, Message, Step, StepTaken, TaskOpened

EPISODE = derived_id(NOON, "an episode")
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class Fold:
    """A stay from its admission on. `takes` folds an input; `waits` lets time pass."""

    pathway: Pathway = COH
    admitted_at: datetime = NOON - HOUR
    person: Person = field(default_factory=Person)
    alerts: dict[UUID, AlertInPlay] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    taken: list[StepTaken] = field(default_factory=list)
    tasks: list[TaskOpened] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.state = begin(self.admitted_at, self.pathway, self.person)

    def takes(self, happened: Input, now: datetime) -> Step:
        done = step(EPISODE, self.state, happened, now, self.pathway)
        self.state = done.state
        self.alerts |= done.changed
        self.entries += done.entries
        self.messages += done.messages
        self.taken += done.taken
        self.tasks += done.tasks
        return done

    def waits(self, until: datetime) -> "Fold":
        self.takes(TimePassed(), until)
        return self

    def reads(
        self,
        spo2: float | None,
        at: datetime,
        received: datetime | None = None,
        *,
        answers: Sequence[tuple[str, str]] = (),
        values: Mapping[Vital, float] | None = None,
        quality: Sequence[Quality] = (),
        call_me: bool = False,
    ) -> Step:
        self.count += 1
        given = dict(values or {}) | ({Vital.SPO2: spo2} if spo2 is not None else {})
        reading = ReadingArrived(
            reading_id=derived_id(at, self.count),
            measured_at=at,
            values=given,
            context=Context.REST,
            quality=tuple(quality),
            slot=1,
            answers=tuple(answers),
            call_me=call_me,
        )
        return self.takes(reading, received or at)

    def alert(self, alert_class: AlertClass = AlertClass.PHYSIOLOGICAL) -> AlertInPlay:
        """Return the latest alert of a class, ended or not."""
        [*_, latest] = [a for a in self.alerts.values() if a.alert_class is alert_class]
        return latest

    def what(self, alert_class: AlertClass = AlertClass.PHYSIOLOGICAL) -> list[str]:
        """Return what the ledger of the latest alert of a class says, in order."""
        id_ = self.alert(alert_class).id
        return [entry.what for entry in self.entries if entry.alert_id == id_]

    def calls(self, since: datetime | None = None) -> list[tuple[str, str, datetime]]:
        """Return whom the ward called, with which words and when, from a moment on."""
        return [(m.to, m.text, m.at) for m in self.messages if since is None or m.at >= since]

    def to(self, who: str) -> list[tuple[str, datetime]]:
        """Return the words that went to somebody, and when."""
        return [(m.text, m.at) for m in self.messages if m.to == who]
