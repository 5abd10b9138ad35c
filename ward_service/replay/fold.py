"""The live engine over stored stays: as it was (`faithful`), or under other rules (`Candidate`).

Pure: both fold the same `step` as the pipeline does, on the clock of what came.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ward_service.contract.vocabulary import AlertClass, AlertOutcome, AlertState, Channel, Level
from ward_service.domain.alerts import AlertInPlay, NotAllowedError
from ward_service.domain.episode import Person, begin, step
from ward_service.domain.inputs import (
    Acknowledged,
    ContactMade,
    DiaryArrived,
    Ended,
    Input,
    LimitsChanged,
    ReadingArrived,
    Resolved,
    TimePassed,
)
from ward_service.domain.limits import Limits, limits_at_admission
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import Entry, EpisodeState, Message
from ward_service.replay.history import Blind, History, Lived, absence_until

USUAL: Final = "as the ward usually does"  # who answers what nobody could have answered
_JUST_BEFORE: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Replayed:
    """A stay as it comes out: its state, its alerts as they stand, its ledger and its calls."""

    episode_id: UUID
    pathway: Pathway
    blind: Sequence[Blind]
    state: EpisodeState
    clock: datetime
    alerts: dict[UUID, AlertInPlay] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    unowned: dict[UUID, datetime] = field(default_factory=dict)  # since when nobody has an alert

    def fold(self, happened: Input, now: datetime) -> None:
        """Take in one input.

        Raises:
            NotAllowedError: these rules do not allow this act.
        """
        self._catch_up(now)
        waits = absence_until(now, self.blind) if self.blind else now
        done = step(self.episode_id, self.state, happened, now, self.pathway, absence_until=waits)
        self.state, self.clock = done.state, max(now, self.clock)
        self.alerts |= done.changed
        self.entries += done.entries
        self.messages += done.messages
        for entry in done.entries:
            alert = entry.after
            if alert is not None and (not alert.in_play or alert.state is AlertState.ACKNOWLEDGED):
                self.unowned.pop(alert.id, None)
            elif alert is not None:
                self.unowned.setdefault(alert.id, entry.at)

    def _catch_up(self, now: datetime) -> None:
        """Look once more while silence still waits, as the worker did: ladders did not wait."""
        for blind in self.blind:
            last_look = blind.grace_until - _JUST_BEFORE
            if self.clock < last_look < now:
                self.clock = last_look
                self.fold(TimePassed(), last_look)


def faithful(
    history: History, pathway: Pathway, blind: Sequence[Blind], until: datetime
) -> Replayed:
    """Fold a stay again under the version that it had: the same alerts must come out."""
    state = begin(history.admitted_at, pathway, history.person)
    replayed = Replayed(history.episode_id, pathway, blind, state, history.admitted_at)
    for taken in history.taken:
        if taken.at <= until:
            replayed.fold(taken.happened, taken.at)
    replayed.fold(TimePassed(), until)
    return replayed


@dataclass(frozen=True, slots=True)
class Habit:
    """How soon alerts of a level were usually acknowledged, and from then on resolved.

    `counted` is from how many alerts that is known; 0: it is what the pathway asks for.
    """

    acknowledge: timedelta
    resolve: timedelta
    counted: int


def candidate_person(person: Person, before: Pathway, candidate: Pathway) -> Person:
    """Return a person as they would be admitted to the candidate.

    Numbers that were the pathway's own become the candidate's; a person's own stay theirs.
    """
    own = person.limits or limits_at_admission(before)
    usual = limits_at_admission(candidate)
    defaults = {name: parameter.default for name, parameter in before.parameters.items()}
    theirs = {name: value for name, value in own.parameters if value != defaults.get(name)}
    parameters = tuple((name, theirs.get(name, value)) for name, value in usual.parameters)
    return replace(person, limits=replace(own, parameters=parameters))


@dataclass(slots=True)
class Candidate:
    """Folds stays under other rules than they had, and lets people act as they did, or would.

    An act is aimed at the alert of the same class that is in play. While no live alert of that
    class is, nobody could have acted: the ward then answers as it usually does (`habits`).
    """

    pathway: Pathway
    before: Mapping[str, Pathway]
    habits: Mapping[Level, Habit]
    blind: Sequence[Blind]
    until: datetime
    no_alert: int = 0
    not_allowed: int = 0
    usual: int = 0

    def replay(self, history: History) -> Replayed:
        """Fold one stay."""
        before = self.before[history.pathway]
        person = candidate_person(history.person, before, self.pathway)
        state = begin(history.admitted_at, self.pathway, person)
        replayed = Replayed(history.episode_id, self.pathway, self.blind, state, state.admitted_at)
        for taken in history.taken:
            if taken.at > self.until or taken.refused:
                continue
            self._pass(replayed, history, taken.at)
            for happened in self._aimed(taken.happened, replayed, history, before):
                self._try(replayed, happened, max(taken.at, replayed.clock))
        self._pass(replayed, history, self.until)
        return replayed

    def _pass(self, replayed: Replayed, history: History, to: datetime) -> None:
        """Let time pass up to a moment: deadlines fall due, and the usual answers are given."""
        soonest = min(habit.acknowledge for habit in self.habits.values())
        while True:
            due = self._next_answer(replayed, history)
            state = replayed.state
            first = state.next_at if state.next_at is not None and state.next_at <= to else None
            if due is not None and due[0] <= to and (first is None or due[0] < first):
                self._answer(replayed, due[1], max(due[0], replayed.clock))
            elif first is None:
                return
            else:
                # What falls due from here on is answered `soonest` after it at the earliest.
                then = min(to, due[0] if due else to, first + soonest)
                replayed.fold(TimePassed(), max(first, then, replayed.clock))
                if replayed.state == state:  # silence waits: look again when it does not
                    waiting = [b.grace_until for b in self.blind if b.grace_until > replayed.clock]
                    if not waiting or min(waiting) > to:
                        return
                    replayed.fold(TimePassed(), min(waiting))

    def _next_answer(
        self, replayed: Replayed, history: History
    ) -> tuple[datetime, AlertInPlay] | None:
        """Return which alert is answered next as usual, and when."""
        soonest: tuple[datetime, AlertInPlay] | None = None
        for alert in replayed.state.alerts:
            habit = self.habits[alert.level]
            if alert.state is AlertState.ACKNOWLEDGED and alert.acknowledged_at is not None:
                since, lag = alert.acknowledged_at, habit.resolve
            else:
                since, lag = replayed.unowned[alert.id], habit.acknowledge
            at = _free_at(alert.alert_class, since, lag, history.alerts)
            if at is not None and (soonest is None or at < soonest[0]):
                soonest = at, alert
        return soonest

    def _answer(self, replayed: Replayed, alert: AlertInPlay, at: datetime) -> None:
        self.usual += 1
        if alert.state is not AlertState.ACKNOWLEDGED:
            replayed.fold(Acknowledged(alert.id, USUAL, alert.version), at)
            replayed.fold(ContactMade(alert.id, USUAL, Channel.PHONE, reached=True), at)
            return
        needed = {"response_needed": True, "response_completed": True, "management_changed": False}
        outcome = AlertOutcome.ADVICE
        deed = Resolved(alert.id, USUAL, alert.version, outcome, **needed, note=USUAL)
        replayed.fold(deed, at)

    def _try(self, replayed: Replayed, happened: Input, now: datetime) -> None:
        try:
            replayed.fold(happened, now)
        except NotAllowedError:
            self.not_allowed += 1

    def _aimed(
        self, happened: Input, replayed: Replayed, history: History, before: Pathway
    ) -> Iterator[Input]:
        """Yield what happened as it would have under the candidate."""
        match happened:
            case ReadingArrived() if happened.answers:
                yield _asked(happened, before, self.pathway)
            case DiaryArrived():
                yield DiaryArrived(
                    tuple(_asked(one, before, self.pathway) for one in happened.readings)
                )
            case Acknowledged() | ContactMade() | Resolved():
                yield from self._at_alert(happened, replayed.state, history.alerts)
            case LimitsChanged():
                known = self.pathway.parameters
                kept = {n: v for n, v in happened.parameters.items() if n in known}
                yield replace(happened, parameters=kept)
            case Ended():
                # A stay that ended, ended: whatever the candidate would have asked for first.
                note = happened.note or "it ended so"
                told = happened.gp_informed is not None and happened.gp_informed
                device = happened.device_returned or "no"
                yield replace(happened, note=note, device_returned=device, gp_informed=told)
            case _:
                yield happened

    def _at_alert(
        self, act: Acknowledged | ContactMade | Resolved, state: EpisodeState, live: Sequence[Lived]
    ) -> Iterator[Input]:
        alert_class = next((lived.alert_class for lived in live if lived.id == act.alert_id), None)
        alert = state.alert(alert_class) if alert_class is not None else None
        if alert is None:
            self.no_alert += 1
            return
        version = alert.version
        match act:
            case Acknowledged():
                over = act.take_over or alert.owner == USUAL
                yield replace(act, alert_id=alert.id, seen_version=version, take_over=over)
            case ContactMade():
                yield replace(act, alert_id=alert.id)
            case Resolved():
                if alert.state is AlertState.PROVISIONAL:
                    yield Acknowledged(alert.id, act.by, version)
                    version += 1
                note = act.note or "resolved so"
                yield replace(act, alert_id=alert.id, seen_version=version, note=note)


def _free_at(
    alert_class: AlertClass, since: datetime, lag: timedelta, live: Sequence[Lived]
) -> datetime | None:
    """Return when the ward answers as usual: not while people had a live alert of that class.

    None: a live one is still in play, and what people do about it is not known yet.
    """
    at = since + lag
    for lived in live:
        if lived.alert_class is not alert_class or lived.opened_at > at:
            continue
        if lived.ended_at is None:
            return None
        if lived.ended_at > since:
            since = lived.ended_at
            at = since + lag
    return at


def _asked(reading: ReadingArrived, before: Pathway, candidate: Pathway) -> ReadingArrived:
    """Return a reading without answers to what the candidate does not ask.

    Nobody would have given them; an answer that no pathway knows stays, and worries.
    """
    kept = tuple(
        (question, answer)
        for question, answer in reading.answers
        if _knows(candidate, question, answer) or not _knows(before, question, answer)
    )
    return reading if kept == reading.answers else replace(reading, answers=kept)


def _knows(pathway: Pathway, question: str, answer: str) -> bool:
    asked = pathway.questions.get(question)
    return asked is not None and (not asked.answers or answer in asked.answers)


def limits_of(person: Person) -> Limits:
    """Return the limits that somebody was admitted with."""
    assert person.limits is not None  # noqa: S101 - candidate_person gave them
    return person.limits
