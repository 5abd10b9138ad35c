"""Each kind of finding of every shipped pathway finds its rule: no finding may stay without one.

The findings are made by the rules themselves, never written here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.factories import NOON
from tests.ward_service.domain.fold import EPISODE
from tests.ward_service.pathways.documents import NAMES
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import Context, Level, Mode, Spo2Target, Vital
from ward_service.domain.assess import assess
from ward_service.domain.conditions import Facts
from ward_service.domain.episode import Person, begin, step
from ward_service.domain.finding import Finding
from ward_service.domain.history import Past
from ward_service.domain.inputs import Held, HomeTrouble, Input, TimePassed, UnreadableArrived
from ward_service.domain.limits import Limits, limits_at_admission
from ward_service.explain.basis import OWN, Judge, basis_of
from ward_service.pathways.citation import Citation, Citations
from ward_service.pathways.load import SHIPPED, PathwayFile, load

FILES = {name: load(SHIPPED / f"{name}.yaml") for name in NAMES}
# What no source gives, and a lead must set, each person has here: fixture values, for tests only.
UNSET = {"amber_drop": 2.0, "red_drop": 4.0, "absolute_floor": 85.0}
USUALLY = 91.0
NORMAL = {
    Vital.SPO2: 97.0,
    Vital.PULSE_RATE: 70.0,
    Vital.TEMPERATURE: 37.0,
    Vital.RESPIRATORY_RATE: 14.0,
    Vital.SYSTOLIC_BP: 120.0,
    Vital.CONSCIOUSNESS: 0.0,
}


@dataclass(frozen=True)
class Case:
    """A finding as a rule made it, and what it was judged by."""

    finding: Finding
    judge: Judge


def own_limits(file: PathwayFile, target: Spo2Target, oxygen: bool | None) -> Limits:
    limits = limits_at_admission(file.pathway, target, USUALLY, oxygen)
    return limits.changed({n: v for n, v in UNSET.items() if n in dict(limits.parameters)})


def targets(file: PathwayFile) -> Iterator[tuple[Spo2Target, bool | None]]:
    bands = file.pathway.vitals[Vital.SPO2].bands
    if "standard" in bands:
        yield from ((Spo2Target.STANDARD, oxygen) for oxygen in (False, None))
    if "baseline" in bands:
        yield Spo2Target.BASELINE, None
    if "88_92_on_air" in bands:
        yield from ((Spo2Target.RANGE_88_92, oxygen) for oxygen in (True, False, None))


# A value of each vital that is red wherever it is judged, held for a minute.
HELD = {
    Vital.SPO2: 80.0,
    Vital.PULSE_RATE: 30.0,
    Vital.RESPIRATORY_RATE: 6.0,
    Vital.SYSTOLIC_BP: 75.0,
    Vital.TEMPERATURE: 34.0,
    Vital.CONSCIOUSNESS: 3.0,
}


def judged(file: PathwayFile) -> Iterator[Case]:
    """Yield what readings of all kinds are judged to be, on all bands of the file."""
    for target, oxygen in targets(file):
        limits = own_limits(file, target, oxygen)
        judge = Judge(file.pathway, limits, Mode.MONITORED, oxygen)
        facts = Facts(NOON, "Europe/London", limits, age_years=60, pregnant=False)
        for given in (*readings(facts), *answers(facts, file)):
            for finding in assess(given, file.pathway, call_me=bool(given.answers)).findings:
                yield Case(finding, judge)
        for vital, worst in HELD.items():
            held = (Held(vital, worst, 60.0),)
            for finding in assess(facts, file.pathway, held=held).findings:
                yield Case(finding, judge)


def readings(facts: Facts) -> Iterator[Facts]:
    for vital, normal in NORMAL.items():
        for value in (normal * n / 100 for n in range(40, 220)):
            yield replace(facts, values=NORMAL | {vital: round(value, 1)})
    for letter in range(5):
        yield replace(facts, values=NORMAL | {Vital.CONSCIOUSNESS: float(letter)})
    for breaths in (14.0, 21.0, 25.0):  # two, three and more signs at once: NEWS2 of 5, and of 7
        fast = {Vital.RESPIRATORY_RATE: breaths, Vital.PULSE_RATE: 131.0}
        yield replace(facts, values=NORMAL | fast)
        yield replace(facts, values=NORMAL | fast | {Vital.SPO2: 91.0})
    yield replace(facts, values={Vital.SPO2: 170.0, Vital.PULSE_RATE: 84.0})  # looks swapped
    rest = Past(NOON - timedelta(minutes=5), derived_id(NOON, 1), {Vital.SPO2: 97.0})
    yield replace(
        facts,
        values={Vital.SPO2: 90.0},
        context=Context.EXERTION,
        last_rest=rest,
        paired_with=rest.reading_id,
    )
    low = [
        Past(NOON - timedelta(hours=n), derived_id(NOON, n), {Vital.SPO2: 80.0}) for n in (9, 6, 3)
    ]
    yield replace(facts, values={Vital.SPO2: 80.0}, history=low)


def answers(facts: Facts, file: PathwayFile) -> Iterator[Facts]:
    for id_, question in file.pathway.questions.items():
        for answer in question.answers:
            yield replace(facts, answers=((id_, answer),))


def of_silence_and_homes(file: PathwayFile) -> Iterator[Case]:
    """Yield what silence, and trouble at a home, open."""
    [target, oxygen], *_ = list(targets(file))
    for mode in file.pathway.modes:
        limits = own_limits(file, target, oxygen)
        judge = Judge(file.pathway, limits, mode, oxygen)
        person = Person(mode=mode, limits=limits)
        begun = begin(NOON, file.pathway, person)
        reported = replace(begun, last_good_at=NOON)
        inputs: list[Input] = [
            UnreadableArrived("it could not be read"),
            HomeTrouble("home.battery_low:Nonin 3230", "the battery is low"),
        ]
        later = NOON + timedelta(days=2)
        for state, happened, now in [
            *((begun, one, NOON) for one in inputs),
            (begun, TimePassed(), later),
            (reported, TimePassed(), later),
        ]:
            done = step(EPISODE, state, happened, now, file.pathway)
            for alert in done.changed.values():
                for joined in alert.findings:
                    yield Case(joined.finding, judge)


def cases(name: str) -> list[Case]:
    file = FILES[name]
    return [*judged(file), *of_silence_and_homes(file)]


def rules_of(name: str) -> set[str]:
    """Return every rule that a pathway has, by the name that its findings carry."""
    pathway, names = FILES[name].pathway, {"missing", "call_me", "technical"}
    for vital, rule in pathway.vitals.items():
        for bands in rule.bands.values():
            names |= {f"{vital}.{level}" for level in bands.levels}
            names |= {f"{vital}.held_{Level.RED}"}
    names |= {f"finding.{rule.id}" for rule in pathway.findings}
    for id_, question in pathway.questions.items():
        names |= {f"question.{id_}.{code}" for code, level in question.answers.items() if level}
    if pathway.news2 is not None:
        names |= {f"news2.{points}" for points, _ in pathway.news2.totals}
        names |= {"news2.single_three"} if pathway.news2.single_three else set()
    return names | ({"swapped"} if pathway.swap else set())


@pytest.mark.parametrize("name", NAMES)
def test_no_finding_stays_without_its_line_and_its_source(name: str) -> None:
    citations, seen = Citations(FILES[name]), set()
    for case in cases(name):
        basis = basis_of(case.finding, case.judge)
        cited = [citations.cite(key) for key in basis.keys]
        assert cited, case
        assert any(citation.source for citation in cited), case
        seen.add(case.finding.rule)
    assert rules_of(name) <= seen, "the table above has not made every kind of finding"


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_no_rule_of_the_pathway_is_called_the_wards_own(name: str) -> None:
    own = {c.finding.rule for c in cases(name) if basis_of(c.finding, c.judge).kind == OWN}
    assert own == {"technical", "home.battery_low:Nonin 3230"}


@pytest.mark.parametrize("name", NAMES)
def test_a_band_is_the_one_that_judged_with_the_limit_that_the_finding_says(name: str) -> None:
    """The line has the finding's own level, and the limit is the one in its words."""
    citations, count = Citations(FILES[name]), 0
    for case in cases(name):
        finding, basis = case.finding, basis_of(case.finding, case.judge)
        if not finding.rule.startswith("spo2."):
            continue
        band: Citation = citations.cite(basis.keys[0])
        assert f"level: {finding.level}" in band.text
        assert basis.limit
        assert finding.words.partition(",")[0].endswith(basis.limit)
        numbers = [case.judge.limits.number_at(edge) for edge in basis.edges]
        assert all(f"{number:g}" in basis.limit for number in numbers if number is not None)
        count += 1
    assert count > 100


