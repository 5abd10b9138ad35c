"""NEWS2 against the published chart (`tests/spec/news2.yaml`), then what holds for every input."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import COH, NOON
from ward_service.contract.vocabulary import Level, Vital
from ward_service.domain.assess import assess
from ward_service.domain.conditions import Facts
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.news2 import (
    AIR_OR_OXYGEN,
    CHART,
    CONSCIOUSNESS,
    RESPONSES,
    Measured,
    News2,
    Scale,
    Status,
    score,
)

SPEC: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "spec" / "news2.yaml").read_text(encoding="utf-8")
)
Values = dict[Vital, float]
NORMAL: Values = {
    Vital.RESPIRATORY_RATE: 16,
    Vital.SPO2: 98,
    Vital.SYSTOLIC_BP: 120,
    Vital.PULSE_RATE: 70,
    Vital.TEMPERATURE: 36.8,
}
SPANS = {
    Vital.RESPIRATORY_RATE: (0, 70),
    Vital.SPO2: (50, 100),
    Vital.SYSTOLIC_BP: (40, 280),
    Vital.PULSE_RATE: (20, 250),
    Vital.TEMPERATURE: (30, 43),
}
measured = st.fixed_dictionaries({v: st.floats(*span) for v, span in SPANS.items()})
acvpu = st.sampled_from("ACVPU")


def scored(
    values: Values = NORMAL,
    *,
    scale: Scale = Scale.ONE,
    on_oxygen: bool | None = False,
    consciousness: str | None = "A",
    age_years: int | None = 70,
    pregnant: bool | None = False,
) -> News2:
    return score(
        values,
        scale=scale,
        on_oxygen=on_oxygen,
        consciousness=consciousness,
        age_years=age_years,
        pregnant=pregnant,
    )


def points(row: str, values: Values, on_oxygen: bool | None = False) -> int | None:
    """Return what a row of the chart gave, None when it gave nothing."""
    scale = Scale.TWO if row == "SpO2 scale 2" else Scale.ONE
    return dict(scored(values, scale=scale, on_oxygen=on_oxygen).points).get(row)


# The chart, as published


def vectors(section: str) -> Iterator[tuple[str, Vital, bool, float, int]]:
    for row in SPEC[section]:
        for value, expected in row["pairs"]:
            yield row["name"], Vital(row["vital"]), row.get("oxygen", False), value, expected


@pytest.mark.parametrize(
    ("row", "vital", "on_oxygen", "value", "expected"), [*vectors("rows"), *vectors("between")]
)
def test_points_are_those_of_the_published_chart(
    row: str, vital: Vital, on_oxygen: bool, value: float, expected: int
) -> None:
    assert points(row, {vital: value}, on_oxygen) == expected


def test_the_spec_stands_on_both_sides_of_every_edge() -> None:
    told = {(row, oxygen, value) for row, _, oxygen, value, _ in vectors("rows")}
    for row in CHART:
        if isinstance(row, Measured):
            edges = row.ranges.edges()
            sides = {side for pair in edges for side in pair if side is not None}
            assert len(sides) == 2 * (len(edges) - 1)
            assert {(row.name, bool(row.on_oxygen), side) for side in sides} <= told


@pytest.mark.parametrize(("on_oxygen", "expected"), SPEC["oxygen"])
def test_oxygen_has_points_of_its_own(on_oxygen: bool, expected: int) -> None:
    assert points(AIR_OR_OXYGEN.name, {}, on_oxygen) == expected


@pytest.mark.parametrize(("letter", "expected"), SPEC["consciousness"])
def test_all_but_alert_has_three(letter: str, expected: int) -> None:
    assert dict(scored(consciousness=letter).points)[CONSCIOUSNESS.name] == expected


@pytest.mark.parametrize("word", ["", "a", "Alert", "AC", "X"])
def test_a_word_that_is_none_of_the_five_never_passes_for_alert(word: str) -> None:
    assert scored(consciousness=word) == scored(consciousness=None)
    assert scored(consciousness=word).missing == (CONSCIOUSNESS.name,)


@pytest.mark.parametrize("case", SPEC["whole"], ids=lambda case: str(case["total"]))
def test_a_whole_score_is_the_one_added_up_by_hand(case: dict[str, Any]) -> None:
    values: Values = {
        Vital.RESPIRATORY_RATE: case["rr"],
        Vital.SPO2: case["spo2"],
        Vital.SYSTOLIC_BP: case["sbp"],
        Vital.PULSE_RATE: case["pulse"],
        Vital.TEMPERATURE: case["temp"],
    }
    whole = scored(
        values,
        scale=Scale(str(case["scale"])),
        on_oxygen=case["oxygen"],
        consciousness=case["acvpu"],
    )
    assert (whole.status, whole.total) == (Status.COMPLETE, case["total"])


def test_the_responses_are_those_of_the_published_chart() -> None:
    assert [[r.score, r.observe] for r in RESPONSES] == SPEC["responses"]


# Scale 2


@given(st.floats(88, 100))
def test_scale_2_on_air_never_scores_the_high_side(spo2: float) -> None:
    assert points("SpO2 scale 2", {Vital.SPO2: spo2}, on_oxygen=False) == 0


@given(st.floats(0, 87.5))
def test_scale_2_on_air_is_not_blind_below(spo2: float) -> None:
    assert points("SpO2 scale 2", {Vital.SPO2: spo2}, on_oxygen=False) in (1, 2, 3)


@pytest.mark.parametrize(("spo2", "expected"), SPEC["scale_2_oxygen_unknown"])
def test_scale_2_cannot_be_computed_where_unknown_oxygen_decides(
    spo2: float, expected: int | None
) -> None:
    assert points("SpO2 scale 2", {Vital.SPO2: spo2}, on_oxygen=None) == expected


def test_the_other_scale_leaves_no_trace() -> None:
    for scale in Scale:
        named = {name for name, _ in scored(scale=scale).points if name.startswith("SpO2")}
        assert named == {f"SpO2 scale {scale}"}


# Missing is never normal


@given(measured, acvpu, st.sampled_from(Scale), st.booleans())
def test_a_total_is_the_sum_and_lies_between_0_and_20(
    values: Values, letter: str, scale: Scale, on_oxygen: bool
) -> None:
    whole = scored(values, scale=scale, on_oxygen=on_oxygen, consciousness=letter)
    assert (whole.status, whole.missing, whole.reason) == (Status.COMPLETE, (), "")
    assert whole.total == sum(p for _, p in whole.points)
    assert 0 <= whole.total <= 20
    assert len(whole.points) == 7
    assert whole.single_three is (3 in dict(whole.points).values())


@given(measured, acvpu, st.sampled_from(Scale), st.booleans())
def test_dropping_what_was_measured_gives_no_total_and_calms_nothing(
    values: Values, letter: str, scale: Scale, on_oxygen: bool
) -> None:
    whole = scored(values, scale=scale, on_oxygen=on_oxygen, consciousness=letter)
    for n in range(1, len(values) + 1):
        for dropped in combinations(values, n):
            left = {v: value for v, value in values.items() if v not in dropped}
            part = scored(left, scale=scale, on_oxygen=on_oxygen, consciousness=letter)
            assert (part.status, part.total) == (Status.PARTIAL, None)
            assert len(part.missing) == n
            assert set(part.points) == {p for p in whole.points if p[0] not in part.missing}
            assert part.words.startswith("NEWS2 not complete: ")
            assert all(name in part.words for name in part.missing)


@given(measured, st.none() | acvpu, st.sampled_from(Scale))
def test_unknown_oxygen_is_never_complete(values: Values, letter: str | None, scale: Scale) -> None:
    part = scored(values, scale=scale, on_oxygen=None, consciousness=letter)
    assert (part.status, part.total) == (Status.PARTIAL, None)
    assert AIR_OR_OXYGEN.name in part.missing


def test_unknown_consciousness_is_not_alert() -> None:
    part = scored(consciousness=None)
    assert (part.status, part.missing) == (Status.PARTIAL, (CONSCIOUSNESS.name,))


def test_every_parameter_is_scored_or_missing_in_the_order_of_the_chart() -> None:
    names = [name for name, _ in scored().points]
    nothing = scored({}, on_oxygen=None, consciousness=None)
    assert names == list(nothing.missing)
    assert names == [
        "breathing rate",
        "SpO2 scale 1",
        "air or oxygen",
        "blood pressure",
        "pulse",
        "consciousness",
        "temperature",
    ]


def test_a_flow_is_not_read_for_the_word_on_oxygen() -> None:
    assert scored({**NORMAL, Vital.SUPPLEMENTAL_OXYGEN: 2}) == scored()


# Further from normal never scores less: on each side, and below only where the chart has one side.
SIDES = [
    ("breathing rate", Vital.RESPIRATORY_RATE, False, 16, (0, 70)),
    ("SpO2 scale 1", Vital.SPO2, False, 100, (0, 100)),
    ("SpO2 scale 2", Vital.SPO2, False, 100, (0, 100)),
    ("SpO2 scale 2", Vital.SPO2, True, 90, (0, 100)),
    ("blood pressure", Vital.SYSTOLIC_BP, False, 150, (0, 300)),
    ("pulse", Vital.PULSE_RATE, False, 70, (0, 250)),
    ("temperature", Vital.TEMPERATURE, False, 37, (25, 45)),
]


@pytest.mark.parametrize(("row", "vital", "on_oxygen", "normal", "span"), SIDES)
def test_further_from_normal_never_scores_less(
    row: str, vital: Vital, on_oxygen: bool, normal: float, span: tuple[int, int]
) -> None:
    """Every twentieth of a unit, half-ways included: all of them, not some."""
    low, high = span
    steps = [n / 20 for n in range(low * 20, high * 20 + 1)]
    found = [(x, p) for x in steps if (p := points(row, {vital: x}, on_oxygen)) is not None]
    assert len(found) == len(steps)
    downwards = [p for x, p in reversed(found) if x <= normal]
    upwards = [p for x, p in found if x >= normal]
    assert downwards == sorted(downwards)
    assert upwards == sorted(upwards)
    assert downwards[0] == 0


# For whom it was not made


@pytest.mark.parametrize(
    ("age_years", "pregnant", "reason"),
    [
        (15, False, "under 16"),
        (0, None, "under 16"),
        (30, True, "pregnant"),
        (None, True, "pregnant"),
        (None, False, "age not known"),
        (30, None, "not known whether pregnant"),
    ],
)
def test_not_applicable_scores_nothing_and_says_why(
    age_years: int | None, pregnant: bool | None, reason: str
) -> None:
    found = scored(age_years=age_years, pregnant=pregnant)
    assert found.status is Status.NOT_APPLICABLE
    assert (found.total, found.points, found.missing) == (None, (), ())
    assert (found.reason, found.words) == (reason, f"NEWS2 not applicable: {reason}")
    assert not found.single_three


def test_sixteen_is_old_enough() -> None:
    assert scored(age_years=16).status is Status.COMPLETE


# What it says


def test_the_words_hold_the_total_and_where_it_comes_from() -> None:
    values = {**NORMAL, Vital.RESPIRATORY_RATE: 22, Vital.SPO2: 93, Vital.PULSE_RATE: 95}
    assert scored(values).words == "NEWS2 5 (breathing rate 2, SpO2 scale 1 2, pulse 1)"
    assert scored().words == "NEWS2 0"


def test_partial_words_say_what_is_missing() -> None:
    home = {Vital.SPO2: 93.0, Vital.PULSE_RATE: 95.0, Vital.TEMPERATURE: 37.0}
    lacking = "NEWS2 not complete: breathing rate, blood pressure not measured"
    assert scored(home).words == lacking
    unknown = scored(home, on_oxygen=None, consciousness=None).words
    assert unknown == f"{lacking}; air or oxygen, consciousness not known"


def test_a_measured_value_is_not_called_unmeasured() -> None:
    part = scored({**NORMAL, Vital.SPO2: 95}, scale=Scale.TWO, on_oxygen=None)
    assert part.missing == ("SpO2 scale 2", "air or oxygen")
    said = "air or oxygen not known; SpO2 scale 2 not scored without air or oxygen"
    assert part.words == f"NEWS2 not complete: {said}"


def test_a_single_three_is_said_also_when_the_rest_is_missing() -> None:
    part = scored({**NORMAL, Vital.SPO2: 91}, consciousness=None)
    assert part.single_three
    assert part.words == (
        "NEWS2 not complete: consciousness not known; 3 in one parameter: SpO2 scale 1"
    )


def test_a_score_can_be_kept_and_compared() -> None:
    whole, part = scored(), scored({})
    assert len({whole, part, scored()}) == 2
    kept = json.loads(json.dumps(asdict(part)))
    assert (kept["status"], kept["total"], kept["scale"]) == ("partial", None, "1")


@pytest.mark.parametrize(
    ("status", "total", "missing"),
    [
        (Status.PARTIAL, 3, ("temperature",)),
        (Status.PARTIAL, None, ()),
        (Status.NOT_APPLICABLE, 3, ()),
        (Status.NOT_APPLICABLE, None, ("temperature",)),
        (Status.COMPLETE, None, ()),
        (Status.COMPLETE, 4, ()),
        (Status.COMPLETE, 3, ("temperature",)),
    ],
)
def test_a_score_that_contradicts_itself_cannot_be_made(
    status: Status, total: int | None, missing: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="only a"):
        News2(status, total, (("pulse", 3),), missing, "", Scale.ONE)


# See docs/reference/clinical.md#news2-traps: SpO2 92 is red at home and only 2 points in a
# hospital's score.
def test_a_low_score_stands_beside_a_red_and_takes_nothing_from_it() -> None:
    values = {**NORMAL, Vital.SPO2: 92}
    whole = scored(values)
    assert (whole.total, whole.single_three) == (2, False)
    facts = Facts(NOON, "Europe/London", limits_at_admission(COH), values)
    assert assess(facts, COH).level is Level.RED
