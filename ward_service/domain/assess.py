"""What a reading means under a pathway: how worrying, and why, in words a nurse can check."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from ward_service.contract.rules import FindingRule, News2Rule, VitalRule
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
from ward_service.domain.conditions import Facts, found, looked_at
from ward_service.domain.finding import Finding
from ward_service.domain.inputs import Held
from ward_service.domain.limits import bands_name, personal_bands
from ward_service.domain.news2 import VITALS, News2, Scale, Status, score
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
# What an oximeter says of its own signal says nothing against a cuff or a thermometer. The other
# flags say nothing of a vital, and doubt them all.
OXIMETRY: Final = frozenset({Vital.SPO2, Vital.PULSE_RATE, Vital.PERFUSION_INDEX})
OF_OXIMETRY: Final = frozenset({Quality.POOR_SIGNAL, Quality.LOW_PERFUSION, Quality.NO_FINGER})
# Vitals that are dangerous on both sides, also where a pathway has a band for only one of them.
BOTH_SIDES: Final = frozenset(
    {
        Vital.PULSE_RATE,
        Vital.RESPIRATORY_RATE,
        Vital.SYSTOLIC_BP,
        Vital.DIASTOLIC_BP,
        Vital.TEMPERATURE,
    }
)
# What a person saw needs no second look: new confusion is a red flag (NICE NG191, chapter 2).
SEEN: Final = frozenset({Vital.CONSCIOUSNESS})
_ON_AIR: Final = 0.0  # litres of oxygen a minute


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found, worst first, and what is doubted and why (`doubts`, words without values).

    `level` is None when nothing could be judged: that is not green. `reassuring` says that the
    reading is fully believed, so that it may fill a due time. `doubted` are the vitals whose value
    is not believed: doubt about one silences no other. `in_range` are those that were measured at
    rest, believed, and have nothing against them: only they can calm. `not_judged` says that the
    reading tells nothing, for good or ill, although something was measured.
    `news2` is None on a pathway that does not use it.
    """

    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]
    level: Level | None
    reassuring: bool
    news2: News2 | None = None
    doubted: frozenset[Vital] = frozenset()
    in_range: frozenset[Vital] = frozenset()
    not_judged: bool = False

    @property
    def concerns(self) -> tuple[Finding, ...]:
        """The findings that are not green."""
        return tuple(f for f in self.findings if f.level is not Level.GREEN)


@dataclass(slots=True)
class _Doubts:
    """What is said against a reading, in words, and the vitals that are not believed for it.

    `beside` are vitals of a sensor that sent something absurd: what they say counts in full, but
    it calms nothing.
    """

    words: list[str]
    vitals: set[Vital] = field(default_factory=set)
    beside: set[Vital] = field(default_factory=set)

    def add(self, word: str, *vitals: Vital) -> None:
        self.words.append(word)
        self.vitals.update(vitals)


def assess(
    facts: Facts,
    pathway: Guide,
    *,
    quality: tuple[Quality, ...] = (),
    call_me: bool = False,
    held: tuple[Held, ...] = (),
) -> Assessment:
    """Judge a reading by the pathway and the person's own limits, worst first.

    Doubt is per vital: one bad value silences no other. A value beyond belief on a side that is
    dangerous for its vital is a doubtful red (docs/understand/design.md#promise-7); on the other
    side it is set aside alone.
    After exertion only red limits count, and for SpO2 none of those made for rest. A red flag
    outranks any number.
    """
    poor = [flag for flag in quality if flag in POOR]
    doubts = _Doubts(sorted(map(str, poor)), _doubted_by(poor, facts.values))
    findings: list[Finding] = []
    for vital, value in facts.values.items():
        rule = pathway.vitals.get(vital)
        if rule is not None:
            _judge_value(vital, value, rule, facts, findings, doubts)
    at_rest = facts.context is Context.REST
    if at_rest:
        findings += _looks_swapped(facts, pathway, doubts)
    findings += _held(held, facts, pathway, doubts)
    news2 = _news2(facts, pathway, pathway.news2, findings, doubts) if pathway.news2 else None
    if pathway.reading_rules:
        findings += _several(facts, pathway, doubts)
    if facts.answers or call_me:
        symptoms, unknown = judge_answers(facts.answers, call_me, pathway)
        findings += symptoms
        doubts.words += unknown
    if len(findings) > 1:
        findings.sort(key=lambda finding: -WORRY[finding.level])
    level = findings[0].level if findings else None
    complete = pathway.fills in facts.values if pathway.fills else bool(facts.answers)
    reassuring = at_rest and not doubts.words and complete
    if level is Level.GREEN and not reassuring:
        level = None  # nothing against it is known, and nothing for it either
    judged = _judged(facts, pathway, news2)
    return Assessment(
        tuple(findings),
        tuple(dict.fromkeys(doubts.words)),
        level,
        reassuring,
        news2,
        frozenset(doubts.vitals),
        _in_range(judged, findings, pathway, doubts) if at_rest else frozenset(),
        level is None and bool(doubts.words or (facts.values and not judged)),
    )


