"""What a reading means under a pathway: how worrying, and why, in words a nurse can check."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from ward_service.contract.rules import News2Rule, VitalRule
from ward_service.contract.vocabulary import (
    ACVPU,
    UNITS,
    Context,
    Level,
    Quality,
    Spo2Target,
    Vital,
)
from ward_service.domain.bands import WORRY, Bands, Placed, said_against
from ward_service.domain.conditions import Facts, found
from ward_service.domain.finding import Finding
from ward_service.domain.inputs import Held
from ward_service.domain.limits import bands_name, personal_bands
from ward_service.domain.news2 import News2, Scale, score
from ward_service.domain.pathway import Guide
from ward_service.domain.symptoms import judge_answers

# What a device says against its own number: it may be low, it can never be reassuring.
POOR: Final = frozenset(
    {
        Quality.POOR_SIGNAL,
        Quality.LOW_PERFUSION,
        Quality.NO_FINGER,
        Quality.QUESTIONABLE,
        Quality.EARLY_ESTIMATE,
    }
)
_ON_AIR: Final = 0.0  # litres of oxygen a minute


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found, worst first, and what is doubted and why (`doubts`, words without values).

    `level` is None when nothing could be judged: that is not green. `reassuring` says that the
    reading is fully believed, so that it may fill a due time or withdraw a provisional alert.
    `news2` is None on a pathway that does not use it.
    """

    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]
    level: Level | None
    reassuring: bool
    news2: News2 | None = None

    @property
    def concerns(self) -> tuple[Finding, ...]:
        """The findings that are not green."""
        return tuple(f for f in self.findings if f.level is not Level.GREEN)


def assess(
    facts: Facts,
    pathway: Guide,
    *,
    quality: tuple[Quality, ...] = (),
    call_me: bool = False,
    held: tuple[Held, ...] = (),
) -> Assessment:
    """Judge a reading by the pathway and the person's own limits, worst first.

    One absurd value never hides a true one: a value above belief is set aside alone; one below
    belief is never set aside (promise 7), it keeps its level and is marked doubtful. Exertion is
    not judged on bands made for rest. A red flag outranks any number.
    """
    poor = [str(q) for q in quality if q in POOR]
    doubts = sorted(poor)
    findings: list[Finding] = []
    for vital, value in facts.values.items():
        rule = pathway.vitals.get(vital)
        if rule is not None:
            _judge_value(vital, value, rule, facts, bool(poor), findings, doubts)
    if facts.context is Context.REST:
        findings += _looks_swapped(facts, pathway, doubts)
    findings += _held(held, facts, pathway, doubts)
    news2 = _news2(facts, pathway.news2, findings) if pathway.news2 and not doubts else None
    if pathway.reading_rules:
        findings += _several(facts, pathway, doubts)
    if facts.answers or call_me:
        symptoms, unknown = judge_answers(facts.answers, call_me, pathway)
        findings += symptoms
        doubts += unknown
    if len(findings) > 1:
        findings.sort(key=lambda finding: -WORRY[finding.level])
    level = findings[0].level if findings else None
    at_rest = facts.context is Context.REST
    complete = pathway.fills in facts.values if pathway.fills else bool(facts.answers)
    reassuring = at_rest and not doubts and complete
    if level is Level.GREEN and not reassuring:
        level = None  # nothing against it is known, and nothing for it either
    return Assessment(tuple(findings), tuple(dict.fromkeys(doubts)), level, reassuring, news2)


def _judge_value(
    vital: Vital,
    value: float,
    rule: VitalRule,
    facts: Facts,
    poor: bool,
    findings: list[Finding],
    doubts: list[str],
) -> None:
    low, high = rule.believable
    doubt = f"{vital}_below_belief" if value < low else f"{vital}_above_belief" * (value > high)
    if doubt:
        doubts.append(doubt)
    if not rule.bands or value > high or facts.context is Context.EXERTION:
        return
    placed = _place(vital, value, rule, facts, doubts)
    if placed is None:
        return
    words = said_against(UNITS[vital], value, placed)
    findings.append(
        Finding(placed.level, words, vital, value, bool(doubt or poor), f"{vital}.{placed.level}")
    )


def _place(
    vital: Vital, value: float, rule: VitalRule, facts: Facts, doubts: list[str]
) -> Placed | None:
    """Return a value in this person's bands; None when a number that they need is not set.

    In the range 88 to 92 the upper side is dangerous on oxygen and harmless on air. Not knowing
    which doubts a value that depends on it, and takes the worse; a low one is judged all the same.
    """
    on_oxygen = _on_oxygen(facts)
    bands = _bands(vital, rule, facts, on_oxygen is not False)
    if bands is None:
        doubts.append(f"{vital}_limits_not_set")
        return None
    placed = bands.place(value)
    if on_oxygen is None:
        on_air = _bands(vital, rule, facts, False)
        if on_air is None or on_air.place(value).level is not placed.level:
            doubts.append("oxygen_unknown")
    return placed


