"""Every rule of every shipped pathway fires at its edge and is quiet beside it; none is uncovered.

What to test is read from the pathway: a rule that is added to a file is tested from then on, and a
kind of rule that nobody has written a case for fails here.
Source: docs/understand/design.md#promise-6.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, get_args
from uuid import UUID

import pytest

from tests.conftest import TO_SAY
from tests.factories import NOON
from tests.ward_service.domain.fold import DAY, HOUR, SECOND, Fold
from tests.ward_service.pathways.documents import NAMES, read_doc, shipped
from ward_service.contract.ids import derived_id
from ward_service.contract.rules import (
    AnswerIs,
    ChangedBy,
    Condition,
    Edge,
    ExertionFall,
    FindingRule,
    MedianIs,
    Missed,
    TimeOfDay,
    ValueIs,
)
from ward_service.contract.vocabulary import AlertClass, Context, Level, Mode, Spo2Target, Vital
from ward_service.domain.assess import Assessment, assess
from ward_service.domain.civil_time import in_service, local, moment, next_opening
from ward_service.domain.conditions import Facts, found
from ward_service.domain.episode import Person
from ward_service.domain.history import Past
from ward_service.domain.inputs import Acknowledged, TraceArrived, UnreadableArrived
from ward_service.domain.limits import Limits, limits_at_admission, personal_bands
from ward_service.domain.pathway import (
    BASELINE,
    ON_AIR_88_92,
    ON_OXYGEN_88_92,
    STANDARD,
    LadderStep,
    Pathway,
)
from ward_service.domain.silence import REMINDERS
from ward_service.domain.triage import stand

USUAL = {"copd-88-92": 91.0}  # a usual SpO2 with which every band can be reached; else 97


PATHWAYS = {name: read_doc(shipped(name), name).pathway for name in NAMES}

# Fields of a pathway that hold rules, each enumerated below (how a minute of samples is read and
# which readings count once: test_continuous.py, test_conditions.py). The rest says who and how.
RULES = {
    "vitals", "questions", "asks_for_call", "findings", "news2", "continuous", "schedule",
    "missing", "confirmation", "swap", "ladders", "check_in_days", "duration", "late_after",
    "clock_tolerance", "before_stay", "further_fall", "history_spacing",
}  # fmt: skip
# Used by rules that are enumerated (parameters, fills, zone, service with shifts), at admission and
# of the API), by screens and homes (stale_after, exertion_rest_min), the worker (start_up_grace).
NO_RULES = {
    "id", "version", "title", "modes", "channels", "enrolment", "parameters", "fills", "service",
    "discharge", "exertion_rest_min", "stale_after", "start_up_grace", "reference_language",
    "reviewed", "zone", "shift_changes",
    "texts", "name", "remembers", "reading_rules", "clock_rules",
}  # fmt: skip

Rule = tuple[str, ...]


def rules_of(pathway: Pathway) -> Iterator[Rule]:
    """Yield every rule of a pathway: its kind, and which one."""
    for vital, rule in pathway.vitals.items():
        yield ("belief", str(vital))
        for name, bands in rule.bands.items():
            for n in range(len(bands.levels)):
                yield ("band", str(vital), name, str(n))
            if vital is Vital.SPO2 and Level.RED in bands.levels:
                yield ("held", str(vital), name)
    for id_, question in pathway.questions.items():
        yield from (("answer", id_, answer) for answer in question.answers)
    yield ("call_me",)
    yield from (("finding", rule.id) for rule in pathway.findings)
    if pathway.news2 is not None:
        yield from (("news2", str(at_least)) for at_least, _ in pathway.news2.totals)
        if pathway.news2.single_three is not None:
            yield ("single_three",)
    if pathway.swap is not None:
        yield from (("swap", "doubt"), ("swap", "judged"))
    yield from (("silence", kind) for kind in ("first_due", "overdue", "first_chase", "staff"))
    yield from (("remind", str(n)) for n in range(len(pathway.missing.remind_after)))
    yield from (("confirm", level) for level in ("red", "amber"))
    yield from (("confirm", kind) for kind in ("minimum_gap", "second_red_within"))
    yield from (("check_in", str(n)) for n in range(len(pathway.check_in_days)))
    yield from (("period",), ("late_after",), ("clock_tolerance",), ("before_stay",))
    if pathway.further_fall is not None:
        yield ("further_fall",)
    for mode, ladders in pathway.ladders.items():
        for level, ladder in ladders.items():
            for n, _ in enumerate(ladder.steps):
                yield from (("step", mode, level, str(n), when) for when in ("in", "out"))
            for kind in ("repeat", "acknowledge", "contact", "resume"):
                yield (kind, mode, level)


ALL = [(name, rule) for name, pathway in PATHWAYS.items() for rule in rules_of(pathway)]
covered: dict[str, Counter[str]] = {name: Counter() for name in PATHWAYS}


# What is needed to try a rule


def usual_of(pathway: Pathway) -> float:
    return USUAL.get(pathway.id, 97.0)


def limits_for(pathway: Pathway, bands: str | None = None) -> Limits:
    """Return limits by which bands of a name apply; those of SpO2 that the pathway has first."""
    bands = bands or next(iter(pathway.vitals[Vital.SPO2].bands))
    target = {
        STANDARD: Spo2Target.STANDARD,
        BASELINE: Spo2Target.BASELINE,
        ON_AIR_88_92: Spo2Target.RANGE_88_92,
        ON_OXYGEN_88_92: Spo2Target.RANGE_88_92,
    }[bands]
    return limits_at_admission(pathway, target, usual_of(pathway), bands == ON_OXYGEN_88_92)


def person_of(pathway: Pathway, mode: Mode | None = None) -> Person:
    return Person(mode or pathway.modes[0], limits_for(pathway), age_years=70, pregnant=False)


def judged(pathway: Pathway, limits: Limits, values: Mapping[Vital, float], **more: Any) -> Any:
    asked = {name: more.pop(name) for name in ("quality", "call_me", "held") if name in more}
    zone, context = pathway.zone, more.pop("context", Context.REST)
    facts = Facts(
        more.pop("at", NOON), zone, limits, values, context, age_years=70, pregnant=False, **more
    )
    return assess(facts, pathway, **asked)


def found_by(assessment: Assessment, rule: str) -> bool:
    return any(finding.rule == rule for finding in assessment.findings)


def spo2_at(pathway: Pathway, level: Level) -> float:
    """Return the SpO2 from below at which a level ends, for the person that is tried."""
    rule = pathway.vitals[Vital.SPO2]
    limits = limits_for(pathway)
    bands = personal_bands(next(iter(rule.bands.values())), limits)
    assert bands is not None
    n = bands.levels.index(level)
    return bands.tops[n] if n < len(bands.tops) else rule.believable[1]


def an_answer(pathway: Pathway, level: Level) -> tuple[str, str]:
    return next(
        (id_, answer)
        for id_, question in pathway.questions.items()
        for answer, its in question.answers.items()
        if its is level
    )


def admitted(pathway: Pathway) -> datetime:
    """An hour before the first agreed time of a Tuesday in winter."""
    return moment(NOON.date(), pathway.schedule.times[0], pathway.zone) - HOUR


def a_stay(pathway: Pathway, mode: Mode | None = None) -> Fold:
    return Fold(pathway, admitted(pathway), person_of(pathway, mode))


def edge_of(pathway: Pathway, vital: Vital) -> float:
    return float(10 ** -_digits(pathway, vital))


def _digits(pathway: Pathway, vital: Vital) -> int:
    bands = pathway.vitals[vital].bands.values()
    return next((rule.digits for rule in bands), 1 if vital is Vital.TEMPERATURE else 0)


# One case for each kind of rule: it fires at the edge, and is quiet beside it


def belief(pathway: Pathway, vital: str) -> None:
    which = Vital(vital)
    low, high = pathway.vitals[which].believable
    limits = limits_for(pathway)
    for value in (low, high):
        doubts = judged(pathway, limits, {which: value}).doubts
        assert not any("belief" in doubt for doubt in doubts)
    for value, doubt in (
        (low - 0.1, f"{vital}_below_belief"),
        (high + 0.1, f"{vital}_above_belief"),
    ):
        assert doubt in judged(pathway, limits, {which: value}).doubts


def band(pathway: Pathway, vital: str, name: str, number: str) -> None:
    which, n = Vital(vital), int(number)
    rule, limits = pathway.vitals[which], limits_for(pathway, name)
    bands = personal_bands(rule.bands[name], limits)
    assert bands is not None
    unit = float(10 ** -rule.bands[name].digits)
    low = bands.tops[n - 1] + unit if n else rule.believable[0]
    high = bands.tops[n] if n < len(bands.tops) else rule.believable[1]

    def level_at(value: float) -> Level:
        [finding] = [
            f for f in judged(pathway, limits, {which: value}).findings if f.vital is which
            and f.rule.startswith(f"{vital}.")
        ]  # fmt: skip
        level: Level = finding.level
        return level

    assert {level_at(low), level_at(high)} == {bands.levels[n]}
    if n:
        assert level_at(low - unit) is bands.levels[n - 1] is not bands.levels[n]
    if n < len(bands.tops):
        assert level_at(high + unit) is bands.levels[n + 1] is not bands.levels[n]


def held(pathway: Pathway, vital: str, name: str) -> None:
    which, limits = Vital(vital), limits_for(pathway, name)
    bands = personal_bands(pathway.vitals[which].bands[name], limits)
    assert bands is not None
    red, needed = bands.tops[0], int(pathway.continuous.held_red.total_seconds())
    green = usual_of(pathway)

    def a_minute(red_seconds: int) -> Assessment:
        stay = Fold(pathway, admitted(pathway), replace(person_of(pathway), limits=limits))
        samples = (red,) * red_seconds + (green,) * (60 - red_seconds)
        at = stay.admitted_at + HOUR
        trace = TraceArrived(derived_id(at, 1), at, 1.0, {which: samples}, slot=1)
        done = stay.takes(trace, at + timedelta(minutes=1)).judged
        assert done is not None
        return done.assessment

    assert found_by(a_minute(needed), f"{vital}.held_red")
    assert a_minute(needed).level is Level.RED
    assert not found_by(a_minute(needed - 1), f"{vital}.held_red")
    assert a_minute(needed - 1).level is Level.GREEN


def answer(pathway: Pathway, question: str, given: str) -> None:
    limits, level = limits_for(pathway), pathway.questions[question].answers[given]
    green = spo2_at(pathway, Level.GREEN)
    said = judged(pathway, limits, {Vital.SPO2: green}, answers=((question, given),))
    rule = f"question.{question}.{given}"
    if level is None:
        assert said.level is Level.GREEN
        assert not any(f.alert_class is AlertClass.SYMPTOM for f in said.findings)
    else:
        # A red flag outranks any number: the level is the answer's although the number is green.
        assert (said.level, found_by(said, rule)) == (level, True)
    for other in pathway.questions[question].answers:
        if other != given:
            others = judged(pathway, limits, {Vital.SPO2: green}, answers=((question, other),))
            assert not found_by(others, rule)


def call_me(pathway: Pathway) -> None:
    limits, green = limits_for(pathway), {Vital.SPO2: spo2_at(pathway, Level.GREEN)}
    asks = judged(pathway, limits, green, call_me=True)
    assert (asks.level, found_by(asks, "call_me")) == (pathway.asks_for_call, True)
    assert not found_by(judged(pathway, limits, green), "call_me")


@dataclass
class Situation:
    """What makes conditions hold: what came, what came before, and when."""

    values: dict[Vital, float] = field(default_factory=dict)
    context: Context = Context.REST
    answers: tuple[tuple[str, str], ...] = ()
    history: tuple[Past, ...] = ()
    last_rest: Past | None = None
    paired_with: UUID | None = None
    missed: int = 0
    at: datetime = NOON


def value_is(c: ValueIs, s: Situation, pathway: Pathway, holds: bool) -> None:
    s.context = c.context
    s.values[c.vital] = _passed(c.at_most, c.at_least, pathway, c.vital, holds)


def median_is(c: MedianIs, s: Situation, pathway: Pathway, holds: bool) -> None:
    value = _passed(c.at_most, c.at_least, pathway, c.vital, holds)
    s.values[c.vital] = value
    # One of them is far off on the harmless side: a median, and no mean, is what is looked at.
    others = [value] * (c.readings - 2) + [value + (9 if c.at_most else -9)]
    s.history = tuple(
        Past(s.at - (n + 1) * DAY, derived_id(s.at, n), {c.vital: v}) for n, v in enumerate(others)
    )[::-1]


def changed_by(c: ChangedBy, s: Situation, pathway: Pathway, holds: bool) -> None:
    edge = c.falls_by or c.rises_by
    assert edge is not None
    by = limits_for(pathway).number_at(edge)
    assert by is not None
    by -= 0 if holds else edge_of(pathway, c.vital)
    before = 90.0
    s.values[c.vital] = before - by if c.falls_by else before + by
    s.history = (Past(s.at - timedelta(hours=c.hours), derived_id(s.at, 1), {c.vital: before}),)


def exertion_fall(c: ExertionFall, s: Situation, pathway: Pathway, holds: bool) -> None:
    by = limits_for(pathway).number_at(c.falls_by)
    assert by is not None
    s.last_rest = Past(s.at - timedelta(minutes=5), derived_id(s.at, 1), {Vital.SPO2: 98.0})
    s.context, s.paired_with = Context.EXERTION, s.last_rest.reading_id
    s.values[Vital.SPO2] = 98.0 - by + (0 if holds else 1)


def answer_is(c: AnswerIs, s: Situation, pathway: Pathway, holds: bool) -> None:
    s.answers = ((c.question, min(c.one_of)),) if holds else ()


def missed_is(c: Missed, s: Situation, pathway: Pathway, holds: bool) -> None:
    s.missed = c.windows - (0 if holds else 1)


def time_of_day(c: TimeOfDay, s: Situation, pathway: Pathway, holds: bool) -> None:
    s.at = moment(NOON.date(), c.since if holds else c.until, pathway.zone)


SITUATIONS: dict[type, Callable[[Any, Situation, Pathway, bool], None]] = {
    ValueIs: value_is,
    MedianIs: median_is,
    ChangedBy: changed_by,
    ExertionFall: exertion_fall,
    AnswerIs: answer_is,
    Missed: missed_is,
    TimeOfDay: time_of_day,
}


def _passed(
    at_most: Edge | None, at_least: Edge | None, pathway: Pathway, vital: Vital, holds: bool
) -> float:
    edge = at_most or at_least
    assert edge is not None
    number = limits_for(pathway).number_at(edge)
    assert number is not None
    aside = edge_of(pathway, vital) * (1 if at_most else -1)
    return number if holds else number + aside


def finding(pathway: Pathway, id_: str) -> None:
    [rule] = [rule for rule in pathway.findings if rule.id == id_]
    assert _holds(pathway, rule, None)
    for n in range(len(rule.conditions)):
        assert not _holds(pathway, rule, n), f"condition {n} does not matter"


def _holds(pathway: Pathway, rule: FindingRule, but: int | None) -> bool:
    """Look for a finding where all its conditions hold, each at its edge, but for one."""
    s = Situation()
    for n, condition in sorted(
        enumerate(rule.conditions), key=lambda it: not isinstance(it[1], TimeOfDay)
    ):
        SITUATIONS[type(condition)](condition, s, pathway, n != but)
    facts = Facts(
        s.at, pathway.zone, limits_for(pathway), s.values, s.context, s.answers,
        s.history, s.last_rest, pathway.history_spacing, s.paired_with, s.missed,
        age_years=70, pregnant=False,
    )  # fmt: skip
    if rule.windows:
        return found(rule, facts) is not None
    hits = [f for f in assess(facts, pathway).findings if f.rule == f"finding.{rule.id}"]
    for hit in hits:
        assert (hit.level, hit.alert_class) == (rule.level, rule.alert_class)
    return bool(hits)


NORMAL: dict[Vital, float] = {
    Vital.SPO2: 97, Vital.PULSE_RATE: 72, Vital.TEMPERATURE: 37, Vital.RESPIRATORY_RATE: 16,
    Vital.SYSTOLIC_BP: 120, Vital.SUPPLEMENTAL_OXYGEN: 0, Vital.CONSCIOUSNESS: 0,
}  # fmt: skip
POINTS: dict[Vital, dict[int, float]] = {
    Vital.PULSE_RATE: {0: 72, 1: 95, 2: 115},
    Vital.SYSTOLIC_BP: {0: 120, 1: 105, 2: 95},
    Vital.TEMPERATURE: {0: 37, 1: 38.5, 2: 39.5},
    Vital.RESPIRATORY_RATE: {0: 16, 2: 22},
}


def scored(total: int) -> dict[Vital, float]:
    """Return seven signs with so many points, no three of them in one."""
    for points in product(*POINTS.values()):
        if sum(points) == total:
            return NORMAL | {v: POINTS[v][n] for v, n in zip(POINTS, points, strict=True)}
    raise AssertionError(total)


def news2_total(pathway: Pathway, at_least: str) -> None:
    n, limits = int(at_least), limits_for(pathway)
    at, beside = (judged(pathway, limits, scored(total)) for total in (n, n - 1))
    assert (at.news2.total, beside.news2.total) == (n, n - 1)
    assert found_by(at, f"news2.{n}")
    assert not found_by(beside, f"news2.{n}")
    assert pathway.news2 is not None
    level = dict(pathway.news2.totals)[n]
    assert [f.level for f in at.findings if f.rule == f"news2.{n}"] == [level]
    unknown = dict(scored(n))
    del unknown[Vital.CONSCIOUSNESS]
    assert not found_by(judged(pathway, limits, unknown), f"news2.{n}")  # partial: no total


def single_three(pathway: Pathway) -> None:
    limits = limits_for(pathway)
    for systolic, three in ((90, True), (91, False)):
        values = NORMAL | {Vital.SYSTOLIC_BP: systolic}
        assert found_by(judged(pathway, limits, values), "news2.single_three") is three


def swap(pathway: Pathway, kind: str) -> None:
    limits, rule = limits_for(pathway), pathway.swap
    assert rule is not None

    def doubted(spo2: float, pulse: float) -> Any:
        return judged(pathway, limits, {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse})

    if kind == "doubt":
        assert "looks_swapped" in doubted(rule.spo2_at_most, rule.pulse_at_least).doubts
        for spo2, pulse in (
            (rule.spo2_at_most + 1, rule.pulse_at_least),
            (rule.spo2_at_most, rule.pulse_at_least - 1),
            (rule.spo2_at_most, 101),
        ):
            assert "looks_swapped" not in doubted(spo2, pulse).doubts
        return
    believed, red = pathway.vitals[Vital.SPO2].believable[1], spo2_at(pathway, Level.RED)
    assert found_by(doubted(believed + 1, red), "swapped")
    assert doubted(believed + 1, red).level is Level.RED
    assert not found_by(doubted(believed, red), "swapped")
    assert not found_by(doubted(believed + 1, spo2_at(pathway, Level.AMBER) + 1), "swapped")


def silence(pathway: Pathway, kind: str) -> None:
    stay, missing = a_stay(pathway), pathway.missing
    first = stay.state.expected_at
    if kind == "first_due":
        assert stay.waits(first - SECOND).state.overdue_since is None
        assert stay.waits(first).state.overdue_since == first
        return
    if kind == "first_chase":
        edge = first + missing.first_chase_after
        assert stay.waits(edge - SECOND).state.alert(AlertClass.MISSING) is None
        chased = stay.waits(edge).state.alert(AlertClass.MISSING)
        assert chased is not None
        assert chased.opened_at == edge
        return
    stay.reads(spo2_at(pathway, Level.GREEN), first)
    due = stay.state.expected_at
    assert due > first
    if kind == "overdue":
        edge = due + pathway.schedule.overdue_after
        assert stay.waits(edge - SECOND).state.overdue_since is None
        assert stay.waits(edge).state.overdue_since == edge
        return
    windows = _dues(pathway, due, missing.missed_windows)[-1] + pathway.schedule.window
    edge = min(due + missing.staff_after, windows)
    assert stay.waits(edge - SECOND).state.alert(AlertClass.MISSING) is None
    told = stay.waits(edge).state.alert(AlertClass.MISSING)
    assert told is not None
    assert (told.opened_at, told.level) == (edge, Level.OVERDUE)


def _dues(pathway: Pathway, first: datetime, count: int) -> list[datetime]:
    """Return agreed times from one on, counted here without the ward's own arithmetic."""
    zone, day = pathway.zone, local(first, pathway.zone).date()
    found_: list[datetime] = []
    while len(found_) < count:
        times = [moment(day, at, zone) for at in pathway.schedule.times]
        found_ += [due for due in times if due >= first]
        day += timedelta(days=1)
    return found_[:count]