def _doubted_by(poor: Iterable[Quality], measured: Collection[Vital]) -> set[Vital]:
    """Return the vitals that flags speak against."""
    doubted: set[Vital] = set()
    for flag in poor:
        doubted.update(OXIMETRY.intersection(measured) if flag in OF_OXIMETRY else measured)
    return doubted


def _judged(facts: Facts, pathway: Guide, news2: News2 | None) -> set[Vital]:
    """Return the measured vitals that a rule looked at: by bands, by a finding or by NEWS2."""
    at_rest = facts.context is Context.REST
    judged = {
        vital
        for vital in facts.values
        if (rule := pathway.vitals.get(vital)) is not None
        and rule.bands
        and (at_rest or vital is not Vital.SPO2)
    }
    for several in pathway.reading_rules:
        judged |= looked_at(several, facts)
    if news2 is not None and news2.status is not Status.NOT_APPLICABLE:
        judged.update(VITALS.values())
    return judged.intersection(facts.values)


def _in_range(
    judged: set[Vital], findings: list[Finding], pathway: Guide, doubts: _Doubts
) -> frozenset[Vital]:
    """Return the judged vitals that are believed and have nothing against them.

    What NEWS2 says of several speaks against those that have no bands of their own.
    """
    against: set[Vital] = set()
    green: set[Vital] = set()
    for finding in findings:
        if finding.level is Level.GREEN:
            green.update(finding.about)
            continue
        if finding.vital is not None:
            against.add(finding.vital)
        against.update(v for v in finding.vitals if not _banded(v, pathway))
    return frozenset(
        vital
        for vital in judged - against - doubts.vitals - doubts.beside
        if vital in green or not _banded(vital, pathway)
    )


def _banded(vital: Vital, pathway: Guide) -> bool:
    rule = pathway.vitals.get(vital)
    return rule is not None and bool(rule.bands)


def _judge_value(
    vital: Vital,
    value: float,
    rule: VitalRule,
    facts: Facts,
    findings: list[Finding],
    doubts: _Doubts,
) -> None:
    low, high = rule.believable
    side = "below" if value < low else "above" if value > high else ""
    if side:
        doubts.add(f"{vital}_{side}_belief", vital)
        doubts.beside |= OXIMETRY if vital in OXIMETRY else set()
    at_rest = facts.context is Context.REST
    if not rule.bands or (vital is Vital.SPO2 and not at_rest):
        return
    if side and not _dangerous(vital, side, rule):
        return
    placed = _place(vital, value, rule, facts, doubts)
    if placed is None:
        return
    level, words = placed.level, said_against(UNITS[vital], value, placed)
    if side and level is not Level.RED:
        level = Level.RED
        words = f"{UNITS[vital].say(value)}, {side} anything that can be believed"
    if at_rest or level is Level.RED:
        doubtful, confirm = vital in doubts.vitals, vital not in SEEN
        name = f"{vital}.{level}"
        findings.append(Finding(level, words, vital, value, doubtful, name, confirm=confirm))


def _dangerous(vital: Vital, side: str, rule: VitalRule) -> bool:
    """Whether a value beyond belief on this side may be a true and dangerous one.

    SpO2 has no true value above belief, and a weight that cannot be believed is someone else's.
    """
    if vital in BOTH_SIDES:
        return True
    if vital is Vital.SPO2:
        return side == "below"
    if vital is Vital.WEIGHT:
        return False
    end = 0 if side == "below" else -1
    return any(bands.levels[end] is not Level.GREEN for bands in rule.bands.values())


def _place(
    vital: Vital, value: float, rule: VitalRule, facts: Facts, doubts: _Doubts
) -> Placed | None:
    """Return a value in this person's bands; None when a number that they need is not set.

    In the range 88 to 92 the upper side is dangerous on oxygen and harmless on air. Not knowing
    which doubts a value that depends on it, and takes the worse; a low one is judged all the same.
    """
    on_oxygen = _on_oxygen(facts)
    bands = _bands(vital, rule, facts, on_oxygen is not False)
    if bands is None:
        doubts.add(f"{vital}_limits_not_set", vital)
        return None
    placed = bands.place(value)
    if on_oxygen is None:
        on_air = _bands(vital, rule, facts, False)
        if on_air is None or on_air.place(value).level is not placed.level:
            doubts.add("oxygen_unknown", vital)
    return placed


