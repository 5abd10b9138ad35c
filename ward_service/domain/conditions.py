"""Findings that need several facts. Each kind of fact is one function; there is no expression."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

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
from ward_service.contract.vocabulary import UNITS, Context, Vital
from ward_service.domain.civil_time import local
from ward_service.domain.finding import Finding
from ward_service.domain.history import Past, median_of_last, values_before
from ward_service.domain.limits import Limits


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a finding is looked for: a reading, or that one was missed.

    `history` are earlier readings, oldest first, and `last_rest` the latest at rest; readings
    closer together than `spacing` count once. `missed` counts windows in a row. Of age and
    pregnancy None is unknown.
    """

    at: datetime
    zone: str
    limits: Limits
    values: Mapping[Vital, float] = field(default_factory=dict)
    context: Context = Context.REST
    answers: tuple[tuple[str, str], ...] = ()
    history: Sequence[Past] = ()
    last_rest: Past | None = None
    spacing: timedelta = timedelta()
    paired_with: UUID | None = None
    missed: int = 0
    age_years: int | None = None
    pregnant: bool | None = None


def found(rule: FindingRule, facts: Facts) -> Finding | None:
    """Return the finding if all its conditions hold; an unknown fact holds nothing."""
    words: list[str] = []
    vital: Vital | None = None
    value: float | None = None
    for condition in rule.conditions:
        said = _HOLDS[type(condition)](condition, facts)
        if said is None:
            return None
        words.append(said)
        if vital is None and isinstance(condition, ValueIs | MedianIs | ChangedBy):
            vital, value = condition.vital, facts.values.get(condition.vital)
    because = ", ".join(word for word in words if word)
    said = f"{rule.said}: {because}" if because else rule.said
    return Finding(
        rule.level,
        said,
        vital,
        value,
        rule=f"finding.{rule.id}",
        alert_class=rule.alert_class,
        confirm=rule.confirm,
    )


def looked_at(rule: FindingRule, facts: Facts) -> set[Vital]:
    """Return the measured vitals that a finding looks at in this context, whether or not it holds.

    A fall with exertion looks at nothing without the reading at rest that it belongs to.
    """
    looked = set()
    for condition in rule.conditions:
        match condition:
            case ValueIs():
                looked |= {condition.vital} if condition.context is facts.context else set()
            case MedianIs() | ChangedBy():
                looked |= {condition.vital} if facts.context is Context.REST else set()
            case ExertionFall():
                looked |= {Vital.SPO2} if _paired_rest(facts) is not None else set()
            case _:
                pass
    return looked.intersection(facts.values)


def _value_is(condition: ValueIs, facts: Facts) -> str | None:
    value = facts.values.get(condition.vital)
    if value is None or facts.context is not condition.context:
        return None
    said = UNITS[condition.vital].say(value)
    return _against(said, value, condition.at_most, condition.at_least, facts.limits)


def _median_is(condition: MedianIs, facts: Facts) -> str | None:
    now = facts.values.get(condition.vital)
    if now is None or facts.context is not Context.REST:
        return None
    earlier = values_before(facts.history, condition.vital, facts.at - facts.spacing)
    middle = median_of_last(earlier, now, condition.readings)
    if middle is None:
        return None
    said = f"median of the last {condition.readings}: {UNITS[condition.vital].say(middle)}"
    return _against(said, middle, condition.at_most, condition.at_least, facts.limits)


def _changed_by(condition: ChangedBy, facts: Facts) -> str | None:
    now = facts.values.get(condition.vital)
    if now is None or facts.context is not Context.REST:
        return None
    within = timedelta(hours=condition.hours)
    earlier = values_before(facts.history, condition.vital, facts.at, facts.at - within)
    if not earlier:
        return None
    if condition.falls_by is not None:
        change, edge, which = _difference(max(earlier), now), condition.falls_by, "fell"
    else:
        assert condition.rises_by is not None  # noqa: S101 - the file names one of the two
        change, edge, which = _difference(now, min(earlier)), condition.rises_by, "rose"
    by = facts.limits.number_at(edge)
    if by is None or change < by:
        return None
    unit = UNITS[condition.vital]
    return f"{unit.label} {which} by {change:g} within {condition.hours:g} h (limit {by:g})"


def _exertion_fall(condition: ExertionFall, facts: Facts) -> str | None:
    now = facts.values.get(Vital.SPO2)
    rest = _paired_rest(facts)
    by = facts.limits.number_at(condition.falls_by)
    if now is None or rest is None or by is None or _difference(rest, now) < by:
        return None
    return f"SpO2 fell from {rest:g} % at rest to {now:g} % (limit {by:g})"


def _paired_rest(facts: Facts) -> float | None:
    """Return the SpO2 at rest that belongs to a reading after exertion: its own pair only."""
    if facts.context is not Context.EXERTION or facts.paired_with is None:
        return None
    for past in (facts.last_rest, *reversed(facts.history)):
        if past is not None and past.reading_id == facts.paired_with:
            return past.values.get(Vital.SPO2)
    return None


def _difference(one: float, other: float) -> float:
    """Return how much more one value is, as a person reckons: 82.8 is 2.8 more than 80."""
    return round(one - other, 6)


def _answer_is(condition: AnswerIs, facts: Facts) -> str | None:
    given = [
        answer
        for question, answer in facts.answers
        if question == condition.question and answer in condition.one_of
    ]
    return ", ".join(answer.replace("_", " ") for answer in given) or None


def _missed(condition: Missed, facts: Facts) -> str | None:
    return f"{facts.missed} missed in a row" if facts.missed >= condition.windows else None


def _time_of_day(condition: TimeOfDay, facts: Facts) -> str | None:
    now = local(facts.at, facts.zone).time()
    if condition.since <= condition.until:
        inside = condition.since <= now < condition.until
    else:
        inside = now >= condition.since or now < condition.until
    return "" if inside else None


_HOLDS: Final[dict[type[Condition], Callable[[Any, Facts], str | None]]] = {
    ValueIs: _value_is,
    MedianIs: _median_is,
    ChangedBy: _changed_by,
    ExertionFall: _exertion_fall,
    AnswerIs: _answer_is,
    Missed: _missed,
    TimeOfDay: _time_of_day,
}


def _against(
    said: str, value: float, at_most: Edge | None, at_least: Edge | None, limits: Limits
) -> str | None:
    """Return a value against the limits that it passed; None if it passed one of them not."""
    for edge, passed, sign in (
        (at_most, float.__le__, "<="),
        (at_least, float.__ge__, ">="),
    ):
        if edge is None:
            continue
        limit = limits.number_at(edge)
        if limit is None or not passed(float(value), float(limit)):
            return None
        said += f" {sign} {limit:g}"
    return said