def remind(pathway: Pathway, number: str) -> None:
    stay, n = a_stay(pathway), int(number)
    edge = stay.state.expected_at + pathway.missing.remind_after[n]
    text = REMINDERS[min(n, len(REMINDERS) - 1)]
    stay.waits(edge - SECOND)
    assert (text, edge) not in stay.to("patient")
    assert (text, edge) in stay.waits(edge).to("patient")
    [message] = [m for m in stay.messages if m.at == edge and m.to == "patient"]
    assert message.not_after == edge + pathway.missing.reminder_valid


def confirm(pathway: Pathway, kind: str) -> None:
    rule, stay = pathway.confirmation, a_stay(pathway)
    at, green = stay.admitted_at + HOUR, spo2_at(pathway, Level.GREEN)
    if kind in ("red", "amber"):
        stay.reads(spo2_at(pathway, Level(kind)), at)
        edge = at + rule.repeat_within[Level(kind)]
        stay.waits(edge - SECOND)
        assert (stay.alert().state, stay.alert().level) == ("provisional", kind)
        assert stay.waits(edge).alert().state == "open"
        return
    red = spo2_at(pathway, Level.RED)
    if kind == "minimum_gap":
        stay.reads(red, at)
        stay.reads(green, at + rule.minimum_gap - SECOND)
        assert stay.alert().state == "provisional"
        stay.reads(green, at + rule.minimum_gap)
        assert stay.alert().state == "withdrawn"
        return
    for beside, state in ((timedelta(), "open"), (SECOND, "provisional")):
        again = a_stay(pathway)
        again.reads(red, at)
        again.reads(green, at + rule.minimum_gap)
        again.reads(red, at + rule.minimum_gap + rule.second_red_within + beside)
        assert again.alert().state == state


