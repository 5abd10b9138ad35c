"""One person's own limits: the pathway's parameters, copied at admission, changed only by people.

Source: docs/reference/clinical.md#low-usual-spo2, #what-the-evidence-forces: every threshold is per
patient.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Self

from ward_service.contract.rules import BandsRule, Edge
from ward_service.contract.vocabulary import Spo2Target, Vital
from ward_service.domain.bands import Bands
from ward_service.domain.pathway import BASELINE, ON_AIR_88_92, ON_OXYGEN_88_92, STANDARD, Pathway


@dataclass(frozen=True, slots=True)
class Limits:
    """What this person is judged by. `number` rises with every change; the first is 1.

    `parameters` are named in the pathway; None is a number that nobody has set. `baseline_spo2`
    is the usual resting SpO2 in per cent, as a clinician recorded it. `home_oxygen` says whether
    oxygen is given at home; what a reading itself says outranks it. None is unknown.
    """

    parameters: tuple[tuple[str, float | None], ...]
    target: Spo2Target = Spo2Target.STANDARD
    baseline_spo2: float | None = None
    home_oxygen: bool | None = None
    number: int = 1

    def get(self, name: str) -> float | None:
        """Return a parameter; None when nobody has set it.

        Raises:
            KeyError: the pathway has no such parameter.
        """
        for known, value in self.parameters:
            if known == name:
                return value
        raise KeyError(name)

    def number_at(self, edge: Edge) -> float | None:
        """Return the number that an edge means for this person; None when one is not set."""
        value = self.get(edge.parameter)
        if value is None or not edge.below_baseline:
            return value
        if self.baseline_spo2 is None:
            return None
        below = round(self.baseline_spo2 - value, 6)  # as a person reckons: 95.3 less 3 is 92.3
        if edge.not_below is None:
            return below
        floor = self.get(edge.not_below)
        return None if floor is None else max(below, floor)

    def changed(
        self,
        parameters: Mapping[str, float],
        target: Spo2Target | None = None,
        baseline_spo2: float | None = None,
        home_oxygen: bool | None = None,
    ) -> Self:
        """Return these limits with what is given put in place of what was."""
        merged = tuple((name, parameters.get(name, value)) for name, value in self.parameters)
        return replace(
            self,
            parameters=merged,
            target=target or self.target,
            baseline_spo2=self.baseline_spo2 if baseline_spo2 is None else baseline_spo2,
            home_oxygen=self.home_oxygen if home_oxygen is None else home_oxygen,
            number=self.number + 1,
        )


def limits_at_admission(
    pathway: Pathway,
    target: Spo2Target = Spo2Target.STANDARD,
    baseline_spo2: float | None = None,
    home_oxygen: bool | None = None,
) -> Limits:
    """Return a copy of the pathway's parameters for one person."""
    copied = tuple((name, parameter.default) for name, parameter in pathway.parameters.items())
    return Limits(copied, target, baseline_spo2, home_oxygen)


def bands_name(vital: Vital, limits: Limits, on_oxygen: bool) -> str:
    """Return which bands of a vital apply to this person."""
    if vital is not Vital.SPO2 or limits.target is Spo2Target.STANDARD:
        return STANDARD
    if limits.target is Spo2Target.BASELINE:
        return BASELINE
    return ON_OXYGEN_88_92 if on_oxygen else ON_AIR_88_92


def personal_bands(rule: BandsRule, limits: Limits) -> Bands | None:
    """Return this person's bands; None when a number that they need is not set.

    Raises:
        ValueError: this person's numbers do not rise.
    """
    numbers = tuple(limits.number_at(edge) for edge in rule.edges)
    if any(number is None for number in numbers):
        return None
    return _bands(tuple(n for n in numbers if n is not None), rule)


@lru_cache(maxsize=4_096)
def _bands(tops: tuple[float, ...], rule: BandsRule) -> Bands:
    return Bands(tops, rule.levels, rule.digits)


def wrong_with(limits: Limits, pathway: Pathway) -> list[str]:
    """Return, in sentences, why these cannot be somebody's limits; empty when they can."""
    wrong = []
    for name, value in limits.parameters:
        known = pathway.parameters[name]
        if value is not None and not known.low <= value <= known.high:
            wrong.append(f"{name} must lie between {known.low:g} and {known.high:g}.")
    if limits.target is not Spo2Target.STANDARD and limits.baseline_spo2 is None:
        wrong.append("This target needs the usual resting SpO2 of this person.")
    for vital in pathway.vitals:
        for oxygen in (True, False):
            wrong += _wrong_bands(vital, limits, pathway, oxygen)
    return list(dict.fromkeys(wrong))


def _wrong_bands(vital: Vital, limits: Limits, pathway: Pathway, oxygen: bool) -> list[str]:
    rules = pathway.vitals[vital].bands
    name = bands_name(vital, limits, oxygen)
    if not rules:
        return []
    if name not in rules:
        return [f"{pathway.name} has no bands for the target {limits.target}."]
    numbers = [limits.number_at(edge) for edge in rules[name].edges]
    named = [name for edge in rules[name].edges for name in (edge.parameter, edge.not_below)]
    unset = [name for name in dict.fromkeys(named) if name and limits.get(name) is None]
    if unset:
        return [f"{', '.join(unset)} is set by nobody: a clinical lead must set it first."]
    set_ = [number for number in numbers if number is not None]
    digits = rules[name].digits
    if any(number != round(number, digits) for number in set_):
        said = ", ".join(f"{number:g}" for number in set_)
        return [f"The limits of {vital} have at most {digits} decimals: {said}."]
    if any(low >= high for low, high in pairwise(set_)):
        return [f"The limits of {vital} do not rise: {', '.join(f'{n:g}' for n in set_)}."]
    return []
