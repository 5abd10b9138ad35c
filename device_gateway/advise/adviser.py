"""What a person at home is told, at once and with no network, from the plan that is held there.

Readings are judged by the ward's own rules (`domain`), with the home's earlier readings as history.
Without a plan that can be judged by, people are told when to ring 111 and 999, and nothing about
the number. Whatever breaks in here, the reading goes into the spool.
Source: docs/understand/design.md#promise-9.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Final, TypeVar
from uuid import UUID

from pydantic import ValidationError

from device_gateway.advise.safety_net import safety_net
from device_gateway.clock_skew import CLOCK_TOLERANCE
from device_gateway.spool.file import SpoolError
from device_gateway.spool.records import HeldPlan, Kept
from device_gateway.spool.spool import Spool
from ward_service.contract.ids import made_at
from ward_service.contract.messages import AdviceGiven, Reading, Trace, Trouble
from ward_service.contract.plan import Care, Plan
from ward_service.contract.vocabulary import TroubleCode, Vital
from ward_service.domain.advice import Advice, Standing, advise, after, still
from ward_service.domain.continuous import as_reading
from ward_service.domain.from_wire import as_input
from ward_service.domain.inputs import ReadingArrived, TraceArrived
from ward_service.domain.judge import exertion_stopped, judge, looked_back_on
from ward_service.domain.limits import Limits
from ward_service.domain.pathway import Guide
from ward_service.domain.plan import AtHome, PlanError, known_at_home, read_plan, rules_of
from ward_service.domain.state import Judged
from ward_service.domain.texts import SAFETY_NET, texts_for

log = logging.getLogger(__name__)

# How far back a home that has just started looks, besides what its rules and repeats look back on:
# three days hold three readings of somebody who measures once a day.
LOOK_BACK: Final = timedelta(days=3)
AT_MOST: Final = 5_000  # readings; judging them takes half a second
KEPT_FOR: Final = timedelta(days=14)  # readings with a receipt, so that a page can show them
FORGET_EVERY: Final = timedelta(hours=1)

Measured = TypeVar("Measured", Reading, Trace)
Rules = tuple[Guide, Limits]


@dataclass(frozen=True, slots=True)
class Told:
    """What was told about a reading: `words` in their order, in the person's language.

    `at` is when it was measured, or when it came if that cannot be believed; `late` says that it
    was old when it came. `plan_number` None: no plan was held, and the words are the plain ones.
    `stale`: it is too old to tell how somebody is now.
    """

    reading_id: UUID
    at: datetime
    values: Mapping[Vital, float]
    advice: Advice
    words: tuple[str, ...]
    plan_number: int | None
    late: bool = False
    stale: bool = False

    @property
    def given(self) -> AdviceGiven:
        """What the ward keeps of it, with the reading."""
        advice = self.advice
        return AdviceGiven(
            plan_number=self.plan_number, level=advice.level, text_ids=advice.text_ids
        )


@dataclass(slots=True)
class _Person:
    """Whoever has a slot, as their plan and their readings at home make them known."""

    number: int
    care: Care
    pathway: Guide
    limits: Limits
    known: AtHome
    standing: Standing = field(default_factory=Standing)

    def judged(self, taken: ReadingArrived | TraceArrived, now: datetime) -> tuple[Judged, Advice]:
        """Judge a reading, say what to tell, and remember what later ones look back on."""
        if isinstance(taken, TraceArrived):
            taken = as_reading(taken, self.limits, self.pathway)
        judged = judge(taken, self.known, now, self.pathway)
        advice = advise(judged, self.standing, self.pathway, self.care.mode, now)
        self.standing = after(self.standing, judged, advice, self.pathway)
        history, last_rest = looked_back_on(self.known, judged, self.pathway)
        stopped = exertion_stopped(self.known, judged)
        self.known = replace(
            self.known, history=history, last_rest=last_rest, exertion_stopped_at=stopped
        )
        return judged, advice

    def words(self, text_ids: tuple[str, ...]) -> tuple[str, ...]:
        # Nothing can stand beside them: in their language only once somebody has reviewed it.
        language = self.pathway.checked(self.care.language)
        return texts_for(text_ids, self.pathway, self.limits, language)


class Adviser:
    """Advises the people of one home. Safe to use from several threads of its process."""

    def __init__(self, spool: Spool, language: str | None = None) -> None:
        """Take up the plans that the spool holds. `language` is for where there is no plan."""
        self._spool, self._language = spool, language
        self._guard = RLock()
        self._plans: dict[int, Plan] = {}
        self._refused: dict[int, datetime] = {}  # since when a plan is not understood, by slot
        self._people: dict[int, _Person] = {}
        self._told: dict[int, Told] = {}
        self._forgot_at: datetime | None = None
        for held in spool.plans():
            self._take_up(held)

    # --- plans --------------------------------------------------------------------------------

    def take_plan(self, slot: int, payload: bytes, now: datetime) -> bool:
        """Take a plan of this gateway's ward; its signature was verified. True: it is in force now.

        One that is not understood is refused whole: the older one stays in force, and the ward is
        told so (`troubles`). One that is not newer changes nothing.
        """
        with self._guard:
            try:
                plan = read_plan(payload)
            except PlanError as refused:
                self._refused.setdefault(slot, now)
                log.warning("plan.refused", extra={"slot": slot, "reason": str(refused)})
                return False
            self._refused.pop(slot, None)
            held = self._plans.get(slot)
            if held is not None and plan.number <= held.number:
                return False
            try:
                self._spool.keep_plan(HeldPlan(slot, plan.number, now, payload))
            except SpoolError as error:  # in force until this process ends; the ward sends it again
                log.error("plan.not_kept", extra={"slot": slot, "error": type(error).__name__})
            self._plans[slot] = plan
            self._people.pop(slot, None)
            self._told.pop(slot, None)
            log.info("plan.in_force", extra={"slot": slot, "number": plan.number})
            return True

    def plan(self, slot: int) -> Plan | None:
        """Return the plan in force for a slot; it may have ended."""
        with self._guard:
            return self._plans.get(slot)

    def rules(self, slot: int) -> Rules | None:
        """Return what this slot's readings are judged by; None without a plan, or once it ended."""
        plan = self.plan(slot)
        return rules_of(plan) if plan is not None and not plan.ended else None

    def plans(self) -> dict[int, Plan]:
        """Return the plans in force, by slot; one may have ended."""
        with self._guard:
            return dict(self._plans)

    def numbers(self) -> dict[int, int]:
        """Return the numbers of the plans in force, by slot, as the status says them."""
        with self._guard:
            return {slot: plan.number for slot, plan in self._plans.items()}

    def troubles(self) -> tuple[Trouble, ...]:
        """Return what the ward must know: a plan was sent that is not understood here."""
        with self._guard:
            code = TroubleCode.PLAN_NOT_UNDERSTOOD
            return tuple(Trouble(code=code, slot=s, since=at) for s, at in self._refused.items())

    def _take_up(self, held: HeldPlan) -> None:
        try:
            self._plans[held.slot] = read_plan(held.payload)
        except PlanError as refused:  # an older program after a newer one
            self._refused[held.slot] = held.received_at
            log.error("plan.unusable", extra={"slot": held.slot, "reason": str(refused)})

    # --- advice -------------------------------------------------------------------------------

    def advised(self, reading: Measured, slot: int, now: datetime) -> Measured:
        """Return a reading with what its person was told about it; `told` has the words.

        It never raises: what breaks in judging is logged by its type, and the plain words are told.
        """
        with self._guard:
            try:
                told = self._judged(reading, slot, now)
            except Exception as error:  # noqa: BLE001 - nothing may keep a reading from the spool
                log.error("advice.broke_us", extra={"slot": slot, "error": type(error).__name__})
                told = self._plain(reading, now)
            self._note_told(slot, told, now)
            self._forget(now)
        return reading.model_copy(update={"advice": told.given})

    def told(self, slot: int, now: datetime) -> Told | None:
        """Return what to do by the latest reading of a slot, now; None before the first one.

        A repeat that did not come confirms; a number that is too old tells nothing any more.
        """
        with self._guard:
            person = self._person(slot, now)
            told = self._told.get(slot)
            if told is None:
                return self._first(slot, now) if slot not in self._plans else None
            if person is None or told.plan_number is None:
                return told
            if now - told.at > person.pathway.stale_after:
                plain = Advice(None, (SAFETY_NET,))
                return replace(told, advice=plain, words=person.words((SAFETY_NET,)), stale=True)
            at = told.at
            if _from_ahead(at, now):  # how long ago that was nobody knows
                at = now - person.pathway.stale_after
            advice = still(told.advice, at, person.pathway, now)
            return replace(told, advice=advice, words=person.words(advice.text_ids))

    def _judged(self, reading: Reading | Trace, slot: int, now: datetime) -> Told:
        person = self._person(slot, now)
        if person is None:
            return self._plain(reading, now)
        judged, advice = person.judged(as_input(reading, slot), now)
        return self._said(person, judged, advice)

    def _said(self, person: _Person, judged: Judged, advice: Advice) -> Told:
        return Told(
            reading_id=judged.reading.reading_id,
            at=judged.judged_at,
            values=judged.reading.values,
            advice=advice,
            words=person.words(advice.text_ids),
            plan_number=person.number,
            late=judged.late,
        )

    def _plain(self, reading: Reading | Trace, now: datetime) -> Told:
        """Return the words that fit any reading: nothing is said about the number."""
        measured_at, values = now, dict[Vital, float]()
        if isinstance(reading, Reading):
            measured_at = reading.measured_at
            values = {o.vital: o.value for o in reading.observations}
        return Told(
            reading_id=reading.reading_id,
            at=min(now, measured_at),
            values=values,
            advice=Advice(None, (SAFETY_NET,)),
            words=safety_net(self._language),
            plan_number=None,
        )

    def _person(self, slot: int, now: datetime) -> _Person | None:
        """Return whoever has a slot, made known by what they measured since their stay began."""
        plan = self._plans.get(slot)
        if plan is None or plan.care is None:
            return None
        if slot not in self._people:
            pathway, limits = rules_of(plan)
            known = known_at_home(plan.care, limits)
            person = _Person(plan.number, plan.care, pathway, limits, known)
            self._look_back(slot, person, now)
            self._people[slot] = person
        return self._people[slot]

    def _look_back(self, slot: int, person: _Person, now: datetime) -> None:
        """Judge again, by the plan in force, what this home has kept of this person."""
        within = person.pathway.confirmation.second_red_within
        length = max(person.pathway.remembers[1], within, LOOK_BACK)
        for kept in _as_taken(self._spool.kept(slot, max(person.care.since, now - length))):
            try:
                came = made_at(kept.reading_id)
                judged, advice = person.judged(as_input(_reading(kept), slot), came)
                told = self._said(person, judged, advice)
            except Exception as error:  # noqa: BLE001 - the others are looked back on all the same
                log.error("kept.broke_us", extra={"slot": slot, "error": type(error).__name__})
                continue
            self._note_told(slot, told, came)

    def _first(self, slot: int, now: datetime) -> Told | None:
        """Return the plain words for a reading that was kept while no plan was held."""
        kept = _as_taken(self._spool.kept(slot, now - LOOK_BACK))
        return self._plain(_reading(kept[-1]), now) if kept else None

    def _note_told(self, slot: int, told: Told, now: datetime) -> None:
        """Remember what was told last, of the newest reading.

        One of a later time than `now` was taken before the clock was put back: so it is older.
        """
        before = self._told.get(slot)
        if before is None or told.at >= before.at or _from_ahead(before.at, now):
            self._told[slot] = told

    def _forget(self, now: datetime) -> None:
        if self._forgot_at is not None and now - self._forgot_at < FORGET_EVERY:
            return
        self._forgot_at = now
        try:
            self._spool.forget_kept(now - KEPT_FOR)
        except SpoolError as error:
            log.warning("kept.not_forgotten", extra={"error": type(error).__name__})


def _from_ahead(at: datetime, now: datetime) -> bool:
    """Say whether a moment can only be of a clock that was ahead, and was put back since."""
    return at > now + CLOCK_TOLERANCE.value


def _as_taken(kept: Sequence[Kept]) -> list[Kept]:
    """Return the last readings in the order in which they were taken and judged, by any clock."""
    return sorted(kept, key=lambda one: one.seq or 0)[-AT_MOST:]


def _reading(kept: Kept) -> Reading | Trace:
    try:
        return Reading.model_validate_json(kept.payload)
    except ValidationError:
        return Trace.model_validate_json(kept.payload)