def check_in(pathway: Pathway, number: str) -> None:
    stay, n = a_stay(pathway), int(number)
    anchor = local(stay.admitted_at, pathway.service.zone).date()
    edge = moment(
        anchor + timedelta(days=pathway.check_in_days[n]), pathway.service.opens,
        pathway.service.zone,
    )  # fmt: skip
    calls = [t for t in stay.waits(edge - SECOND).tasks if t.kind == "check_in"]
    assert len(calls) == n
    calls = [t for t in stay.waits(edge).tasks if t.kind == "check_in"]
    assert (len(calls), calls[-1].due_at) == (n + 1, edge)


def period(pathway: Pathway) -> None:
    stay = a_stay(pathway)
    ends = local(stay.admitted_at, pathway.service.zone).date() + timedelta(
        days=pathway.duration.days
    )
    edge = moment(ends, pathway.service.opens, pathway.service.zone)
    assert not [t for t in stay.waits(edge - SECOND).tasks if t.kind == "discharge_review"]
    [review] = [t for t in stay.waits(edge).tasks if t.kind == "discharge_review"]
    assert review.due_at == edge
    assert stay.state.ended_at is None  # software asks; a person ends


def late_after(pathway: Pathway) -> None:
    for beside, late in ((timedelta(), False), (SECOND, True)):
        stay = a_stay(pathway)
        at = stay.admitted_at + HOUR
        done = stay.reads(spo2_at(pathway, Level.GREEN), at, at + pathway.late_after + beside)
        assert done.judged is not None
        assert done.judged.late is late


