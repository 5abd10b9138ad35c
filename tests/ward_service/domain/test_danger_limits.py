"""No reading beyond a danger limit stands under green, whatever comes with it, before or after it.

The oracle is `tests/spec/danger_limits.yaml`, written by hand. Source: [RCP-NEWS2-2017],
docs/reference/clinical.md#news2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.factories import NOON, minutes
from tests.ward_service.domain.fold import HOUR, Fold
from tests.ward_service.pathways.documents import NAMES
from ward_service.contract.http.board import Place
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import (
    AlertClass,
    Context,
    Level,
    Quality,
    Spo2Target,
    Vital,
)
from ward_service.domain.alerts import AlertInPlay
from ward_service.domain.bands import WORRY
from ward_service.domain.episode import Person
from ward_service.domain.exertion import exertion_prompt
from ward_service.domain.inputs import Acknowledged, ReadingArrived, TimePassed
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState
from ward_service.domain.triage import Standing, stand
from ward_service.pathways.load import SHIPPED, load

SPEC: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "spec/danger_limits.yaml").read_text()
)
PATHWAYS = {name: load(SHIPPED / f"{name}.yaml").pathway for name in NAMES}
CVW, COH, COPD = (
    PATHWAYS[n] for n in ("covid-virtual-ward", "covid-oximetry-at-home", "copd-88-92")
)
GOOD: dict[Vital, float] = {
    Vital.SPO2: 98, Vital.PULSE_RATE: 72, Vital.RESPIRATORY_RATE: 16, Vital.SYSTOLIC_BP: 125,
    Vital.TEMPERATURE: 37, Vital.CONSCIOUSNESS: 0,
}  # fmt: skip
USUAL = {"standard": 97.0, "88_92_on_air": 90.0, "88_92_on_oxygen": 90.0, "baseline": 94.0}
TARGETS = {"standard": Spo2Target.STANDARD, "baseline": Spo2Target.BASELINE}
CASES = [(name, kind) for name, kinds in SPEC.items() for kind in kinds]
# From where to where values are tried: what an instrument, or a hand, may send.
TRIED = {
    Vital.SPO2: (0, 100), Vital.PULSE_RATE: (0, 400), Vital.RESPIRATORY_RATE: (0, 120),
    Vital.SYSTOLIC_BP: (0, 400), Vital.TEMPERATURE: (20, 50), Vital.CONSCIOUSNESS: (0, 5),
}  # fmt: skip
CALM = {Place.GREEN, Place.NOT_JUDGED, Place.TECHNICAL, Place.OVERDUE, Place.NEVER_REPORTED}


def a_stay(pathway: Pathway, kind: str = "standard", **person: Any) -> Fold:
    target = TARGETS.get(kind, Spo2Target.RANGE_88_92)
    oxygen = kind == "88_92_on_oxygen"
    limits = limits_at_admission(pathway, target, USUAL[kind], oxygen)
    return Fold(pathway, NOON - HOUR, Person(pathway.modes[0], limits, **person))


def takes(
    stay: Fold,
    values: Mapping[Vital, float],
    at: datetime,
    received: datetime | None = None,
    context: Context = Context.REST,
    quality: tuple[Quality, ...] = (),
    paired: Any = None,
) -> Standing:
    stay.count += 1
    reading = ReadingArrived(
        derived_id(at, stay.count), at, values, context, quality, slot=1, paired_with=paired
    )
    now = received or at
    stay.takes(reading, now)
    return stand(stay.state, now)


def beyond(limits: tuple[float | None, float | None], value: float) -> bool:
    low, high = limits
    return (low is not None and value <= low) or (high is not None and value >= high)


def expected(spec: Mapping[str, Any], value: float, context: Context) -> Level:
    """Return what the table says of one value: the least that it may lead to."""
    if context is Context.EXERTION:
        return Level.RED if beyond(spec["exertion"], value) else Level.GREEN
    if beyond(spec["red"], value):
        return Level.RED
    return Level.AMBER if beyond(spec["amber"], value) else Level.GREEN


@dataclass
class Tried:
    """One reading with whatever may come with it, and what the table says of it."""

    values: dict[Vital, float]
    context: Context
    quality: tuple[Quality, ...]
    person: dict[str, Any]
    late: timedelta
    levels: dict[Vital, Level]

    @property
    def worst(self) -> Level:
        return max(self.levels.values(), key=WORRY.__getitem__, default=Level.GREEN)


def numbers(vital: Vital) -> st.SearchStrategy[float]:
    low, high = TRIED[vital]
    if vital is Vital.TEMPERATURE:
        return st.integers(low * 10, high * 10).map(lambda n: n / 10)
    return st.integers(low, high).map(float)


@st.composite
def readings(draw: st.DrawFn, name: str, kind: str) -> Tried:
    spec = {Vital(vital): rule for vital, rule in SPEC[name][kind].items()}
    context = draw(st.sampled_from([Context.REST, Context.REST, Context.EXERTION]))
    also = [v for v in TRIED if v in PATHWAYS[name].vitals]
    which = draw(st.lists(st.sampled_from(also), min_size=1, unique=True))
    values = {vital: draw(numbers(vital)) for vital in which}
    return Tried(
        values,
        context,
        tuple(draw(st.sets(st.sampled_from(list(Quality)), max_size=2))),
        {
            "age_years": draw(st.sampled_from([None, 8, 17, 70])),
            "pregnant": draw(st.sampled_from([None, True, False])),
        },
        draw(st.sampled_from([timedelta(), timedelta(), timedelta(hours=3)])),
        {v: expected(spec[v], x, context) for v, x in values.items() if v in spec},
    )


@pytest.mark.parametrize(("name", "kind"), CASES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_beyond_a_danger_limit_stands_under_green(
    name: str, kind: str, data: st.DataObject
) -> None:
    tried = data.draw(readings(name, kind))
    stay = a_stay(PATHWAYS[name], kind, **tried.person)
    standing = takes(stay, tried.values, NOON, NOON + tried.late, tried.context, tried.quality)
    if tried.worst is Level.GREEN:
        return
    assert standing.place not in CALM, standing
    assert standing.level is not None
    assert WORRY[standing.level] >= WORRY[tried.worst]
    stay.takes(TimePassed(), NOON + tried.late + 2 * HOUR)  # no repeat comes: it fails safe
    alert = stay.state.alert(AlertClass.PHYSIOLOGICAL)
    assert alert is not None
    assert (alert.state, WORRY[alert.level] >= WORRY[tried.worst]) == ("open", True)


@pytest.mark.parametrize(("name", "kind"), CASES)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_what_was_not_measured_again_calms_nothing(
    name: str, kind: str, data: st.DataObject
) -> None:
    """Good values of other vitals, before or after, with or without flags, take no danger away."""
    tried = data.draw(readings(name, kind))
    danger = {v: level for v, level in tried.levels.items() if level is not Level.GREEN}
    others = [v for v in GOOD if v in PATHWAYS[name].vitals and v not in danger]
    if tried.context is Context.EXERTION:
        others = list(GOOD)
    subsets = st.sets(st.sampled_from(others)) if others else st.just(set[Vital]())
    again: set[Vital] = data.draw(subsets)
    good = {v: GOOD[v] for v in others if v in again}
    good |= {Vital.SPO2: USUAL[kind]} if Vital.SPO2 in good else {}
    stay = a_stay(PATHWAYS[name], kind, **tried.person)
    before = data.draw(st.booleans())
    if good and before:
        takes(stay, good, NOON - minutes(30))
    if good and tried.late:
        takes(stay, good, NOON + HOUR)  # measured later, received before
    takes(stay, tried.values, NOON, NOON + tried.late, tried.context, tried.quality)
    now = NOON + tried.late
    for gap in data.draw(st.lists(st.sampled_from([1, 4, 30, 200]), max_size=3)):
        now += minutes(gap)
        if good:
            takes(stay, good, now)
    if not danger:
        return
    alert = stay.state.alert(AlertClass.PHYSIOLOGICAL)
    assert alert is not None
    assert not alert.review
    worst = max(danger.values(), key=WORRY.__getitem__)
    assert WORRY[alert.level] >= WORRY[worst]
    assert stand(stay.state, now).place not in CALM


def test_the_table_holds_every_pathway_that_we_ship_and_every_vital_that_it_judges() -> None:
    assert set(SPEC) == set(NAMES)
    for name, kinds in SPEC.items():
        judged = {str(v) for v, rule in PATHWAYS[name].vitals.items() if rule.bands}
        assert all(set(vitals) == judged for vitals in kinds.values())


# Row 1, example by example


@pytest.mark.parametrize(
    ("vital", "value"),
    [
        (Vital.SYSTOLIC_BP, 75.0), (Vital.RESPIRATORY_RATE, 6.0), (Vital.PULSE_RATE, 30.0),
        (Vital.TEMPERATURE, 34.0), (Vital.SYSTOLIC_BP, 40.0), (Vital.PULSE_RATE, 20.0),
        (Vital.PULSE_RATE, 300.0), (Vital.TEMPERATURE, 29.0), (Vital.TEMPERATURE, 44.0),
        (Vital.RESPIRATORY_RATE, 2.0), (Vital.RESPIRATORY_RATE, 80.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("person", [{}, {"age_years": 30, "pregnant": True}])
@pytest.mark.parametrize("beside", [{}, {Vital.SPO2: 98.0}, {Vital.SPO2: 101.0}])
def test_each_vital_is_red_without_news2(
    vital: Vital, value: float, person: dict[str, Any], beside: dict[Vital, float]
) -> None:
    stay = a_stay(CVW, **person)
    assert takes(stay, {vital: value, **beside}, NOON).place is Place.RED
    alert = stay.alert()
    assert alert.findings[0].finding.vital is vital


@pytest.mark.parametrize("flag", [Quality.POOR_SIGNAL, Quality.QUESTIONABLE])
def test_a_flag_silences_nothing(flag: Quality) -> None:
    stay = a_stay(CVW, age_years=70, pregnant=False)
    values = {**GOOD, Vital.SYSTOLIC_BP: 75.0}
    assert takes(stay, values, NOON, quality=(flag,)).place is Place.RED
    doubtful = {f.finding.rule: f.finding.doubtful for f in stay.alert().findings}
    assert doubtful["systolic_bp.red"] is (flag is Quality.QUESTIONABLE)
    assert "news2.single_three" in doubtful  # there is no total, and its 3 counts


def test_a_provisional_pressure_stays_red_until_the_pressure_is_measured_again() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.SYSTOLIC_BP: 75.0}, NOON)
    assert stay.alert().state == "provisional"
    assert takes(stay, {Vital.SPO2: 98.0}, NOON + minutes(2)).place is Place.RED
    assert stay.alert().state == "provisional"
    assert takes(stay, {Vital.SYSTOLIC_BP: 120.0}, NOON + minutes(3)).place is not Place.RED
    assert stay.alert().state == "withdrawn"


def test_an_alert_with_two_vitals_is_withdrawn_when_both_are_measured_again() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.SYSTOLIC_BP: 75.0, Vital.SPO2: 91.0}, NOON)
    takes(stay, {Vital.SPO2: 98.0}, NOON + minutes(2))
    assert (stay.alert().state, stay.alert().level) == ("provisional", "red")
    takes(stay, {Vital.SYSTOLIC_BP: 120.0}, NOON + minutes(3))
    assert stay.alert().state == "withdrawn"


def test_what_is_left_when_the_worst_is_in_range_again_waits_for_its_own_repeat() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.SYSTOLIC_BP: 75.0, Vital.TEMPERATURE: 38.5}, NOON)
    takes(stay, {Vital.SYSTOLIC_BP: 120.0}, NOON + minutes(2))
    assert (stay.alert().state, stay.alert().level) == ("provisional", "amber")
    takes(stay, {Vital.TEMPERATURE: 38.5}, NOON + minutes(5))
    assert (stay.alert().state, stay.alert().level) == ("open", "amber")


def test_a_late_breathing_rate_with_a_later_good_oxygen_rings() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.SPO2: 97.0}, NOON + HOUR)
    takes(stay, {Vital.RESPIRATORY_RATE: 30.0}, NOON, NOON + 2 * HOUR)
    assert (stay.alert().review, stay.alert().state) == (False, "open")
    assert ("ward_nurse", "call.red", NOON + 2 * HOUR) in stay.calls()


def test_a_late_breathing_rate_with_a_later_good_one_is_for_review() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.RESPIRATORY_RATE: 16.0}, NOON + HOUR)
    takes(stay, {Vital.RESPIRATORY_RATE: 30.0}, NOON, NOON + 2 * HOUR)
    assert stay.alert().review
    assert "call.red" not in {text for _, text, _ in stay.calls()}


def test_the_second_red_is_that_of_one_vital() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.SYSTOLIC_BP: 75.0}, NOON)
    takes(stay, {Vital.SYSTOLIC_BP: 120.0}, NOON + minutes(2))
    takes(stay, {Vital.SPO2: 91.0}, NOON + HOUR)
    assert stay.alert().state == "provisional"
    takes(stay, {Vital.SPO2: 98.0}, NOON + HOUR + minutes(2))
    takes(stay, {Vital.SYSTOLIC_BP: 75.0}, NOON + 2 * HOUR)
    assert stay.alert().state == "open"


def test_a_new_red_vital_rings_again_although_another_red_is_acknowledged() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.SPO2: 91.0}, NOON)
    alert = stay.waits(NOON + minutes(6)).alert()
    stay.takes(Acknowledged(alert.id, "nurse-3", alert.version), NOON + minutes(7))
    takes(stay, {Vital.SPO2: 91.0}, NOON + minutes(10))
    assert stay.alert().state == "acknowledged"
    takes(stay, {Vital.SYSTOLIC_BP: 75.0}, NOON + minutes(11))
    assert stay.alert().state == "open"


def test_the_worst_value_of_each_vital_is_kept_on_its_dangerous_side() -> None:
    stay = a_stay(CVW)
    takes(stay, {Vital.PULSE_RATE: 135.0, Vital.SPO2: 91.0}, NOON)
    takes(stay, {Vital.PULSE_RATE: 150.0, Vital.SPO2: 90.0}, NOON + minutes(2))
    takes(stay, {Vital.PULSE_RATE: 140.0, Vital.SPO2: 92.0}, NOON + minutes(4))
    worst = {one.vital: one.worst for one in stay.alert().vitals}
    assert (worst[Vital.PULSE_RATE], worst[Vital.SPO2]) == (150, 90)


def test_a_state_of_an_older_program_goes_on_the_cautious_way() -> None:
    """Without what is kept for each vital, more must be measured again, and nothing is better."""
    states = TypeAdapter(EpisodeState)
    new = ("in_range", "withdrawn_reds", "not_judged_at", "exertion_stopped_at")

    def as_before(state: EpisodeState) -> EpisodeState:
        kept = states.dump_python(state, mode="json")
        for field in new:
            del kept[field]
        for alert in kept["alerts"]:
            del alert["vitals"]
            for found in alert["findings"]:
                del found["finding"]["vitals"]
        return states.validate_python(kept, strict=False)

    stay = a_stay(CVW)
    takes(stay, {Vital.SYSTOLIC_BP: 75.0, Vital.SPO2: 91.0}, NOON)
    stay.state = as_before(stay.state)
    takes(stay, {Vital.SPO2: 98.0}, NOON + minutes(2))
    assert (stay.alert().state, stay.alert().level) == ("provisional", "red")
    takes(stay, {Vital.SYSTOLIC_BP: 120.0}, NOON + minutes(3))
    # Both that it stood on were measured again, in range: nothing is left.
    assert stay.alert().state == "withdrawn"
    fine = a_stay(COH)
    takes(fine, {Vital.SPO2: 97.0}, NOON + HOUR)
    fine.state = as_before(fine.state)
    takes(fine, {Vital.SPO2: 91.0}, NOON, NOON + 2 * HOUR)
    assert not fine.alert().review  # nothing is known to be better
    assert isinstance(fine.alert(), AlertInPlay)


# Row 7


@pytest.mark.parametrize("pathway", [COH, CVW], ids=["coh", "cvw"])
@pytest.mark.parametrize("pair", [True, False])
def test_eighty_after_exertion_rings_at_once_and_no_rest_withdraws_it(
    pathway: Pathway, pair: bool
) -> None:
    stay = a_stay(pathway)
    takes(stay, {Vital.SPO2: 98.0}, NOON)
    rest = stay.state.last_rest
    assert rest is not None
    assert exertion_prompt(stay.state, pathway, NOON + minutes(1)).allowed
    paired = rest.reading_id if pair else None
    at = NOON + minutes(2)
    standing = takes(stay, {Vital.SPO2: 80.0}, at, context=Context.EXERTION, paired=paired)
    assert (standing.place, stay.alert().state) == (Place.RED, "open")
    assert ("ward_nurse", "call.red", at) in stay.calls()
    for n in (4, 6, 30):
        takes(stay, {Vital.SPO2: 98.0}, NOON + minutes(n))
    assert (stay.alert().state, stay.alert().level) == ("open", "red")
    again = exertion_prompt(stay.state, pathway, NOON + minutes(31))
    assert (again.allowed, "stopped" in again.words) == (False, True)


def test_eighty_after_exertion_that_comes_late_rings_although_rest_is_good_again() -> None:
    stay = a_stay(COH)
    takes(stay, {Vital.SPO2: 98.0}, NOON + HOUR)
    takes(stay, {Vital.SPO2: 80.0}, NOON, NOON + 2 * HOUR, Context.EXERTION)
    assert (stay.alert().review, stay.alert().state) == (False, "open")


# Row 11


def test_a_fall_of_three_is_assessed_even_inside_the_prescribed_range() -> None:
    limits = limits_at_admission(COPD, Spo2Target.RANGE_88_92, 92.0, False)
    for spo2, place in ((90.0, Place.GREEN), (89.0, Place.AMBER), (87.0, Place.AMBER)):
        stay = Fold(COPD, NOON - HOUR, Person(COPD.modes[0], limits))
        assert takes(stay, {Vital.SPO2: spo2}, NOON).place is place


@pytest.mark.parametrize(
    ("values", "quality", "context"),
    [
        ({Vital.SPO2: 97.0}, (Quality.POOR_SIGNAL,), Context.REST),
        ({Vital.SPO2: 101.0}, (), Context.REST),
        ({Vital.PULSE_RATE: 72.0}, (), Context.REST),  # kept, and judged by nothing here
    ],
)
def test_what_could_not_be_judged_stands_apart_and_before_green(
    values: dict[Vital, float], quality: tuple[Quality, ...], context: Context
) -> None:
    stay = a_stay(COH)
    assert takes(stay, {Vital.SPO2: 97.0}, NOON).place is Place.GREEN
    standing = takes(stay, values, NOON + minutes(5), context=context, quality=quality)
    assert (standing.place, standing.level) == (Place.NOT_JUDGED, None)
    assert "could not be judged" in standing.reason
    assert takes(stay, {Vital.SPO2: 97.0}, NOON + minutes(9)).place is Place.GREEN


def test_the_place_of_what_was_not_judged_lies_before_green() -> None:
    order = list(Place)
    assert order.index(Place.OVERDUE) < order.index(Place.NOT_JUDGED) < order.index(Place.GREEN)
