"""What the language must be able to say beyond COVID, in files of our own.

docs/reference/clinical.md#heart-failure, #tia, #pregnancy-and-children.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ward_service.pathways.documents import over_coh, read_doc, with_value
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import Level, Vital
from ward_service.domain.assess import assess
from ward_service.domain.conditions import Facts, found
from ward_service.domain.history import Past
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.pathway import Pathway
from ward_service.pathways.check import unsignable
from ward_service.pathways.load import PathwayFile

LANGUAGE = Path(__file__).parent / "language"
MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SBP, PULSE, WEIGHT = Vital.SYSTOLIC_BP, Vital.PULSE_RATE, Vital.WEIGHT


def read_language(name: str) -> PathwayFile:
    return read_doc(over_coh(LANGUAGE / f"{name}.yaml"), name)


HEART_FAILURE = read_language("heart-failure").pathway
TIA = read_language("tia").pathway


def level_of(
    pathway: Pathway,
    values: Mapping[Vital, float],
    *answers: tuple[str, str],
    history: tuple[Past, ...] = (),
    at: datetime = MORNING,
) -> Level | None:
    """Return the worst level that is found, green left out."""
    facts = Facts(
        at,
        "Europe/London",
        limits_at_admission(pathway),
        values,
        answers=answers,
        history=history,
        spacing=pathway.history_spacing,
    )
    concerns = assess(facts, pathway).concerns
    return concerns[0].level if concerns else None


WORSE, SAME = ("group_2", "worse"), ("group_2", "same")


# BEAT-HF, table 1 [BEAT-HF-2014], docs/reference/clinical.md#heart-failure: both sides of every
# edge: with symptoms, and without.
@pytest.mark.parametrize(
    ("vital", "value", "felt", "level"),
    [
        (SBP, 79, SAME, "red"), (SBP, 80, SAME, None), (SBP, 89, SAME, None),
        (SBP, 89, WORSE, "red"), (SBP, 90, WORSE, None),
        (SBP, 160, WORSE, None), (SBP, 161, WORSE, "red"), (SBP, 161, SAME, None),
        (SBP, 170, SAME, None), (SBP, 171, SAME, "red"),
        (PULSE, 39, SAME, "red"), (PULSE, 40, SAME, None), (PULSE, 49, SAME, None),
        (PULSE, 49, WORSE, "red"), (PULSE, 50, WORSE, None),
        (PULSE, 100, WORSE, None), (PULSE, 101, WORSE, "red"), (PULSE, 101, SAME, None),
        (PULSE, 110, SAME, None), (PULSE, 111, SAME, "red"),
    ],
)  # fmt: skip
def test_heart_failure_has_thresholds_that_depend_on_symptoms(
    vital: Vital, value: float, felt: tuple[str, str], level: str | None
) -> None:
    assert level_of(HEART_FAILURE, {vital: value}, felt) == level


@pytest.mark.parametrize(
    ("days_ago", "gained", "felt", "level"),
    [
        (1, 1.3, WORSE, None), (1, 1.4, WORSE, "red"), (1, 1.4, SAME, None),
        (2, 1.4, WORSE, None), (2, 2.7, WORSE, None), (2, 2.8, WORSE, "red"),
        (7, 2.8, WORSE, "red"), (8, 2.8, WORSE, None),
    ],
)  # fmt: skip
def test_heart_failure_sees_weight_gained_in_a_day_and_in_a_week(
    days_ago: int, gained: float, felt: tuple[str, str], level: str | None
) -> None:
    # 82.8 - 80 is 2.7999999999999972 to a computer, and 2.8 to a person and to the rule.
    earlier = Past(MORNING - timedelta(days=days_ago), new_id(MORNING), {WEIGHT: 80.0})
    now = {WEIGHT: round(80 + gained, 1)}
    assert level_of(HEART_FAILURE, now, felt, history=(earlier,)) == level


def test_heart_failure_remembers_a_week() -> None:
    assert HEART_FAILURE.remembers == (0, timedelta(days=7))
    assert (HEART_FAILURE.swap, HEART_FAILURE.further_fall) == (None, None)


def test_any_answer_of_group_1_is_urgent() -> None:
    assert level_of(HEART_FAILURE, {}, ("group_1", "yes")) == "red"
    assert level_of(HEART_FAILURE, {}, ("group_1", "no")) is None


def test_pregnancy_waits_for_a_lead_to_say_how_fast_is_very_fast() -> None:
    stops = unsignable(read_language("pregnancy").written)
    assert any(stop.startswith("parameters.pulse_high: nobody has set it") for stop in stops)


def test_pregnancy_has_bands_of_its_own_and_no_news2() -> None:
    doc = over_coh(LANGUAGE / "pregnancy.yaml")
    # A fixture value: it has no source.
    pathway = read_doc(with_value(doc, "parameters>pulse_high>default>is", 120)).pathway
    assert pathway.news2 is None
    well = {Vital.SPO2: 98, PULSE: 121}  # dangerous even if she feels well
    assert level_of(pathway, well, ("feeling", "better")) == "red"
    assert level_of(pathway, {Vital.SPO2: 98, PULSE: 120}) is None
    assert level_of(pathway, {Vital.SPO2: 94, PULSE: 80}) == "amber"
    assert level_of(pathway, {Vital.SPO2: 92, PULSE: 80}) == "red"


def test_tia_needs_no_vitals_at_all() -> None:
    assert (TIA.fills, dict(TIA.vitals), TIA.check_in_days) == (None, {}, (1, 7))
    assert level_of(TIA, {}, ("new_symptoms", "speech")) == "red"
    assert level_of(TIA, {}, ("new_symptoms", "none")) is None


@pytest.mark.parametrize(
    ("hour", "missed", "holds"),
    [(23, 2, True), (7, 2, True), (8, 2, False), (12, 3, False), (20, 2, True), (23, 1, False)],
)
def test_silence_may_weigh_by_the_time_of_day(hour: int, missed: int, holds: bool) -> None:
    [rule] = TIA.clock_rules
    at = MORNING.replace(hour=hour)
    facts = Facts(at, "Europe/London", limits_at_admission(TIA), missed=missed)
    assert (found(rule, facts) is not None) == holds
