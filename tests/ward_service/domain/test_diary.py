"""A paper diary: an old red that better ones follow is shown and rings nobody.

docs/understand/design.md#promise-4.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations, product

import pytest

from tests.factories import COH, NOON, minutes
from tests.ward_service.domain.fold import DAY, HOUR, Fold
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertState,
    EndReason,
    Level,
    Source,
    Vital,
)
from ward_service.domain.episode import Person
from ward_service.domain.inputs import Acknowledged, DiaryArrived, Ended, ReadingArrived
from ward_service.domain.limits import limits_at_admission

GREEN, AMBER, RED = 97.0, 93.0, 88.0
LEVELS = {GREEN: Level.GREEN, AMBER: Level.AMBER, RED: Level.RED}
Answers = Sequence[tuple[str, str]]
WELL: Answers = (("red_flags", "none"),)
BLUE: Answers = (("red_flags", "blue_lips"),)
WORSE: Answers = (("feeling", "worse"),)


def a_row(ago: timedelta, spo2: float, answers: Answers = ()) -> ReadingArrived:
    at = NOON - ago
    return ReadingArrived(
        reading_id=derived_id(at, spo2, *answers),
        measured_at=at,
        values={Vital.SPO2: spo2},
        source=Source.PAPER,
        answers=tuple(answers),
    )


def a_stay() -> Fold:
    return Fold(admitted_at=NOON - 2 * DAY)


def rung(stay: Fold, alert_class: AlertClass = AlertClass.PHYSIOLOGICAL) -> set[Level | None]:
    """At which levels somebody was called about alerts of a class."""
    mine = {id_ for id_, alert in stay.alerts.items() if alert.alert_class is alert_class}
    return {m.level for m in stay.messages if m.alert_id in mine}


def standing(values: Sequence[float]) -> list[Level]:
    """What no better reading follows: by the promise, not by the code."""
    last_good = max((n for n, value in enumerate(values) if value == GREEN), default=-1)
    return [LEVELS[value] for value in values[last_good + 1 :]]


EVERY_DIARY = [
    diary for rows in (1, 2, 3, 4) for diary in product((GREEN, AMBER, RED), repeat=rows)
]


@pytest.mark.parametrize("values", EVERY_DIARY, ids=str)
def test_only_what_no_better_reading_follows_calls_somebody_in_whatever_order_it_is_entered(
    values: tuple[float, ...],
) -> None:
    rows = [a_row(HOUR * (len(values) - n), value) for n, value in enumerate(values)]
    outcomes = []
    for entered in permutations(rows):
        stay = a_stay()
        stay.takes(DiaryArrived(entered), NOON)
        outcomes.append((stay.state, stay.alerts, stay.entries, stay.messages))
        assert outcomes[-1] == outcomes[0]
    worst = Level.RED if Level.RED in standing(values) else Level.AMBER
    assert rung(stay) == ({worst} if standing(values) else set())
    bad = {value for value in values if value != GREEN}
    if not bad:
        assert not [a for a in stay.alerts.values() if a.alert_class is AlertClass.PHYSIOLOGICAL]
        return
    alert = stay.alert()
    assert (alert.late, alert.review) == (True, not standing(values))
    shown = {found.finding.value for found in alert.findings}
    assert min(bad) in shown  # the worst is always shown, whatever becomes of it
    if not standing(values):
        assert shown == bad


@pytest.mark.parametrize("answers", [(), WELL, BLUE])
@pytest.mark.parametrize("ago", [minutes(1), HOUR, DAY])
@pytest.mark.parametrize("value", [GREEN, AMBER, RED])
def test_a_diary_of_one_row_is_that_reading(value: float, ago: timedelta, answers: Answers) -> None:
    row = a_row(ago, value, answers)
    one, diary = a_stay(), a_stay()
    one.takes(row, NOON)
    diary.takes(DiaryArrived((row,)), NOON)
    assert (diary.state, diary.alerts, diary.messages) == (one.state, one.alerts, one.messages)


def test_a_better_reading_that_is_kept_already_counts_whatever_its_source() -> None:
    stay = a_stay()
    stay.reads(GREEN, NOON - HOUR)
    stay.takes(DiaryArrived((a_row(3 * HOUR, RED), a_row(2 * HOUR, AMBER))), NOON)
    assert rung(stay) == set()
    assert (stay.alert().review, stay.alert().level) == (True, Level.RED)
    assert stay.what() == ["opened for review", "joined for review"]


def test_a_doubtful_number_is_no_better_reading() -> None:
    stay = a_stay()
    swapped = ReadingArrived(
        derived_id(NOON, "swapped"),
        NOON - HOUR,
        {Vital.SPO2: GREEN, Vital.PULSE_RATE: 300.0},
        source=Source.PAPER,
    )
    stay.takes(DiaryArrived((a_row(2 * HOUR, RED), swapped)), NOON)
    assert rung(stay) == {Level.RED}


def test_an_old_red_raises_no_amber_that_is_in_play_and_is_shown_in_it() -> None:
    stay = a_stay()
    stay.reads(AMBER, NOON - 2 * HOUR)
    stay.waits(NOON)
    before, calls = stay.alert(), len(stay.messages)
    assert before.state is AlertState.OPEN
    stay.takes(DiaryArrived((a_row(DAY, RED), a_row(DAY - HOUR, GREEN))), NOON)
    assert len(stay.messages) == calls
    after = stay.alert()
    assert (after.level, after.state, after.step_at) == (before.level, before.state, before.step_at)
    assert [f.finding.value for f in after.findings] == [AMBER, RED]


def test_an_old_low_does_not_hide_a_new_fall() -> None:
    """What is over must not be the mark from which a further fall is measured."""
    stay = a_stay()
    stay.takes(DiaryArrived((a_row(DAY, 84.0), a_row(DAY - HOUR, GREEN))), NOON)
    stay.reads(91.0, NOON + minutes(10))
    alert = stay.alert()
    assert (alert.review, rung(stay)) == (False, {Level.RED})
    now = NOON + minutes(20)
    stay.takes(Acknowledged(alert.id, "nurse-3", alert.version), now)
    stay.reads(88.0, now + minutes(1))
    assert stay.alert().state is AlertState.OPEN  # three points further: it rings again
    assert stay.what()[-2:] == ["re-opened", "called"]


def test_a_late_red_that_nothing_follows_rings_though_one_for_review_is_in_play() -> None:
    stay = a_stay()
    stay.takes(DiaryArrived((a_row(DAY, RED), a_row(DAY - HOUR, GREEN))), NOON - HOUR)
    assert rung(stay) == set()
    stay.takes(DiaryArrived((a_row(2 * HOUR, RED),)), NOON)
    assert rung(stay) == {Level.RED}
    assert not stay.alert().review


# Answers: a good number proves nothing about a red flag.


@pytest.mark.parametrize(
    ("later", "rings"),
    [
        ((GREEN, WELL), False),
        ((GREEN, ()), True),
        ((GREEN, (("feeling", "same"),)), True),
        ((AMBER, WELL), True),
        ((GREEN, BLUE), True),
    ],
    ids=["none since", "only a number", "another question", "amber since", "the same flag since"],
)
def test_an_old_red_flag_is_over_only_when_the_same_question_was_answered_well_since(
    later: tuple[float, Answers], rings: bool
) -> None:
    stay = a_stay()
    value, answers = later
    stay.takes(DiaryArrived((a_row(DAY, GREEN, BLUE), a_row(HOUR, value, answers))), NOON)
    assert bool(rung(stay, AlertClass.SYMPTOM)) is rings
    alert = stay.alert(AlertClass.SYMPTOM)
    assert (alert.level, alert.late, alert.review) == (Level.RED, True, not rings)


def test_a_red_flag_after_the_good_answer_rings() -> None:
    stay = a_stay()
    rows = (a_row(DAY, GREEN, WELL), a_row(2 * HOUR, GREEN, BLUE), a_row(HOUR, GREEN))
    stay.takes(DiaryArrived(rows), NOON)
    assert rung(stay, AlertClass.SYMPTOM) == {Level.RED}


def test_a_red_flag_of_now_rings_though_the_same_words_wait_for_review() -> None:
    stay = a_stay()
    stay.takes(DiaryArrived((a_row(DAY, GREEN, BLUE), a_row(HOUR, GREEN, WELL))), NOON)
    assert rung(stay, AlertClass.SYMPTOM) == set()
    stay.reads(GREEN, NOON + minutes(5), answers=BLUE)
    assert rung(stay, AlertClass.SYMPTOM) == {Level.RED}
    assert not stay.alert(AlertClass.SYMPTOM).review


def test_an_amber_symptom_that_stands_rings_as_amber_beside_an_old_red_flag() -> None:
    stay = a_stay()
    rows = (
        a_row(DAY, GREEN, BLUE),
        a_row(3 * HOUR, GREEN, WELL),
        a_row(2 * HOUR, GREEN, WORSE),
        a_row(HOUR, GREEN),
    )
    stay.takes(DiaryArrived(rows), NOON)
    assert rung(stay, AlertClass.SYMPTOM) == {Level.AMBER}
    shown = {f.finding.level for f in stay.alert(AlertClass.SYMPTOM).findings}
    assert shown == {Level.AMBER, Level.RED}


def test_who_asks_to_be_called_is_called_however_old_the_page_is() -> None:
    stay = a_stay()
    asked = ReadingArrived(
        derived_id(NOON, "call"), NOON - DAY, {Vital.SPO2: GREEN}, answers=(*WELL,), call_me=True
    )
    stay.takes(DiaryArrived((asked, a_row(HOUR, GREEN, WELL))), NOON)
    assert rung(stay, AlertClass.SYMPTOM) == {Level.AMBER}


# The ends of a stay


def test_a_diary_collected_at_the_end_calls_nobody_and_shows_its_reds() -> None:
    stay = a_stay()
    end = Ended("nurse-3", EndReason.RECOVERED_EARLY, "well", "yes", True)
    stay.takes(end, NOON - HOUR)
    before = list(stay.messages)
    stay.takes(DiaryArrived((a_row(3 * HOUR, RED), a_row(2 * HOUR, RED, BLUE))), NOON)
    stay.waits(NOON + DAY)
    assert stay.messages == before
    assert stay.alert().review
    assert stay.alert(AlertClass.SYMPTOM).review


def test_the_diary_of_somebody_who_died_is_kept_and_judged() -> None:
    stay = a_stay()
    stay.takes(Ended("nurse-3", EndReason.DIED, "at home"), NOON - HOUR)
    done = stay.takes(DiaryArrived((a_row(3 * HOUR, RED), a_row(2 * HOUR, GREEN))), NOON)
    assert [judged.assessment.level for judged in done.diary] == [Level.RED, Level.GREEN]
    assert (done.changed, done.messages) == ({}, [])


def test_each_page_is_judged_by_the_pages_before_it() -> None:
    """Folding newest first would lose a trend: the middle of the last three is far below usual."""
    limits = limits_at_admission(COH, baseline_spo2=99)
    stay = Fold(admitted_at=NOON - 2 * DAY, person=Person(limits=limits))
    rows = tuple(a_row(n * 6 * HOUR, 96.0) for n in (3, 2, 1))
    done = stay.takes(DiaryArrived(rows), NOON)
    assert [judged.assessment.level for judged in done.diary] == [
        Level.GREEN,
        Level.GREEN,
        Level.AMBER,
    ]
    assert rung(stay) == {Level.AMBER}
