"""Replay a candidate over the store: in few stays at a time, and over several processes."""

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from statistics import median
from typing import Final
from uuid import UUID

from ward_service.contract.http.pathways import ReplayView
from ward_service.contract.vocabulary import AlertOutcome, Level, Mode
from ward_service.domain.limits import wrong_with
from ward_service.domain.pathway import Pathway
from ward_service.errors import WardError
from ward_service.pathways.load import read
from ward_service.replay.comparison import Tally, compare
from ward_service.replay.fold import Candidate, Habit, candidate_person, limits_of
from ward_service.replay.history import blindness, histories
from ward_service.replay.report import view
from ward_service.store.connect import Sessions, connect, engine_of
from ward_service.store.unit_of_work import Store, unit_of_work

AT_ONCE: Final = 50  # stays in memory at a time, in each process
FEW: Final = 10  # alerts of a level below which nobody can say how the ward usually answers
ALONE: Final = 5_000  # readings up to which another process is not worth its start
_NOT_BY_PEOPLE: Final = (AlertOutcome.READING_RECEIVED, AlertOutcome.EPISODE_ENDED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be replayed: the text of the candidate, and from when to when."""

    text: str
    name: str
    since: datetime
    until: datetime


def replay(
    url: str, asked: Asked, *, processes: int = 1, at_most_readings: int | None = None
) -> ReplayView:
    """Replay a candidate over every stay of its pathway that overlaps a stretch of time.

    Args:
        url: the database.
        asked: what is to be replayed.
        processes: how many share the work; with 0 it is done in this one.
        at_most_readings: refuse more than these.

    Raises:
        PathwayRefusedError: the candidate is not whole.
        WardError: there is nothing to replay, or too much.
    """
    sessions = connect(url)
    try:
        return _replay(sessions, url, asked, processes, at_most_readings)
    finally:
        engine_of(sessions).dispose()


def _replay(
    sessions: Sessions, url: str, asked: Asked, processes: int, at_most_readings: int | None
) -> ReplayView:
    candidate = read(asked.text, asked.name).pathway
    if asked.since >= asked.until:
        raise WardError("The end must lie after the beginning. Nothing was replayed.")
    with unit_of_work(sessions, read_only=True) as store:
        stays = store.history.stays_between(asked.since, asked.until)
        ids = [id_ for id_, name in stays if name.partition("@")[0] == candidate.id]
        if not ids:
            raise WardError(f"Nobody was on a version of {candidate.id} in this time.")
        readings = store.history.count_readings(ids)
        if at_most_readings is not None and readings > at_most_readings:
            raise WardError(
                f"These {len(ids)} stays have {readings} readings; here at most {at_most_readings} "
                "are replayed. Ask for less time, or run: ward-service replay"
            )
        habits = usual_habits(store, candidate, asked.since, asked.until)
        before = {name for id_, name in stays if name.partition("@")[0] == candidate.id}
    tally = Tally()
    chunks = [ids[n : n + AT_ONCE] for n in range(0, len(ids), AT_ONCE)]
    if processes == 0 or readings <= ALONE:
        work = _Work.begin(sessions, asked, habits)
        for chunk in chunks:
            tally.add(work.replay(chunk))
    else:
        for part in _shared(url, asked, habits, chunks, processes):
            tally.add(part)
    return view(tally, candidate, sorted(before), habits, asked.since, asked.until)


def _shared(
    url: str,
    asked: Asked,
    habits: dict[Level, Habit],
    chunks: Sequence[Sequence[UUID]],
    processes: int,
) -> Iterator[Tally]:
    # Fresh processes: a copy of one that has threads and a database open is not safe to use.
    with ProcessPoolExecutor(
        min(processes, len(chunks)), get_context("spawn"), _begin_work, (url, asked, habits)
    ) as pool:
        for future in as_completed([pool.submit(_do_work, chunk) for chunk in chunks]):
            yield future.result()


_WORK: list["_Work"] = []  # what this process of the pool works with


def _begin_work(url: str, asked: Asked, habits: dict[Level, Habit]) -> None:
    gc.set_threshold(50_000, 20, 50)  # as the ward itself: stays leave no cycles behind
    _WORK.append(_Work.begin(connect(url), asked, habits))
    gc.freeze()


def _do_work(ids: Sequence[UUID]) -> Tally:
    return _WORK[0].replay(ids)


@dataclass(slots=True)
class _Work:
    """What a process needs to replay stays."""

    sessions: Sessions
    asked: Asked
    candidate: Pathway
    before: dict[str, Pathway]
    habits: dict[Level, Habit]

    @classmethod
    def begin(cls, sessions: Sessions, asked: Asked, habits: dict[Level, Habit]) -> "_Work":
        with unit_of_work(sessions, read_only=True) as store:
            rows = store.pathways.all()
        before = {f"{r.id}@{r.version}": read(r.text, f"{r.id}@{r.version}").pathway for r in rows}
        return cls(sessions, asked, read(asked.text, asked.name).pathway, before, habits)

    def replay(self, ids: Sequence[UUID]) -> Tally:
        """Replay these stays, one after the other."""
        tally, asked = Tally(), self.asked
        with unit_of_work(self.sessions, read_only=True) as store:
            blind = blindness(store.history.blindness())
            under = Candidate(self.candidate, self.before, self.habits, blind, asked.until)
            for history in histories(store, ids):
                before = self.before[history.pathway]
                person = candidate_person(history.person, before, self.candidate)
                if person.mode not in self.candidate.modes:
                    tally.skip(f"the candidate has no mode {person.mode}")
                elif wrong := wrong_with(limits_of(person), self.candidate):
                    tally.skip(f"these cannot be somebody's limits there: {wrong[0]}")
                else:
                    replayed = under.replay(history)
                    compare(tally, history, replayed, before, asked.since, asked.until)
                    tally.readings += len(history.taken)
        tally.no_alert, tally.not_allowed, tally.usual = (
            under.no_alert,
            under.not_allowed,
            under.usual,
        )
        return tally


def usual_habits(
    store: Store, candidate: Pathway, since: datetime, until: datetime
) -> dict[Level, Habit]:
    """Return how soon this ward usually answered alerts of each level, in this time."""
    acknowledged: dict[Level, list[timedelta]] = {}
    resolved: dict[Level, list[timedelta]] = {}
    for answer in store.history.answers(since, until):
        lag = answer.acknowledged_at - answer.opened_at
        acknowledged.setdefault(answer.level, []).append(lag)
        if answer.resolved_at is not None and answer.outcome not in _NOT_BY_PEOPLE:
            lag = answer.resolved_at - answer.acknowledged_at
            resolved.setdefault(answer.level, []).append(lag)
    ladders = candidate.ladders[
        Mode.MONITORED if Mode.MONITORED in candidate.ladders else next(iter(candidate.ladders))
    ]
    habits = {}
    for level, ladder in ladders.items():
        taken, ended = acknowledged.get(level, []), resolved.get(level, [])
        habits[level] = Habit(
            acknowledge=_middle(taken) if len(taken) >= FEW else ladder.acknowledge_within,
            resolve=_middle(ended) if len(ended) >= FEW else ladder.contact_within,
            counted=len(taken) if len(taken) >= FEW else 0,
        )
    return habits


def _middle(lags: Sequence[timedelta]) -> timedelta:
    return timedelta(seconds=round(median(lag.total_seconds() for lag in lags)))
