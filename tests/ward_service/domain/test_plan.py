"""The same rules judge at home: a plan loses nothing of them, and one not understood is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import NOON
from tests.ward_service.domain.fold import EPISODE, HOUR
from tests.ward_service.domain.test_rules_coverage import PATHWAYS, usual_of
from tests.ward_service.pathways.test_language import HEART_FAILURE, TIA
from ward_service.contract.ids import new_id
from ward_service.contract.messages import MAX_PAYLOAD
from ward_service.contract.plan import MAX_PLAN, Plan
from ward_service.contract.vocabulary import Context, Level, Mode, Quality, Spo2Target, Vital
from ward_service.domain.advice import Standing, advise, after
from ward_service.domain.episode import Person, begin, step
from ward_service.domain.exertion import exertion_prompt
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.judge import judge, looked_back_on
from ward_service.domain.limits import Limits, limits_at_admission, wrong_with
from ward_service.domain.pathway import Pathway
from ward_service.domain.plan import (
    PlanError,
    care_of,
    known_at_home,
    read_plan,
    rules_of,
    written,
)
from ward_service.domain.state import EpisodeState
from ward_service.domain.texts import texts_for

ALL = {**PATHWAYS, "heart-failure": HEART_FAILURE, "tia": TIA}


def a_stay(
    pathway: Pathway,
    limits: Limits | None = None,
    *,
    age: int | None = 70,
    pregnant: bool | None = False,
    mode: Mode | None = None,
) -> EpisodeState:
    if limits is None:
        target = next(
            target for target in Spo2Target if not wrong_with(own(pathway, target), pathway)
        )
        limits = own(pathway, target)
    person = Person(mode or pathway.modes[0], limits, age_years=age, pregnant=pregnant)
    return begin(NOON - HOUR, pathway, person)


def own(pathway: Pathway, target: Spo2Target, home_oxygen: bool | None = None) -> Limits:
    return limits_at_admission(pathway, target, usual_of(pathway), home_oxygen)


def a_plan(pathway: Pathway, state: EpisodeState | None = None, number: int = 7) -> Plan:
    state = state or a_stay(pathway)
    return Plan(
        number=number, care=care_of(state, pathway, language="en", use="demo", signed=False)
    )


# Lossless


@pytest.mark.parametrize("name", ALL)
def test_a_plan_comes_back_as_it_was_and_judges_by_the_same_rules(name: str) -> None:
    pathway, state = ALL[name], a_stay(ALL[name])
    plan = a_plan(pathway, state)
    read = read_plan(written(plan))
    assert read == plan
    at_home, limits = rules_of(read)
    assert limits == state.limits
    for field in (
        "id", "version", "name", "title", "vitals", "fills", "questions", "asks_for_call",
        "findings", "reading_rules", "clock_rules", "remembers", "continuous", "confirmation",
        "swap", "exertion_rest_min", "late_after", "clock_tolerance", "before_stay",
        "history_spacing", "stale_after", "reference_language",
    ):  # fmt: skip
        assert getattr(at_home, field) == getattr(pathway, field), field
    assert list(at_home.questions) == list(pathway.questions)  # asked in their order
    assert (at_home.news2 is None) == (pathway.news2 is None)
    if at_home.news2 is not None and pathway.news2 is not None:
        assert replace(at_home.news2, applies=True) == pathway.news2
    assert at_home.service == pathway.service
    assert at_home.schedule == pathway.schedule
    assert at_home.zone == state.zone


@pytest.mark.parametrize("name", ALL)
def test_a_plan_fits_on_the_wire_in_the_longest_script_too(name: str) -> None:
    """Two languages, one of them in a script of three bytes a letter and half as long again."""
    assert MAX_PLAN < MAX_PAYLOAD
    pathway = ALL[name]
    long = {id_: "\u0985" * len(text) + text for id_, text in pathway.texts["en"].items()}
    two = replace(pathway, texts={**pathway.texts, "bn": long})
    plan = Plan(number=1, care=care_of(a_stay(two), two, language="bn", use="demo", signed=False))
    assert plan.care is not None
    assert set(plan.care.texts) == {"bn", "en"}
    assert len(written(plan)) <= MAX_PLAN


@pytest.mark.parametrize("name", PATHWAYS)
def test_a_plan_has_the_words_of_the_person_and_of_reference_and_no_others(name: str) -> None:
    pathway = PATHWAYS[name]
    easy = pathway.texts["en-x-easy"]
    many = {code: dict(easy) for code in ("cy", "pl", "ur", "bn")}
    some = replace(pathway, texts={**pathway.texts, **many}, reviewed=frozenset({"cy", "ur"}))
    for person, spoken, there, reviewed in (
        ("en-x-easy", "en-x-easy", {"en", "en-x-easy"}, ()),
        ("ur-PK", "ur", {"en", "ur"}, ("ur",)),
        ("pl", "pl", {"en", "pl"}, ()),
        ("so", "so", {"en"}, ()),  # theirs all the same: their home says that it has no words
        ("en-GB", "en", {"en"}, ()),
        (None, "en", {"en"}, ()),
    ):
        care = care_of(a_stay(some), some, language=person, use="demo", signed=False)
        assert (care.language, set(care.texts), care.reviewed) == (spoken, there, reviewed)
        plan = Plan(number=1, care=care)
        assert len(written(plan)) <= MAX_PLAN
        assert rules_of(read_plan(written(plan)))[0].reviewed == frozenset(reviewed)


def test_a_plan_that_is_too_large_is_never_sent() -> None:
    pathway = PATHWAYS["covid-oximetry-at-home"]
    texts = {"en": {**pathway.texts["en"], "technique": "x" * MAX_PLAN}}
    with pytest.raises(PlanError, match="a home takes 49152"):
        written(a_plan(replace(pathway, texts=texts)))


@pytest.mark.parametrize("age", [None, 15, 16, 44])
@pytest.mark.parametrize("pregnant", [None, False, True])
def test_no_age_and_no_pregnancy_leave_the_ward(age: int | None, pregnant: bool | None) -> None:
    pathway = PATHWAYS["covid-virtual-ward"]
    plan = a_plan(pathway, a_stay(pathway, age=age, pregnant=pregnant))
    assert plan.care is not None
    assert plan.care.rules.news2 is not None
    assert plan.care.rules.news2.applies is (age in (16, 44) and pregnant is False)
    said = written(plan).decode()
    assert not any(word in said for word in ("age_years", "pregnant", "birth", "44"))
    assert "call.red" not in said  # what staff are told is not for homes


# The same judgement


@st.composite
def limits_of(draw: st.DrawFn, pathway: Pathway) -> Limits:
    """Limits that a clinician may give somebody on this pathway."""
    parameters = {}
    for name, parameter in pathway.parameters.items():
        low, high = int(parameter.low), int(parameter.high)
        if parameter.default is None or draw(st.booleans()):
            parameters[name] = float(draw(st.integers(low, high)))
    target = draw(st.sampled_from(list(Spo2Target)))
    usual = draw(st.none() | st.integers(80, 99).map(float))
    oxygen = draw(st.none() | st.booleans())
    limits = limits_at_admission(pathway, target, usual, oxygen).changed(parameters)
    return limits if not wrong_with(limits, pathway) else a_stay(pathway).limits


VALUES = {
    Vital.SPO2: st.integers(45, 135).map(float) | st.sampled_from([92.5, 94.5, 88.0, 96.4]),
    Vital.PULSE_RATE: st.integers(20, 260).map(float),
    Vital.TEMPERATURE: st.integers(300, 430).map(lambda tenth: tenth / 10),
    Vital.RESPIRATORY_RATE: st.integers(4, 60).map(float),
    Vital.SYSTOLIC_BP: st.integers(60, 240).map(float),
    Vital.CONSCIOUSNESS: st.integers(0, 4).map(float),
    Vital.SUPPLEMENTAL_OXYGEN: st.sampled_from([0.0, 2.0]),
    Vital.WEIGHT: st.integers(60, 90).map(float),
}


@st.composite
def readings_of(draw: st.DrawFn, pathway: Pathway) -> list[tuple[ReadingArrived, datetime]]:
    """Some readings, each with when it was received: late, early, doubtful and after exertion."""
    received, came, last = NOON, [], None
    for _ in range(draw(st.integers(1, 6))):
        received += timedelta(minutes=draw(st.sampled_from([1, 5, 61, 600, 1_500])))
        measured = received - timedelta(minutes=draw(st.sampled_from([0, 0, 0, 20, 3_000, -30])))
        vitals = draw(st.sets(st.sampled_from(list(VALUES)))) | {Vital.SPO2}
        answers = [
            (name, code)
            for name, question in pathway.questions.items()
            for code in (*question.answers, "no_such_answer")
            if draw(st.integers(0, 9)) == 0
        ]
        reading = ReadingArrived(
            new_id(received),
            measured,
            {vital: draw(VALUES[vital]) for vital in sorted(vitals)},
            context=draw(st.sampled_from([Context.REST, Context.REST, Context.EXERTION])),
            quality=tuple(draw(st.lists(st.sampled_from(list(Quality)), max_size=1))),
            slot=1,
            answers=tuple(answers),
            call_me=draw(st.booleans()),
            paired_with=last,
        )
        last = reading.reading_id
        came.append((reading, received))
    return came


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_home_and_ward_judge_the_same_readings_the_same(name: str, data: st.DataObject) -> None:
    pathway = ALL[name]
    state = a_stay(
        pathway,
        data.draw(limits_of(pathway)),
        age=data.draw(st.sampled_from([None, 15, 70])),
        pregnant=data.draw(st.sampled_from([None, False, True])),
    )
    plan = read_plan(written(a_plan(pathway, state)))
    assert plan.care is not None
    at_home, limits = rules_of(plan)
    known, standing = known_at_home(plan.care, limits), Standing()
    for reading, received in data.draw(readings_of(pathway)):
        done = step(EPISODE, state, reading, received, pathway)
        state, ward = done.state, done.judged
        assert ward is not None
        home = judge(reading, known, received, at_home)
        assert home.assessment.findings == ward.assessment.findings
        assert home.assessment.level is ward.assessment.level
        assert (home.doubts, home.late, home.time_doubtful, home.judged_at) == (
            ward.doubts,
            ward.late,
            ward.time_doubtful,
            ward.judged_at,
        )
        assert home.assessment.reassuring == ward.assessment.reassuring
        advice = advise(home, standing, at_home, plan.care.mode, received)
        assert advice == advise(ward, standing, pathway, state.mode, received)
        concerns = [f for f in ward.assessment.concerns if f.rule != "call_me"]
        if any(f.level is Level.RED for f in concerns):
            assert advice.level is Level.RED
        if advice.level is Level.GREEN:
            assert not concerns
            assert ward.assessment.reassuring
            assert (ward.late, ward.time_doubtful) == (False, False)
        texts = texts_for(advice.text_ids, at_home, limits)
        assert texts == texts_for(advice.text_ids, pathway, state.limits)
        assert texts[-1].endswith(pathway.texts["en"]["safety_net"].strip())
        standing = after(standing, home, advice, at_home)
        history, last_rest = looked_back_on(known, home, at_home)
        known = replace(known, history=history, last_rest=last_rest)
        assert (known.history, known.last_rest) == (state.history, state.last_rest)


# What is not understood is refused whole


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    doc = json.loads(written(a_plan(PATHWAYS["covid-virtual-ward"])))
    change(doc)
    return json.dumps(doc).encode()


def rules(doc: dict[str, Any]) -> Any:
    return doc["care"]["rules"]


def number(doc: dict[str, Any]) -> Any:
    return rules(doc)["limits"]["parameters"]


UNKNOWN: dict[str, Callable[[dict[str, Any]], object]] = {
    "a kind of rule": lambda doc: rules(doc)["findings"][0]["conditions"].append(
        {"kind": "variability_is", "vital": "spo2", "at_least": {"parameter": "red_max"}}
    ),
    "a field of a rule": lambda doc: rules(doc)["findings"][0]["conditions"][0].update(
        {"only_at_night": True}
    ),
    "a field of the bands": lambda doc: rules(doc)["vitals"]["spo2"]["bands"][
        "standard"
    ].update({"hysteresis": 1}),
    "rules of another sort": lambda doc: rules(doc).update({"rhythms": {}}),
    "a vital": lambda doc: rules(doc)["vitals"].update({"glucose": {"believable": [1, 30]}}),
    "a level": lambda doc: rules(doc).update({"asks_for_call": "purple"}),
    "a target": lambda doc: rules(doc)["limits"].update({"target": "85_89"}),
    "a number that a band needs": lambda doc: number(doc).pop("red_max"),
    "a number that a finding needs": lambda doc: number(doc).pop(
        "exertion_drop"
    ),
    "a text that advice needs": lambda doc: doc["care"]["texts"]["en"].pop("repeat.red"),
    "the words of an answer": lambda doc: doc["care"]["texts"]["en"].pop("answer.feeling.worse"),
    "numbers that do not rise": lambda doc: number(doc).update(
        {"red_max": 99}
    ),
    "a zone": lambda doc: doc["care"].update({"zone": "Europe/Nowhere"}),
    "the care": lambda doc: doc.pop("care"),
    "a number of its own": lambda doc: doc.pop("number"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_plan_of_which_anything_that_judges_is_not_known_is_refused_whole(what: str) -> None:
    with pytest.raises(PlanError) as refused:
        read_plan(changed(UNKNOWN[what]))
    assert "SpO2" not in str(refused.value)  # what it repeats could be anything
    read_plan(changed(lambda doc: None))


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[]", b'{"number": 0}', b"x" * 60_000])
def test_what_is_no_plan_is_refused(payload: bytes) -> None:
    with pytest.raises(PlanError):
        read_plan(payload)


def test_what_surrounds_the_rules_may_gain_fields() -> None:
    def newer(doc: dict[str, Any]) -> None:
        doc["colour"] = "blue"
        doc["care"]["printed_diary"] = {"pages": 3}
        doc["care"]["service"]["chat"] = True

    assert read_plan(changed(newer)) == a_plan(PATHWAYS["covid-virtual-ward"])


def test_a_plan_that_has_ended_needs_nothing_else_and_judges_nothing() -> None:
    ended = read_plan(written(Plan(number=8, ended=True)))
    assert (ended.number, ended.ended, ended.care) == (8, True, None)
    with pytest.raises(PlanError, match="ended"):
        rules_of(ended)


def test_the_stay_of_a_plan_begins_when_it_did() -> None:
    plan = read_plan(written(a_plan(PATHWAYS["copd-88-92"])))
    assert plan.care is not None
    assert plan.care.since.astimezone(UTC) == NOON - HOUR


def test_a_home_asks_nobody_to_exert_themselves_whom_the_ward_would_not_ask() -> None:
    pathway, state = PATHWAYS["covid-oximetry-at-home"], a_stay(PATHWAYS["covid-oximetry-at-home"])
    plan = read_plan(written(a_plan(pathway, state)))
    assert plan.care is not None
    at_home, limits = rules_of(plan)
    for spo2 in (95.0, 96.0):
        rest = ReadingArrived(new_id(NOON), NOON, {Vital.SPO2: spo2})
        ward = step(EPISODE, state, rest, NOON, pathway).state
        known = known_at_home(plan.care, limits)
        history, last = looked_back_on(known, judge(rest, known, NOON, at_home), at_home)
        known = replace(known, history=history, last_rest=last)
        asked = exertion_prompt(known, at_home, NOON)
        assert asked == exertion_prompt(ward, pathway, NOON)
        assert asked.allowed is (spo2 == 96)
