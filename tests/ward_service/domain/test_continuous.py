"""A minute of samples as one reading: the last stable value, and any red that was held."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import COH, NOON
from tests.ward_service.domain.fold import Fold
from tests.ward_service.domain.test_rules_coverage import PATHWAYS, limits_for
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import AlertState, Level, Quality, Vital
from ward_service.domain.continuous import as_reading, held_reds, held_still
from ward_service.domain.inputs import Held, ReadingArrived, TraceArrived
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.pathway import ON_OXYGEN_88_92

LIMITS = limits_at_admission(COH)
STABLE = int(COH.continuous.stable.total_seconds())
HELD = int(COH.continuous.held_red.total_seconds())
GAP = int(COH.continuous.gap.total_seconds())
SPREAD = COH.continuous.stable_spread
Samples = Sequence[float | None]
NOISE: list[float | None] = [90, 97, 93, 99, 91, 98] * 2  # never the same twice running


def trace(samples: Samples, interval_s: float = 1.0) -> TraceArrived:
    spo2 = {Vital.SPO2: tuple(samples)}
    return TraceArrived(derived_id(NOON, len(samples)), NOON, interval_s, spo2, slot=1)


def reading(samples: Samples, interval_s: float = 1.0) -> ReadingArrived:
    return as_reading(trace(samples, interval_s), LIMITS, COH)


def test_the_last_stable_value_is_judged_and_measured_when_it_was() -> None:
    found = reading([95.0] * STABLE + NOISE + [96.0] * STABLE + NOISE)
    assert found.values == {Vital.SPO2: 96}
    ended = STABLE + len(NOISE) + STABLE - 1
    assert found.measured_at == NOON + timedelta(seconds=ended)
    assert found.quality == ()


def test_it_must_stand_still_for_the_whole_time() -> None:
    assert reading(NOISE + [96.0] * STABLE).values == {Vital.SPO2: 96}
    shorter = reading(NOISE + [96.0] * (STABLE - 1))
    assert shorter.values == {Vital.SPO2: 90}  # the lowest: never set aside
    assert shorter.quality == (Quality.QUESTIONABLE,)


@pytest.mark.parametrize(("gap", "stable"), [(GAP, True), (GAP + 1, False)])
def test_a_gap_ends_a_stretch_that_is_stable(gap: int, stable: bool) -> None:
    half: list[float | None] = [96.0] * (STABLE - 1)
    found = reading([90.0, *half, *[None] * gap, 96.0])
    assert (found.quality == ()) is stable


def test_a_pathway_may_allow_a_spread() -> None:
    samples: list[float | None] = [90.0, *[96.0, 96.0 + SPREAD] * STABLE]
    assert reading(samples).values == {Vital.SPO2: 96 + SPREAD}
    wider: list[float | None] = [90.0, *[96.0, 96.1 + SPREAD] * STABLE]
    assert reading(wider).quality == (Quality.QUESTIONABLE,)


def test_a_questionable_normal_value_reassures_nobody_and_a_low_one_rings() -> None:
    stay = Fold()
    wobbles: list[float | None] = [96.0, 97.0 + SPREAD] * 30
    done = stay.takes(trace(wobbles), NOON + timedelta(minutes=1))
    assert done.judged is not None
    assert (done.judged.assessment.level, done.judged.assessment.reassuring) == (None, False)
    assert stay.state.never_reported
    stay.takes(trace(NOISE * 5), NOON + timedelta(minutes=2))
    assert (stay.alert().level, stay.alert().findings[0].finding.doubtful) == (Level.RED, True)


def test_where_the_sensor_saw_nothing_there_is_no_value() -> None:
    found = reading([None] * 60)
    assert (found.values, found.held, found.measured_at) == ({}, (), NOON)


def a_run(length: int, low: float = 91.0) -> list[float | None]:
    return [low, *[92.0] * (length - 1)]


def test_a_red_that_was_held_is_found_although_the_last_stable_value_is_green() -> None:
    held = reading([*a_run(HELD), *[97.0] * 30])
    assert (held.values, held.held) == (
        {Vital.SPO2: 97},
        (Held(Vital.SPO2, 91, float(HELD)),),
    )
    assert reading([*a_run(HELD - 1), *[97.0] * 30]).held == ()


def test_a_held_red_opens_at_once_and_is_no_reason_to_be_reassured() -> None:
    stay = Fold()
    stay.takes(trace([*a_run(HELD), *[97.0] * 30]), NOON + timedelta(minutes=1))
    alert = stay.alert()
    assert (alert.state, alert.level) == (AlertState.OPEN, Level.RED)
    assert alert.findings[0].finding.words == f"SpO2 91 % <= 92 %, for {HELD} s"


def test_a_red_that_was_held_upwards_is_told_with_its_highest_value() -> None:
    """On oxygen with a target of 88 to 92, too much of it is the danger."""
    copd = PATHWAYS["copd-88-92"]
    limits = limits_for(copd, ON_OXYGEN_88_92)
    samples: list[float | None] = [97.0, 99.0, *[98.0] * (HELD - 2)]
    red = (Held(Vital.SPO2, 99, float(HELD)),)
    assert held_reds(trace(samples), limits, copd) == red
    assert held_still(trace(samples), limits, copd) == red


def test_one_good_sample_ends_a_run() -> None:
    half = HELD // 2
    assert reading([*a_run(half), 93.0, *a_run(half)]).held == ()


@pytest.mark.parametrize(("gap", "held"), [(GAP, True), (GAP + 1, False)])
def test_a_short_gap_is_bridged_and_a_longer_one_ends_a_run(gap: int, held: bool) -> None:
    half = HELD // 2
    found = reading([*a_run(half), *[None] * gap, *a_run(half)])
    assert bool(found.held) is held


def test_time_is_counted_and_not_samples() -> None:
    assert reading(a_run(HELD // 5), interval_s=5).held == (Held(Vital.SPO2, 91, float(HELD)),)
    assert reading(a_run(HELD // 5 - 1), interval_s=5).held == ()


def test_the_persons_own_limits_say_what_is_red() -> None:
    lower = LIMITS.changed({"red_max": 88, "amber_max": 90})
    assert as_reading(trace(a_run(HELD)), lower, COH).held == ()


@given(st.lists(st.one_of(st.none(), st.sampled_from([70.0, 91, 92, 93, 97])), max_size=90))
def test_a_minute_is_never_better_than_its_parts(samples: list[float | None]) -> None:
    seen = [value for value in samples if value is not None]
    found = reading(samples)
    assert set(found.values.values()) <= set(seen)
    assert bool(found.values) == bool(seen)
    for held in found.held:
        assert held.worst == min(seen) or held.worst <= 92
        assert HELD <= held.seconds <= len(samples)


@pytest.mark.parametrize(
    ("after", "goes_on"),
    [([], True), ([None] * GAP, True), ([None] * (GAP + 1), False), ([93.0], False)],
)
def test_a_held_red_goes_on_until_a_better_value_or_a_gap(
    after: list[float | None], goes_on: bool
) -> None:
    still = held_still(trace([*a_run(HELD), *after]), LIMITS, COH)
    assert still == ((Held(Vital.SPO2, 91, float(HELD)),) if goes_on else ())
    assert held_still(trace([*a_run(HELD - 1), *after]), LIMITS, COH) == ()


@given(st.lists(st.one_of(st.none(), st.sampled_from([70.0, 91, 92, 93, 97])), max_size=90))
def test_what_is_held_still_was_held(samples: list[float | None]) -> None:
    """Told at once, second by second, it is the red that the whole minute has."""
    told = [held_still(trace(samples[:n]), LIMITS, COH) for n in range(len(samples) + 1)]
    assert any(told) is bool(held_reds(trace(samples), LIMITS, COH))
