"""Facts that a finding may need, one by one: at the edge, beside it, and unknown."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest

from tests.factories import COH, NOON, minutes
from tests.ward_service.domain.fold import HOUR, Fold
from ward_service.contract import rules
from ward_service.contract.ids import derived_id
from ward_service.contract.rules import Condition, Edge, FindingRule
from ward_service.contract.vocabulary import AlertClass, Context, Level, Vital
from ward_service.domain.conditions import Facts, found
from ward_service.domain.history import Past, remembered
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.pathway import Parameter

ValueIs = partial(rules.ValueIs, kind="value_is")
MedianIs = partial(rules.MedianIs, kind="median_is")
ChangedBy = partial(rules.ChangedBy, kind="changed_by")
ExertionFall = partial(rules.ExertionFall, kind="exertion_fall")
AnswerIs = partial(rules.AnswerIs, kind="answer_is")
Missed = partial(rules.Missed, kind="missed")
TimeOfDay = partial(rules.TimeOfDay, kind="time_of_day")

SPO2 = Vital.SPO2
RED, DROP = Edge("red_max"), Edge("trend_drop")  # 92, 3
LIMITS = limits_at_admission(COH, baseline_spo2=97)


def facts(spo2: float | None = 97, **more: Any) -> Facts:
    values = {} if spo2 is None else {SPO2: spo2}
    return Facts(NOON, "Europe/London", LIMITS, values, **more)


def earlier(*values: float, apart: timedelta = 24 * HOUR) -> tuple[Past, ...]:
    """Return earlier readings, the last one `apart` before noon."""
    count = len(values)
    return tuple(
        Past(NOON - (count - n) * apart, derived_id(NOON, n), {SPO2: value})
        for n, value in enumerate(values)
    )


def a_rule(*conditions: Condition) -> FindingRule:
    return FindingRule("r", Level.AMBER, AlertClass.PHYSIOLOGICAL, conditions, False, "a finding")


def holds(condition: Condition, known: Facts) -> bool:
    return found(a_rule(condition), known) is not None


PAIR = Past(NOON - minutes(5), derived_id(NOON, 99), {SPO2: 98})
EXERTION = {
    "context": Context.EXERTION,
    "last_rest": PAIR,
    "paired_with": PAIR.reading_id,
}


@pytest.mark.parametrize(
    ("condition", "known", "expected"),
    [
        (ValueIs(SPO2, Context.REST, at_most=RED), facts(92), True),
        (ValueIs(SPO2, Context.REST, at_most=RED), facts(93), False),
        (ValueIs(SPO2, Context.REST, at_least=RED), facts(92), True),
        (ValueIs(SPO2, Context.REST, at_least=RED), facts(91), False),
        (ValueIs(SPO2, Context.REST, at_most=RED), facts(None), False),
        (ValueIs(SPO2, Context.REST, at_most=RED), facts(80, context=Context.EXERTION), False),
        (ValueIs(SPO2, Context.EXERTION, RED), facts(92, context=Context.EXERTION), True),
        (MedianIs(SPO2, 3, at_most=RED), facts(92, history=earlier(99, 91)), True),
        (MedianIs(SPO2, 3, at_most=RED), facts(93, history=earlier(99, 91)), False),
        (MedianIs(SPO2, 3, at_most=RED), facts(80, history=earlier(80)), False),  # too few
        (MedianIs(SPO2, 3, at_most=RED), facts(80, history=earlier(99, 99, 80)), True),
        (ChangedBy(SPO2, 24, falls_by=DROP), facts(95, history=earlier(98)), True),
        (ChangedBy(SPO2, 24, falls_by=DROP), facts(96, history=earlier(98)), False),
        (ChangedBy(SPO2, 23, falls_by=DROP), facts(90, history=earlier(98)), False),  # longer ago
        (ChangedBy(SPO2, 24, rises_by=DROP), facts(98, history=earlier(95)), True),
        (ChangedBy(SPO2, 24, rises_by=DROP), facts(97, history=earlier(95)), False),
        (ChangedBy(SPO2, 48, falls_by=DROP), facts(95, history=earlier(98, 95)), True),  # highest
        (ChangedBy(SPO2, 24, falls_by=DROP), facts(80), False),  # nothing to compare with
        (ExertionFall(DROP), facts(95, **EXERTION), True),
        (ExertionFall(DROP), facts(96, **EXERTION), False),
        (ExertionFall(DROP), facts(80, **EXERTION | {"paired_with": None}), False),
        (ExertionFall(DROP), facts(80, **EXERTION | {"paired_with": derived_id(NOON, 1)}), False),
        (ExertionFall(DROP), facts(80, **EXERTION | {"context": Context.REST}), False),
        (AnswerIs("q", ("a", "b")), facts(answers=(("q", "b"),)), True),
        (AnswerIs("q", ("a", "b")), facts(answers=(("q", "c"), ("p", "a"))), False),
        (Missed(2), facts(missed=2), True),
        (Missed(2), facts(missed=1), False),
        (TimeOfDay(time(12), time(13)), facts(), True),  # since belongs to it
        (TimeOfDay(time(11), time(12)), facts(), False),  # until does not
        (TimeOfDay(time(22), time(13)), facts(), True),  # over midnight
        (TimeOfDay(time(22), time(12)), facts(), False),
    ],
)  # fmt: skip
def test_each_fact_holds_at_its_edge_and_an_unknown_one_never(
    condition: Condition, known: Facts, expected: bool
) -> None:
    assert holds(condition, known) is expected


def test_the_time_of_day_is_the_patients_own() -> None:
    noon_here = TimeOfDay(time(12), time(13))
    summer = datetime(2026, 7, 1, 11, 30, tzinfo=UTC)
    assert holds(noon_here, replace(facts(), at=summer))
    assert not holds(noon_here, replace(facts(), at=summer, zone="UTC"))


def test_all_conditions_must_hold_and_the_words_say_each() -> None:
    rule = a_rule(
        ValueIs(SPO2, Context.REST, at_most=RED),
        AnswerIs("q", ("very_tired",)),
    )
    both = found(rule, facts(91, answers=(("q", "very_tired"),)))
    assert both is not None
    assert both.words == "a finding: SpO2 91 % <= 92, very tired"
    assert (both.vital, both.value, both.confirm) == (SPO2, 91, False)
    assert found(rule, facts(91)) is None
    assert found(rule, facts(93, answers=(("q", "very_tired"),))) is None


def test_below_the_usual_value_needs_one_and_has_its_floor() -> None:
    below = ValueIs(
        SPO2, Context.REST, at_most=Edge("trend_drop", below_baseline=True), kind="value_is"
    )
    assert holds(below, facts(94))
    assert not holds(below, facts(95))
    assert not holds(below, replace(facts(50), limits=limits_at_admission(COH)))
    floored = ValueIs(
        SPO2, Context.REST, at_most=Edge("trend_drop", True, "exertion_rest_min"), kind="value_is"
    )
    assert holds(floored, facts(96))  # 97 - 3 is below the floor of 96
    unset = replace(
        COH, parameters=dict(COH.parameters) | {"red_max": Parameter(None, 80, 95, SPO2)}
    )
    nobody_set = replace(facts(50), limits=limits_at_admission(unset))
    assert not holds(ValueIs(SPO2, Context.REST, at_most=RED), nobody_set)


# What findings look back on


def test_readings_closer_together_than_the_spacing_count_once() -> None:
    history: tuple[Past, ...] = ()
    for minute in range(0, 180, 10):
        past = Past(NOON + minutes(minute), derived_id(NOON, minute), {SPO2: 90.0 + minute})
        history = remembered(history, past, COH)
    assert [past.at for past in history] == [NOON, NOON + HOUR, NOON + 2 * HOUR]


def test_a_reading_that_arrives_late_takes_its_place_in_the_order() -> None:
    history: tuple[Past, ...] = ()
    for hour in (0, 4, 2):
        past = Past(NOON + hour * HOUR, derived_id(NOON, hour), {SPO2: 95})
        history = remembered(history, past, COH)
    assert [past.at for past in history] == [NOON, NOON + 2 * HOUR, NOON + 4 * HOUR]


def test_a_late_reading_of_an_occasion_that_is_known_already_counts_no_more() -> None:
    history: tuple[Past, ...] = ()
    for n, minute in enumerate((0, 240, 30)):
        past = Past(NOON + minutes(minute), derived_id(NOON, n), {SPO2: 95})
        history = remembered(history, past, COH)
    assert [past.at for past in history] == [NOON, NOON + 4 * HOUR]


def test_a_trend_needs_readings_of_three_occasions() -> None:
    stay, hits = Fold(person=replace(Fold().person, limits=LIMITS)), []
    for n in range(13):  # ten minutes apart: the third occasion is two hours on
        done = stay.reads(94, NOON + minutes(10 * n))
        assert done.judged is not None
        rules = {finding.rule for finding in done.judged.assessment.findings}
        hits.append("finding.trend" in rules)
    assert hits == [False] * 12 + [True]


def test_a_missed_reading_is_looked_at_on_the_clock() -> None:
    rule = replace(a_rule(Missed(2)), said="two missed", alert_class=AlertClass.SYMPTOM)
    stay = Fold(replace(COH, findings=(*COH.findings, rule)))
    over = NOON + 7 * HOUR  # one and five o'clock, each with its two hours
    stay.waits(over - timedelta(seconds=1))
    assert stay.state.alert(AlertClass.SYMPTOM) is None
    alert = stay.waits(over).state.alert(AlertClass.SYMPTOM)
    assert alert is not None
    assert (alert.opened_at, alert.findings[0].finding.words) == (
        over,
        "two missed: 2 missed in a row",
    )


def test_a_fall_with_exertion_is_found_by_its_own_pair_only() -> None:
    stay = Fold()
    rest = stay.reads(98, NOON).judged
    assert rest is not None
    for n, (pair, expected) in enumerate(
        ((derived_id(NOON, 77), False), (rest.reading.reading_id, True))
    ):
        after = ReadingArrived(
            derived_id(NOON, 50 + n), NOON + minutes(3 + n), {SPO2: 94}, Context.EXERTION,
            slot=1, paired_with=pair,
        )  # fmt: skip
        done = stay.takes(after, NOON + minutes(3 + n))
        assert done.judged is not None
        rules = {finding.rule for finding in done.judged.assessment.findings}
        assert ("finding.exertion_fall" in rules) is expected