def clock_tolerance(pathway: Pathway) -> None:
    for beside, doubtful in ((timedelta(), False), (SECOND, True)):
        stay = a_stay(pathway)
        now = stay.admitted_at + HOUR
        measured = now + pathway.clock_tolerance + beside
        done = stay.reads(spo2_at(pathway, Level.GREEN), measured, now)
        assert done.judged is not None
        assert (done.judged.time_doubtful, done.judged.judged_at) == (doubtful, now)
        assert (stay.state.alert(AlertClass.TECHNICAL) is not None) is doubtful


def before_stay(pathway: Pathway) -> None:
    for beside, doubtful in ((timedelta(), False), (SECOND, True)):
        stay = a_stay(pathway)
        measured = stay.admitted_at - pathway.before_stay - beside
        done = stay.reads(spo2_at(pathway, Level.GREEN), measured, stay.admitted_at + HOUR)
        assert done.judged is not None
        assert done.judged.time_doubtful is doubtful


def further_fall(pathway: Pathway) -> None:
    assert pathway.further_fall is not None
    by = limits_for(pathway).get(pathway.further_fall)
    assert by is not None
    for beside, state in ((0, "open"), (1, "acknowledged")):
        stay = a_stay(pathway)
        at, red = stay.admitted_at + HOUR, spo2_at(pathway, Level.RED)
        stay.reads(red, at)
        now = at + pathway.confirmation.repeat_within[Level.RED]
        alert = stay.waits(now).alert()
        stay.takes(Acknowledged(alert.id, "nurse-3", alert.version), now)
        stay.reads(red - by + beside, now + SECOND)
        assert stay.alert().state == state