def _on_oxygen(facts: Facts) -> bool | None:
    """Return whether oxygen is given: what the reading says, or else what is known of the home."""
    litres = facts.values.get(Vital.SUPPLEMENTAL_OXYGEN)
    if litres is not None and litres < _ON_AIR:
        return None  # no flow is less than none: what is known is not that there is no oxygen
    return facts.limits.home_oxygen if litres is None else litres > _ON_AIR


def _bands(vital: Vital, rule: VitalRule, facts: Facts, on_oxygen: bool) -> Bands | None:
    ruled = rule.bands.get(bands_name(vital, facts.limits, on_oxygen))
    return personal_bands(ruled, facts.limits) if ruled is not None else None


def _news2(
    facts: Facts, pathway: Guide, rule: News2Rule, findings: list[Finding], doubts: _Doubts
) -> News2 | None:
    """Return the score of a reading at rest, and add what it finds: it never takes a red away.

    A partial score has no total, and one with a doubtful parameter is partial; three points in one
    parameter count all the same.
    """
    if facts.context is not Context.REST:
        return None
    two = facts.limits.target is Spo2Target.RANGE_88_92
    values = {v: x for v, x in facts.values.items() if not _set_aside(v, x, pathway)}
    scored = score(
        values,
        scale=Scale.TWO if two else Scale.ONE,
        on_oxygen=_on_oxygen(facts),
        consciousness=_consciousness(values.get(Vital.CONSCIOUSNESS)),
        age_years=facts.age_years,
        pregnant=facts.pregnant,
        doubtful=doubts.vitals,
    )
    points = dict(scored.points)
    for at_least, level in rule.totals:
        if scored.total is not None and scored.total >= at_least:
            words = f"{scored.words} >= {at_least}"
            about = tuple(v for part, v in VITALS.items() if points.get(part) and v in values)
            name = f"news2.{at_least}"
            findings.append(Finding(level, words, rule=name, confirm=False, vitals=about))
            break
    if scored.single_three and rule.single_three is not None:
        threes = (*scored.threes(), *scored.doubtful_threes)
        findings.append(
            Finding(
                rule.single_three,
                scored.words,
                doubtful=not scored.threes(),
                rule="news2.single_three",
                confirm=False,
                vitals=tuple(VITALS[name] for name in threes),
            )
        )
    return scored


def _set_aside(vital: Vital, value: float, pathway: Guide) -> bool:
    """Whether a value is no fact: above belief, where that is not dangerous.

    A low one is always a fact, doubtful as it is.
    """
    rule = pathway.vitals.get(vital)
    if rule is None or value <= rule.believable[1]:
        return False
    return not rule.bands or not _dangerous(vital, "above", rule)


def _consciousness(value: float | None) -> str | None:
    """Return the letter of ACVPU that a value stands for; None for no such value."""
    known = value is not None and value in range(len(ACVPU))
    return ACVPU[int(value)] if known and value is not None else None


def _several(facts: Facts, pathway: Guide, doubts: _Doubts) -> list[Finding]:
    """Return the findings that need several facts; those of the clock wait for it.

    A value above belief is set aside here too: it is no fact.
    """
    if any(doubt.endswith("_above_belief") for doubt in doubts.words):
        kept = {v: x for v, x in facts.values.items() if not _set_aside(v, x, pathway)}
        facts = replace(facts, values=kept)
    return [
        replace(finding, doubtful=True) if _rests_on_doubt(rule, facts, doubts) else finding
        for rule in pathway.reading_rules
        if (finding := found(rule, facts))
    ]


def _rests_on_doubt(rule: FindingRule, facts: Facts, doubts: _Doubts) -> bool:
    return bool(doubts.words) and bool(looked_at(rule, facts) & doubts.vitals)


def _held(held: tuple[Held, ...], facts: Facts, pathway: Guide, doubts: _Doubts) -> list[Finding]:
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


def _looks_swapped(facts: Facts, pathway: Guide, doubts: _Doubts) -> list[Finding]:
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
            doubts.add("looks_swapped", Vital.SPO2, Vital.PULSE_RATE)
        return []
    if not rule.bands or not low <= pulse <= high:
        return []
    doubts.add("looks_swapped", Vital.SPO2, Vital.PULSE_RATE)
    placed = _place(Vital.SPO2, pulse, rule, facts, doubts)
    if placed is None or placed.level is Level.GREEN:
        return []
    as_spo2 = said_against(UNITS[Vital.SPO2], pulse, placed)
    words = f"{UNITS[Vital.SPO2].say(spo2)} and {UNITS[Vital.PULSE_RATE].say(pulse)} look swapped: "
    words += f"ask; if so, {as_spo2}"
    return [Finding(placed.level, words, Vital.SPO2, pulse, doubtful=True, rule="swapped")]