COH = FILES["covid-oximetry-at-home"]
COPD = FILES["copd-88-92"]
SCORED = FILES["covid-virtual-ward"]


def keys_for(file: PathwayFile, values: dict[Vital, float], limits: Limits) -> list[str]:
    oxygen = values.get(Vital.SUPPLEMENTAL_OXYGEN)
    facts = Facts(NOON, "Europe/London", limits, values, age_years=60, pregnant=False)
    judge = Judge(file.pathway, limits, Mode.MONITORED, None if oxygen is None else oxygen > 0)
    return [
        key
        for finding in assess(facts, file.pathway).concerns
        for key in basis_of(finding, judge).keys
    ]


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        (92, ["vitals.spo2.bands.standard.0", "parameters.red_max.default"]),
        (93, ["vitals.spo2.bands.standard.1", "parameters.amber_max.default"]),
        (94, ["vitals.spo2.bands.standard.1", "parameters.amber_max.default"]),
        (95, []),
    ],
)
def test_an_spo2_leads_to_its_band_and_to_the_number_that_it_passed(
    value: float, keys: list[str]
) -> None:
    assert keys_for(COH, {Vital.SPO2: value}, limits_at_admission(COH.pathway)) == keys


@pytest.mark.parametrize(
    ("oxygen", "value", "first"),
    [
        (2.0, 97.0, "vitals.spo2.bands.88_92_on_oxygen.4"),  # too much oxygen: the band above
        (2.0, 94.0, "vitals.spo2.bands.88_92_on_oxygen.3"),
        (2.0, 83.0, "vitals.spo2.bands.88_92_on_oxygen.0"),
        (0.0, 83.0, "vitals.spo2.bands.88_92_on_air.0"),
        (0.0, 87.0, "vitals.spo2.bands.88_92_on_air.1"),
    ],
)
def test_air_and_oxygen_lead_to_the_bands_that_judged(
    oxygen: float, value: float, first: str
) -> None:
    limits = own_limits(COPD, Spo2Target.RANGE_88_92, None)
    values = {Vital.SPO2: value, Vital.SUPPLEMENTAL_OXYGEN: oxygen}
    assert keys_for(COPD, values, limits)[0] == first


def test_too_much_oxygen_is_red_by_the_edge_below_it() -> None:
    limits = own_limits(COPD, Spo2Target.RANGE_88_92, True)
    keys = keys_for(COPD, {Vital.SPO2: 97.0}, limits)
    assert keys[1] == "parameters.oxygen_amber_max.default"


def test_a_score_leads_to_the_points_that_it_passed() -> None:
    limits = limits_at_admission(SCORED.pathway)
    worse = NORMAL | {Vital.SPO2: 91.0, Vital.RESPIRATORY_RATE: 26.0, Vital.PULSE_RATE: 115.0}
    keys = keys_for(SCORED, worse | {Vital.SUPPLEMENTAL_OXYGEN: 0.0}, limits)
    assert "news2.totals.0" in keys  # 3 + 3 + 2 points