# Ladders


def rung(pathway: Pathway, mode: str, level: str, when: str) -> tuple[Fold, UUID, datetime]:
    """Return a stay whose alert of a level began its ladder in, or out of, service hours."""
    stay = a_stay(pathway, Mode(mode))
    if Level(level) is Level.OVERDUE:
        return _silent(stay, pathway, when == "in")
    day, hours = local(stay.admitted_at, pathway.service.zone).date(), pathway.service
    at = moment(day, hours.opens, hours.zone) + 2 * HOUR
    if when == "out":
        at = moment(day, hours.closes, hours.zone) + HOUR
    assert in_service(at, hours) is (when == "in")
    if Level(level) is Level.TECHNICAL:
        stay.takes(UnreadableArrived("a message could not be read"), at)
        return stay, stay.alert(AlertClass.TECHNICAL).id, at
    stay.reads(None, at, answers=[an_answer(pathway, Level(level))])
    return stay, stay.alert(AlertClass.SYMPTOM).id, at


def _silent(stay: Fold, pathway: Pathway, inside: bool) -> tuple[Fold, UUID, datetime]:
    """Fall silent after such an agreed time that staff are told in, or out of, service hours."""
    green = spo2_at(pathway, Level.GREEN)
    for due in _dues(pathway, stay.state.expected_at, len(pathway.schedule.times)):
        stay.reads(green, due)
        tried = replace(stay, alerts={}, entries=[], messages=[], taken=[], tasks=[])
        tried.state = stay.state
        tried.waits(due + 2 * DAY)
        opened = [a.opened_at for a in tried.alerts.values() if a.alert_class is AlertClass.MISSING]
        if opened and in_service(opened[0], pathway.service) is inside:
            stay.waits(opened[0])
            return stay, stay.alert(AlertClass.MISSING).id, opened[0]
    raise AssertionError("no silence of this pathway falls there: write a case for it")


