"""What a candidate would have changed, counted. Every count can be added to another.

An alert of the candidate and a live one are the same when they are of one stay and class and were
in play at one moment; each has one partner at most, taken in the order in which they opened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ward_service.contract.plan import Service
from ward_service.contract.vocabulary import OWNER, PATIENT, AlertState, Level
from ward_service.domain.alerts import AlertInPlay
from ward_service.domain.bands import WORRY
from ward_service.domain.civil_time import in_service, moment
from ward_service.domain.pathway import Pathway
from ward_service.replay.fold import Replayed
from ward_service.replay.history import Called, History, Lived

ALL: Final = ("all", "all")


@dataclass(slots=True)
class Count:
    """What is counted of a group. Calls are those of ladders to staff; by night: out of hours."""

    stays: int = 0
    seconds: float = 0.0
    live: int = 0
    candidate: int = 0
    more: int = 0
    fewer: int = 0
    needs: int = 0
    earlier: int = 0
    missed: int = 0
    lowered: int = 0
    live_calls: int = 0
    candidate_calls: int = 0
    live_night_calls: int = 0
    candidate_night_calls: int = 0
    live_to_patient: int = 0
    candidate_to_patient: int = 0

    def add(self, other: "Count") -> None:
        """Add another count to this one."""
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_NAMES: Final = tuple(f.name for f in fields(Count))


@dataclass(frozen=True, slots=True)
class Need:
    """A live alert of somebody who needed it, and when the candidate would have opened one.

    `candidate_at` is None when it never would have while the live one was in play.
    """

    episode_id: UUID
    alert: Lived
    candidate_at: datetime | None


@dataclass(slots=True)
class Tally:
    """Counts by (split, group), those who would have been caught earlier, and those missed."""

    by: dict[tuple[str, str], Count] = field(default_factory=dict)
    earlier: list[Need] = field(default_factory=list)
    missed: list[Need] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    no_alert: int = 0
    not_allowed: int = 0
    usual: int = 0
    readings: int = 0

    def count(self, split: str, group: str, count: Count) -> None:
        """Add to the count of a group."""
        self.by.setdefault((split, group), Count()).add(count)

    def skip(self, why: str) -> None:
        """Count a stay that could not be replayed."""
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def add(self, other: "Tally") -> None:
        """Add what another process counted."""
        for (split, group), count in other.by.items():
            self.count(split, group, count)
        self.earlier += other.earlier
        self.missed += other.missed
        for why, times in other.skipped.items():
            self.skipped[why] = self.skipped.get(why, 0) + times
        self.no_alert += other.no_alert
        self.not_allowed += other.not_allowed
        self.usual += other.usual
        self.readings += other.readings


def compare(
    tally: Tally,
    history: History,
    replayed: Replayed,
    before: Pathway,
    since: datetime,
    until: datetime,
) -> None:
    """Count one stay, live beside the candidate, between two moments."""
    live = [a for a in history.alerts if since <= a.opened_at < until]
    out = [lived_of(a, replayed) for a in replayed.alerts.values()]
    candidate = [a for a in out if since <= a.opened_at < until]
    pairs = _pairs(history.alerts, out)
    partner_of = {one.id: other for one, other in pairs} | {other.id: one for one, other in pairs}
    end = min(history.ended_at or until, until)
    stayed = max(0.0, (end - max(history.admitted_at, since)).total_seconds())
    whole = Count(stays=1, seconds=stayed)
    _count_calls(whole, history, replayed, before, since, until)
    for alert in live:
        one = Count(live=1, fewer=int(alert.id not in partner_of))
        if alert.needed:
            _count_need(one, tally, history, alert, out)
        whole.add(one)
        _by_kind(tally, alert, one)
    for alert in candidate:
        one = Count(candidate=1, more=int(alert.id not in partner_of))
        whole.add(one)
        _by_kind(tally, alert, one)
    tally.count(*ALL, whole)
    for split, group in history.groups:
        tally.count(split, group, whole)


def lived_of(alert: AlertInPlay, replayed: Replayed) -> Lived:
    """Return an alert of a replay in short."""
    ended_at = alert.resolved_at
    if alert.state is AlertState.WITHDRAWN:
        ended_at = next(e.at for e in reversed(replayed.entries) if e.alert_id == alert.id)
    return Lived(alert.id, alert.alert_class, alert.level, alert.opened_at, ended_at)


def shifts_between(pathway: Pathway, since: datetime, until: datetime) -> int:
    """Return how many shifts begin in a stretch of time: at opening, and at changes while open."""
    service = pathway.service
    starts = {service.opens, *pathway.shift_changes}
    day, begun = since.date() - timedelta(days=1), 0
    while day <= until.date() + timedelta(days=1):
        moments = {moment(day, at, service.zone) for at in starts}
        begun += sum(since <= at < until and in_service(at, service) for at in moments)
        day += timedelta(days=1)
    return begun


def _by_kind(tally: Tally, alert: Lived, one: Count) -> None:
    tally.count("level", alert.level, one)
    tally.count("class", alert.alert_class, one)


def _pairs(live: Sequence[Lived], candidate: Sequence[Lived]) -> list[tuple[Lived, Lived]]:
    free = list(candidate)
    pairs = []
    for one in live:
        other = next((c for c in free if _together(one, c)), None)
        if other is not None:
            free.remove(other)
            pairs.append((one, other))
    return pairs


def _together(one: Lived, other: Lived) -> bool:
    """Whether two alerts of one class were in play at one moment."""
    return (
        one.alert_class is other.alert_class
        and (one.ended_at is None or other.opened_at <= one.ended_at)
        and (other.ended_at is None or one.opened_at <= other.ended_at)
    )


def _count_need(
    one: Count, tally: Tally, history: History, alert: Lived, out: Iterable[Lived]
) -> None:
    """Count somebody who needed an alert: caught earlier, as live, later, or never."""
    one.needs = 1
    together = [other for other in out if _together(alert, other)]
    at = min((other.opened_at for other in together), default=None)
    need = Need(history.episode_id, alert, at)
    if at is None or at > alert.opened_at:
        one.missed = 1
        tally.missed.append(need)
    elif at < alert.opened_at:
        one.earlier = 1
        tally.earlier.append(need)
    if alert.level is Level.RED and together:
        one.lowered = int(all(WORRY.get(o.level, 0) < WORRY[Level.RED] for o in together))


def _count_calls(
    whole: Count,
    history: History,
    replayed: Replayed,
    before: Pathway,
    since: datetime,
    until: datetime,
) -> None:
    said = [Called(m.alert_id, m.to, m.at) for m in replayed.messages]
    live = _calls(history.calls, before.service, since, until)
    whole.live_calls, whole.live_night_calls, whole.live_to_patient = live
    candidate = _calls(said, replayed.pathway.service, since, until)
    whole.candidate_calls, whole.candidate_night_calls, whole.candidate_to_patient = candidate


def _calls(
    calls: Iterable[Called], service: Service, since: datetime, until: datetime
) -> tuple[int, int, int]:
    """Return calls to staff, those of them out of hours, and messages to the patient."""
    to_staff = by_night = to_patient = 0
    for call in calls:
        if not since <= call.at < until or call.to.startswith(f"{OWNER}:"):
            continue
        if call.to == PATIENT:
            to_patient += 1
        else:
            to_staff += 1
            by_night += not in_service(call.at, service)
    return to_staff, by_night, to_patient
