"""Find the rule behind a finding: the keys of the pathway file, and the numbers that it used.

Pure. A finding keeps the name of its rule (`spo2.red`, `question.red_flags.collapse`); which lines
of the file that is depends on the person's limits and oxygen when the reading was judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ward_service.contract.rules import BandsRule, Condition, Edge
from ward_service.contract.vocabulary import UNITS, Level, Mode, Vital
from ward_service.domain.bands import Bands, said_against, worse
from ward_service.domain.finding import Finding
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.pathway import Pathway

BAND: Final = "a band of the pathway"
HELD: Final = "a band of the pathway, and continuous data that stayed in it"
SWAPPED: Final = "two numbers look swapped; if they are, a band of the pathway"
SEVERAL: Final = "a finding of the pathway that needs one or several facts"
ANSWER: Final = "an answer that the pathway calls worrying"
CALL_ME: Final = "the patient asks to be called"
SCORE: Final = "the NEWS2 score"
SILENCE: Final = "no reading came: the first of these two times that was over"
NEVER: Final = "no reading ever came, and the first was due"
OWN: Final = (
    "a rule of the ward itself, not of the pathway: what cannot be read, or fails at a home, "
    "needs a person. The pathway says who is called"
)
VITALS: Final = frozenset(str(vital) for vital in Vital)


@dataclass(frozen=True, slots=True)
class Judge:
    """What a finding was judged by: the pathway, the person's limits then, and their oxygen.

    `on_oxygen` is what the reading says, or else what is known of the home; None is unknown.
    """

    pathway: Pathway
    limits: Limits
    mode: Mode
    on_oxygen: bool | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """The rule behind a finding. `keys` are those of the pathway file, the rule itself first.

    `edges` are the numbers that it compared with, and `limit` the limit in words, "" where the
    finding's own words say it.
    """

    kind: str
    keys: tuple[str, ...]
    edges: tuple[Edge, ...] = ()
    limit: str = ""


def basis_of(finding: Finding, judge: Judge) -> Basis:
    """Return the rule behind a finding. Every finding has one."""
    head, _, name = finding.rule.partition(".")
    pathway = judge.pathway
    if head in VITALS and finding.value is not None:
        return _of_band(finding, Vital(head), name, judge)
    if head == "swapped":
        band = _of_band(finding, Vital.SPO2, "", judge)
        keys = ("swap", "vitals.spo2.believable", *band.keys)
        return Basis(SWAPPED, keys, band.edges, band.limit)
    if head == "finding":
        return _of_facts(name, pathway)
    if head == "question":
        question, _, answer = name.partition(".")
        return Basis(ANSWER, (f"questions.{question}.answers.is.{answer}",))
    if head == "call_me":
        return Basis(CALL_ME, ("asks_for_call",))
    if head == "news2":
        return Basis(SCORE, (_score_key(name, pathway),))
    if head == "missing":
        if finding.words.startswith("never reported"):
            return Basis(NEVER, ("missing.first_chase_after",))
        return Basis(SILENCE, ("missing.staff_after", "missing.missed_windows"))
    level = finding.level if finding.level in pathway.ladders[judge.mode] else Level.TECHNICAL
    return Basis(OWN, (step_key(judge.mode, level, 0),))


def step_key(mode: Mode, level: Level, number: int) -> str:
    """Return the key of a step of a ladder, counted from 0."""
    return f"ladders.{mode}.{level}.steps.{number}.after"


def _of_band(finding: Finding, vital: Vital, name: str, judge: Judge) -> Basis:
    held = name.startswith("held_")
    kind, more = (HELD, ("continuous.held_red",)) if held else (BAND, ())
    for bands_are, rule, bands in _may_have_judged(vital, judge):
        placed = bands.place(finding.value or 0.0)
        # The words are proof that these are the numbers by which it was judged.
        if said_against(UNITS[vital], finding.value or 0.0, placed) not in finding.words:
            continue
        here = _index(placed.counts_as, bands)
        edges = [rule.edges[n] for n in _limiting(rule.levels, here)]
        keys = [f"vitals.{vital}.bands.{bands_are}.{here}", *_parameter_keys(edges), *more]
        tail = UNITS[vital].said.partition("{}")[2]
        return Basis(kind, tuple(keys), tuple(edges), f"{placed.limit}{tail}")
    # Not by any limits that are known: point at all the bands, and claim no number.
    edges = [edge for rule in judge.pathway.vitals[vital].bands.values() for edge in rule.edges]
    return Basis(kind, (f"vitals.{vital}.bands", *_parameter_keys(edges), *more))


def _may_have_judged(vital: Vital, judge: Judge) -> Iterator[tuple[str, BandsRule, Bands]]:
    """Yield the bands that may have judged a value, by name; the likeliest first.

    Where oxygen is unknown the bands on oxygen count: they are the stricter ones.
    """
    likely = judge.on_oxygen is not False
    for on_oxygen in (likely, not likely):
        name = bands_name(vital, judge.limits, on_oxygen)
        rule = judge.pathway.vitals[vital].bands.get(name)
        bands = personal_bands(rule, judge.limits) if rule is not None else None
        if rule is not None and bands is not None:
            yield name, rule, bands


def _index(counts_as: float, bands: Bands) -> int:
    tops = [high for _, high, _ in bands.edges()]
    return next(n for n, high in enumerate(tops) if high is None or counts_as <= high)


def _limiting(levels: tuple[Level, ...], here: int) -> list[int]:
    """Return which edges make a band what it is: the one towards what is less worrying."""
    last = len(levels) - 1
    if here < last and worse(levels[here], levels[here + 1]):
        return [here]
    if here and worse(levels[here], levels[here - 1]):
        return [here - 1]
    return [n for n in (here - 1, here) if 0 <= n < last]


def _of_facts(name: str, pathway: Pathway) -> Basis:
    rule = next((rule for rule in pathway.findings if rule.id == name), None)
    conditions = rule.conditions if rule is not None else ()
    edges = [edge for condition in conditions for edge in _edges_of(condition)]
    facts = [f"findings.{name}.all_of.{n}" for n in range(len(conditions))]
    return Basis(SEVERAL, (f"findings.{name}", *facts, *_parameter_keys(edges)), tuple(edges))


def _edges_of(condition: Condition) -> list[Edge]:
    names = ("at_most", "at_least", "falls_by", "rises_by")
    edges = (getattr(condition, name, None) for name in names)
    return [edge for edge in edges if isinstance(edge, Edge)]


def _parameter_keys(edges: list[Edge]) -> list[str]:
    names = [name for edge in edges for name in (edge.parameter, edge.not_below) if name]
    return [f"parameters.{name}.default" for name in dict.fromkeys(names)]


def _score_key(name: str, pathway: Pathway) -> str:
    if name == "single_three":
        return "news2.single_three"
    points = [str(at_least) for at_least, _ in (pathway.news2.totals if pathway.news2 else ())]
    return f"news2.totals.{points.index(name)}" if name in points else "news2.totals"