def due_at(pathway: Pathway, steps: tuple[LadderStep, ...], n: int, opened: datetime) -> datetime:
    """Return when a step falls due, worked out from the file: a held one waits for opening."""
    at = opened
    for k in range(n + 1):
        at += steps[k].after - (steps[k - 1].after if k else timedelta())
        if not steps[k].out_of_hours:
            at = next_opening(at, pathway.service)
    return at


def step_case(pathway: Pathway, mode: str, level: str, number: str, when: str) -> None:
    n = int(number)
    stay, id_, opened = rung(pathway, mode, level, when)
    steps = pathway.ladders[Mode(mode)][Level(level)].steps
    at = due_at(pathway, steps, n, opened)
    inside = in_service(at, pathway.service)
    if when == "out":
        assert inside is not bool(steps[n].out_of_hours), (
            "a held step waits until the team is there"
        )
    if at > opened:
        stay.waits(at - SECOND)
        assert not [taken for taken in stay.taken if (taken.alert_id, taken.step) == (id_, n)]
    stay.waits(at)
    made = [(m.to, m.by, m.text) for m in stay.messages if m.alert_id == id_ and m.at == at]
    calls = steps[n].in_hours if inside else steps[n].out_of_hours
    assert made == [(call.to, call.by, call.text) for call in calls]
    assert [t.due_at for t in stay.taken if (t.alert_id, t.step) == (id_, n)] == [at]