def _on_oxygen(facts: Facts) -> bool | None:
    """Return whether oxygen is given: what the reading says, or else what is known of the home."""
    litres = facts.values.get(Vital.SUPPLEMENTAL_OXYGEN)
    return facts.limits.home_oxygen if litres is None else litres > _ON_AIR


def _bands(vital: Vital, rule: VitalRule, facts: Facts, on_oxygen: bool) -> Bands | None:
    ruled = rule.bands.get(bands_name(vital, facts.limits, on_oxygen))
    return personal_bands(ruled, facts.limits) if ruled is not None else None


def _news2(facts: Facts, rule: News2Rule, findings: list[Finding]) -> News2 | None:
    """Return the score of a reading at rest, and add what it finds: it never takes a red away.

    A partial score has no total; three points in one parameter count all the same.
    """
    if facts.context is not Context.REST:
        return None
    two = facts.limits.target is Spo2Target.RANGE_88_92
    scored = score(
        facts.values,
        scale=Scale.TWO if two else Scale.ONE,
        on_oxygen=_on_oxygen(facts),
        consciousness=_consciousness(facts.values.get(Vital.CONSCIOUSNESS)),
        age_years=facts.age_years,
        pregnant=facts.pregnant,
    )
    for at_least, level in rule.totals:
        if scored.total is not None and scored.total >= at_least:
            words = f"{scored.words} >= {at_least}"
            findings.append(Finding(level, words, rule=f"news2.{at_least}", confirm=False))
            break
    if scored.single_three and rule.single_three is not None:
        level = rule.single_three
        findings.append(Finding(level, scored.words, rule="news2.single_three", confirm=False))
    return scored


def _consciousness(value: float | None) -> str | None:
    """Return the letter of ACVPU that a value stands for; None for no such value."""
    known = value is not None and value in range(len(ACVPU))
    return ACVPU[int(value)] if known and value is not None else None


def _several(facts: Facts, pathway: Guide, doubts: list[str]) -> list[Finding]:
    """Return the findings that need several facts; those of the clock wait for it.

    A value above belief is set aside here too: it is no fact.
    """
    if any(doubt.endswith("_above_belief") for doubt in doubts):
        facts = replace(facts, values=_believed(facts.values, pathway))
    findings = [finding for rule in pathway.reading_rules if (finding := found(rule, facts))]
    return [replace(finding, doubtful=True) for finding in findings] if doubts else findings


def _believed(values: Mapping[Vital, float], pathway: Guide) -> dict[Vital, float]:
    """Return the values that are not above belief; a low one stays, doubtful as it is."""
    rules = pathway.vitals
    return {v: x for v, x in values.items() if v not in rules or x <= rules[v].believable[1]}


def _held(held: tuple[Held, ...], facts: Facts, pathway: Guide, doubts: list[str]) -> list[Finding]:
    """Return what continuous data held for long enough: it needs no repeat to be believed."""
    findings = []
    for run in held:
        rule = pathway.vitals.get(run.vital)
        long_enough = run.seconds >= pathway.continuous.held_red.total_seconds()
        placed = _place(run.vital, run.worst, rule, facts, doubts) if rule and rule.bands else None
        if placed is None or not long_enough:
            continue
        words = f"{said_against(UNITS[run.vital], run.worst, placed)}, for {run.seconds:g} s"
        name = f"{run.vital}.held_{placed.level}"
        findings.append(
            Finding(placed.level, words, run.vital, run.worst, rule=name, confirm=False)
        )
    return findings


def _looks_swapped(facts: Facts, pathway: Guide, doubts: list[str]) -> list[Finding]:
    """Ask whether SpO2 and pulse stand in each other's place; never swap them ourselves.

    If the number in the place of the pulse would be worrying as an SpO2, it is judged as one,
    doubtful: an SpO2 that cannot be one must not hide the one that stands beside it.
    """
    spo2, pulse = facts.values.get(Vital.SPO2), facts.values.get(Vital.PULSE_RATE)
    rule = pathway.vitals.get(Vital.SPO2)
    swap = pathway.swap
    if spo2 is None or pulse is None or rule is None or swap is None:
        return []
    low, high = rule.believable
    if spo2 <= high:
        if spo2 <= swap.spo2_at_most and swap.pulse_at_least <= pulse <= high:
            doubts.append("looks_swapped")
        return []
    if not rule.bands or not low <= pulse <= high:
        return []
    doubts.append("looks_swapped")
    placed = _place(Vital.SPO2, pulse, rule, facts, doubts)
    if placed is None or placed.level is Level.GREEN:
        return []
    as_spo2 = said_against(UNITS[Vital.SPO2], pulse, placed)
    words = f"{UNITS[Vital.SPO2].say(spo2)} and {UNITS[Vital.PULSE_RATE].say(pulse)} look swapped: "
    words += f"ask; if so, {as_spo2}"
    return [Finding(placed.level, words, Vital.SPO2, pulse, doubtful=True, rule="swapped")]
