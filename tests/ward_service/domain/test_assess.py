from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import COH, NOON
from tests.ward_service.pathways.documents import EARLIER
from ward_service.contract.vocabulary import Context, Level, Quality, Vital
from ward_service.domain.assess import POOR, Assessment, assess
from ward_service.domain.conditions import Facts
from ward_service.domain.limits import limits_at_admission
from ward_service.pathways.load import SHIPPED, load


def judged(
    spo2: float | None, pulse: float | None = 72, *quality: Quality, context: Context = Context.REST
) -> Assessment:
    values = {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse}
    given_values = {vital: value for vital, value in values.items() if value is not None}
    facts = Facts(NOON, "Europe/London", limits_at_admission(COH), given_values, context)
    return assess(facts, COH, quality=quality)


def test_the_words_let_a_nurse_check_the_rule() -> None:
    assert [f.words for f in judged(91).concerns] == ["SpO2 91 % <= 92 %"]
    assert [f.words for f in judged(93).concerns] == ["SpO2 93 % <= 94 %"]


def test_nothing_measured_is_not_green() -> None:
    nothing = judged(None, None)
    assert nothing.level is None
    assert not nothing.reassuring


def test_a_pulse_alone_is_neither_green_nor_an_answer() -> None:
    pulse_only = judged(None, 72)
    assert pulse_only.level is None
    assert not pulse_only.reassuring


@pytest.mark.parametrize("flag", sorted(POOR))
def test_poor_signal_is_never_green(flag: Quality) -> None:
    assert judged(98, 72, flag).level is None
    assert not judged(98, 72, flag).reassuring


@pytest.mark.parametrize("flag", sorted(POOR))
def test_a_low_value_of_poor_signal_is_red_and_doubtful(flag: Quality) -> None:
    [finding] = judged(88, 72, flag).concerns
    assert (finding.level, finding.doubtful) == (Level.RED, True)


# Below belief, where no source has a value: still red, and doubted. Above: set aside alone.
@pytest.mark.parametrize("low", [49.9, 30, 0, -3])
def test_a_low_value_is_never_set_aside(low: float) -> None:
    assessment = judged(low)
    [finding] = assessment.concerns
    assert (finding.level, finding.doubtful) == (Level.RED, True)
    assert assessment.doubts == ("spo2_below_belief",)


@pytest.mark.parametrize("edge", [50, 100])
def test_both_edges_are_believed(edge: float) -> None:
    assert judged(edge).doubts == ()


def test_a_value_above_belief_is_doubted_and_reassures_nobody() -> None:
    assessment = judged(101, 130)
    assert assessment.doubts == ("spo2_above_belief",)
    assert (assessment.level, assessment.reassuring) == (None, False)


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not 25 <= x <= 250))
def test_an_absurd_pulse_hides_no_low_oxygen(pulse: float) -> None:
    assert [f.words for f in judged(88, pulse).concerns] == ["SpO2 88 % <= 92 %"]


def test_numbers_that_look_swapped_are_asked_about_and_never_swapped() -> None:
    assessment = judged(72, 97)
    assert assessment.doubts == ("looks_swapped",)
    assert [f.words for f in assessment.concerns] == ["SpO2 72 % <= 92 %"]


def test_a_swap_that_would_hide_a_red_is_judged_as_one() -> None:
    [finding] = judged(110, 88).concerns
    assert (finding.level, finding.doubtful) == (Level.RED, True)
    assert "look swapped" in finding.words
    assert "SpO2 88 % <= 92 %" in finding.words


def test_exertion_is_not_judged_on_bands_made_for_rest() -> None:
    walked = judged(93, 110, context=Context.EXERTION)  # amber at rest
    assert (walked.level, walked.reassuring) == (None, False)
    assert not walked.not_judged


def test_exertion_has_a_floor_of_its_own_with_or_without_its_pair() -> None:
    [floor] = judged(92, 110, context=Context.EXERTION).concerns
    assert (floor.level, floor.confirm) == (Level.RED, False)
    assert floor.words == "SpO2 low after exertion: SpO2 92 % <= 92"


@given(st.floats(0, 130), st.floats(0, 300), st.sets(st.sampled_from(list(Quality))))
def test_only_a_reading_without_any_doubt_reassures(
    spo2: float, pulse: float, quality: set[Quality]
) -> None:
    assessment = judged(spo2, pulse, *quality)
    if assessment.level is Level.GREEN:
        assert assessment.reassuring
    if assessment.reassuring:
        assert not assessment.doubts
        assert 50 <= spo2 <= 100


def test_a_value_that_cannot_be_believed_is_no_fact_of_a_finding() -> None:
    """What has no bands, in an older version, is set aside; what has them is a doubtful red."""

    def found(path: Path, temperature: float) -> set[tuple[str, bool]]:
        ward = load(path).pathway
        limits = limits_at_admission(ward)
        facts = Facts(NOON, "Europe/London", limits, {Vital.TEMPERATURE: temperature})
        return {(finding.rule, finding.doubtful) for finding in assess(facts, ward).concerns}

    before, now = EARLIER / "covid-virtual-ward-1.yaml", SHIPPED / "covid-virtual-ward.yaml"
    assert found(before, 42.0)
    assert found(before, 101.0) == set()  # Fahrenheit in the wrong field
    assert found(now, 101.0) == {("temperature.red", True)}
    assert found(now, 29.0) == {("temperature.red", True)}