def repeat(pathway: Pathway, mode: str, level: str) -> None:
    stay, id_, opened = rung(pathway, mode, level, "in")
    ladder = pathway.ladders[Mode(mode)][Level(level)]
    last = len(ladder.steps) - 1
    at = due_at(pathway, ladder.steps, last, opened)
    for n in range(1, 4):
        at += ladder.repeat_every
        if not ladder.steps[last].out_of_hours:
            at = next_opening(at, pathway.service)
        stay.waits(at - SECOND)
        assert not [t for t in stay.taken if (t.alert_id, t.step) == (id_, last + n)]
        stay.waits(at)
        assert [t.due_at for t in stay.taken if (t.alert_id, t.step) == (id_, last + n)] == [at]


def acknowledge(pathway: Pathway, mode: str, level: str) -> None:
    stay, id_, opened = rung(pathway, mode, level, "in")
    alone = replace(stay.state, alerts=(stay.alerts[id_],))
    ladder = pathway.ladders[Mode(mode)][Level(level)]
    edge = due_at(pathway, ladder.steps, 0, opened) + ladder.acknowledge_within
    assert not stand(alone, edge - SECOND).past_deadline
    assert stand(alone, edge).past_deadline


def contact(pathway: Pathway, mode: str, level: str) -> None:
    stay, id_, opened = rung(pathway, mode, level, "in")
    edge = _owned(stay, id_, opened) + pathway.ladders[Mode(mode)][Level(level)].contact_within
    assert not stay.waits(edge - SECOND).to("owner:nurse-3")
    assert stay.waits(edge).to("owner:nurse-3") == [("call.owner_reminder", edge)]


