"""What a stay took in, in its order, and what the ward made of it then: what is replayed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from ward_service.contract.messages import Reading, read_payload
from ward_service.contract.vocabulary import AlertClass, AlertOutcome, AlertState, Level
from ward_service.domain.episode import Person
from ward_service.domain.from_wire import as_diary, as_input
from ward_service.domain.inputs import HomeTrouble, Input
from ward_service.pipeline import as_unreadable
from ward_service.store.acts import action_of
from ward_service.store.stays import person_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.runtime import BlindRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.store.unit_of_work import Store

MISSING: Final = "missing"  # the group of those of whom something is not known
# Age bands of the published evaluations [BEANEY-2022], docs/reference/disclosure.md#groups.
AGES: Final = ((18, "under 18"), (50, "18-49"), (65, "50-64"), (80, "65-79"), (200, "80 and over"))
# Somebody needed more than watching (docs/reference/clinical.md#extract-fields).
_NEEDED: Final = (AlertOutcome.ED, AlertOutcome.NHS_999, AlertOutcome.ADMISSION)


@dataclass(frozen=True, slots=True)
class Taken:
    """One thing that a stay took in, and when. `refused`: an act that came second."""

    at: datetime
    happened: Input
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Blind:
    """A stretch in which the ward was down; absence inside it waited until `grace_until`."""

    since: datetime
    until: datetime
    grace_until: datetime


@dataclass(frozen=True, slots=True)
class Lived:
    """An alert in short. `ended_at` is None while it is in play.

    `needed`: it was a red, or it ended with changed management, ED, 999 or an admission.
    """

    id: UUID
    alert_class: AlertClass
    level: Level
    opened_at: datetime
    ended_at: datetime | None
    outcome: AlertOutcome | None = None
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A call that the rules asked for, whatever became of it. `alert_id` None: a reminder."""

    alert_id: UUID | None
    to: str
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """One stay: who was admitted, everything it took in, and its alerts and calls as they were.

    `groups` are what results are split by: name -> group.
    """

    episode_id: UUID
    pathway: str
    admitted_at: datetime
    ended_at: datetime | None
    person: Person
    taken: tuple[Taken, ...]
    alerts: tuple[Lived, ...]
    calls: tuple[Called, ...]
    groups: tuple[tuple[str, str], ...]


def absence_until(now: datetime, blind: Sequence[Blind]) -> datetime:
    """Return up to when silence was judged at a moment: as the store says it live."""
    waiting = [b.since for b in blind if b.until <= now < b.grace_until]
    return min(waiting, default=now)


def blindness(rows: Iterable[BlindRow]) -> tuple[Blind, ...]:
    """Return the stretches in which the ward was down."""
    return tuple(Blind(row.blind_from, row.blind_until, row.grace_until) for row in rows)


def histories(store: Store, ids: Sequence[UUID]) -> Iterator[History]:
    """Yield what these stays took in. All of them are in memory at a time: ask for few."""
    taken: dict[UUID, list[tuple[int, Taken]]] = {id_: [] for id_ in ids}
    pages: dict[tuple[UUID, int, datetime], list[Reading]] = {}
    for came in store.history.readings(ids):
        read = read_payload(came.payload)
        if isinstance(read, Reading) and came.slot is None:
            pages.setdefault((came.episode_id, came.input_no, came.at), []).append(read)
            continue
        told = Taken(came.at, as_input(read, came.slot))
        taken[came.episode_id].append((came.input_no, told))
    for (id_, number, at), entered in pages.items():  # what has one number came in one step
        taken[id_].append((number, Taken(at, as_diary(entered))))
    for unread in store.history.unreadables(ids):
        told = Taken(unread.at, as_unreadable(unread.reason))
        taken[unread.episode_id].append((unread.input_no, told))
    for told_of in store.history.troubles(ids):
        trouble = HomeTrouble(told_of.about, told_of.words)
        taken[told_of.episode_id].append((told_of.input_no, Taken(told_of.at, trouble)))
    for act in store.history.acts(ids):
        done = Taken(act.at, action_of(act), bool(act.refused))
        taken[act.episode_id].append((act.input_no, done))
    alerts: dict[UUID, list[Lived]] = {}
    withdrawn = store.history.withdrawn_at(ids)
    for row in store.history.alerts(ids):
        alerts.setdefault(row.episode_id, []).append(_lived(row, withdrawn.get(row.id)))
    calls: dict[UUID, list[Called]] = {}
    for call in store.history.calls(ids):
        calls.setdefault(call.episode_id, []).append(Called(call.alert_id, call.to, call.at))
    for id_, stay in store.stays.get(ids, lock=False).items():
        in_order = sorted(taken[id_], key=lambda numbered: numbered[0])
        yield History(
            episode_id=id_,
            pathway=stay.pathway,
            admitted_at=stay.admitted_at,
            ended_at=stay.ended_at,
            person=person_of(stay),
            taken=tuple(input_ for _, input_ in in_order),
            alerts=tuple(alerts.get(id_, ())),
            calls=tuple(calls.get(id_, ())),
            groups=_groups(stay),
        )


def _lived(row: AlertRow, withdrawn_at: datetime | None) -> Lived:
    needed = row.level is Level.RED or bool(row.management_changed) or row.outcome in _NEEDED
    return Lived(
        row.id,
        row.alert_class,
        row.level,
        row.opened_at,
        withdrawn_at if row.state is AlertState.WITHDRAWN else row.resolved_at,
        row.outcome,
        needed and row.state is not AlertState.WITHDRAWN,
    )


def _groups(stay: EpisodeRow) -> tuple[tuple[str, str], ...]:
    age = stay.admitted_at.year - stay.birth_year
    decile = stay.deprivation_decile
    return (
        ("age_band", next(said for below, said in AGES if age < below)),
        ("sex", stay.sex),
        ("ethnicity", stay.ethnicity or MISSING),
        ("deprivation_quintile", str((decile + 1) // 2) if decile else MISSING),
        ("language", stay.language or MISSING),
        ("mode", stay.mode),
    )