def resume(pathway: Pathway, mode: str, level: str) -> None:
    stay, id_, opened = rung(pathway, mode, level, "in")
    ladder = pathway.ladders[Mode(mode)][Level(level)]
    edge = _owned(stay, id_, opened) + ladder.contact_within + ladder.resume_after
    stay.waits(edge - SECOND)
    assert stay.alerts[id_].state == "acknowledged"
    stay.waits(edge)
    assert (stay.alerts[id_].state, stay.alerts[id_].owner) == ("open", None)


def _owned(stay: Fold, id_: UUID, at: datetime) -> datetime:
    far = at + 30 * DAY  # whoever takes it goes home later than all that is tried here
    stay.takes(Acknowledged(id_, "nurse-3", stay.alerts[id_].version, shift_ends_at=far), at)
    return at


CASES: dict[str, Callable[..., None]] = {
    "belief": belief,
    "band": band,
    "held": held,
    "answer": answer,
    "call_me": call_me,
    "finding": finding,
    "news2": news2_total,
    "single_three": single_three,
    "swap": swap,
    "silence": silence,
    "remind": remind,
    "confirm": confirm,
    "check_in": check_in,
    "period": period,
    "late_after": late_after,
    "clock_tolerance": clock_tolerance,
    "before_stay": before_stay,
    "further_fall": further_fall,
    "step": step_case,
    "repeat": repeat,
    "acknowledge": acknowledge,
    "contact": contact,
    "resume": resume,
}


@pytest.mark.parametrize("name", PATHWAYS)
def test_every_rule_fires_at_its_edge_and_is_quiet_beside_it(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    pathway, fired, wrong = PATHWAYS[name], Counter[str](), []
    rules = list(rules_of(pathway))
    for rule in rules:
        try:
            CASES[rule[0]](pathway, *rule[1:])
        except (AssertionError, KeyError, StopIteration) as error:
            wrong.append(f"{'.'.join(rule)}: {type(error).__name__} {error}".splitlines()[0])
        else:
            fired[rule[0]] += 1
    counts = ", ".join(f"{kind} {n}" for kind, n in sorted(fired.items()))
    said = f"{pathway.name}: {sum(fired.values())} of {len(rules)} rules covered ({counts})"
    record_property(TO_SAY, said)  # conftest.py prints it at the end, also from another process
    assert wrong == []
    assert len(set(rules)) == len(rules)


def test_a_kind_of_rule_that_nobody_enumerates_is_noticed() -> None:
    known = {f.name for f in fields(Pathway)}
    assert known == RULES | NO_RULES, "a new field of a pathway: is it a rule? Enumerate it here"


def test_a_finding_made_of_a_new_fact_is_noticed() -> None:
    assert set(get_args(Condition)) == set(SITUATIONS)
