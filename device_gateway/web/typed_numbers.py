"""Numbers as people type them: read, explained where they cannot be, asked about where unlikely.

An unlikely number that stands is sent: a low one is never set aside. Two numbers that look swapped
are asked about and never swapped by us (docs/understand/design.md#promise-7). What is likely is the
pathway's, not ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ward_service.contract.typed_numbers import read_number
from ward_service.contract.vocabulary import Vital
from ward_service.domain.pathway import Guide


class Wrong(StrEnum):
    """Why a number was not taken."""

    MISSING = "missing"
    NOT_ONE = "not one possible number"


@dataclass(frozen=True, slots=True)
class Looked:
    """What was read, what could not be, what is unlikely, and whether two numbers look swapped.

    `explained` says in English what is wrong with a number, where more can be said than that.
    """

    values: Mapping[Vital, float] = field(default_factory=dict)
    wrong: Mapping[Vital, Wrong] = field(default_factory=dict)
    explained: Mapping[Vital, str] = field(default_factory=dict)
    unlikely: tuple[Vital, ...] = ()
    swapped: bool = False

    @property
    def settled(self) -> bool:
        """Whether there is nothing to ask and nothing to correct."""
        return not (self.wrong or self.unlikely or self.swapped)


def look_at(
    typed: Mapping[Vital, str], pathway: Guide, sure: frozenset[Vital] = frozenset()
) -> Looked:
    """Look at what was typed on one screen. `sure` are numbers that were asked about already."""
    values: dict[Vital, float] = {}
    wrong: dict[Vital, Wrong] = {}
    explained: dict[Vital, str] = {}
    for vital, text in typed.items():
        read = read_number(text, vital)
        if read.value is not None:
            values[vital] = read.value
        else:
            wrong[vital] = Wrong.NOT_ONE if read.problem else Wrong.MISSING
            explained[vital] = read.problem
    if Vital.SPO2 not in sure and _look_swapped(typed, pathway):
        return Looked(values, swapped=True)
    unlikely = tuple(
        vital
        for vital, value in values.items()
        if vital not in sure and not _likely(vital, value, pathway)
    )
    return Looked(values, wrong, explained, unlikely if not wrong else ())


def _likely(vital: Vital, value: float, pathway: Guide) -> bool:
    rule = pathway.vitals.get(vital)
    return rule is None or rule.believable[0] <= value <= rule.believable[1]


def _look_swapped(typed: Mapping[Vital, str], pathway: Guide) -> bool:
    """Say whether oxygen and pulse would be likelier in each other's place."""
    if pathway.swap is None or not {Vital.SPO2, Vital.PULSE_RATE} <= typed.keys():
        return False
    # Read as pulses, both: as an oxygen, more than 100 is no number at all.
    spo2 = read_number(typed[Vital.SPO2], Vital.PULSE_RATE).value
    pulse = read_number(typed[Vital.PULSE_RATE], Vital.PULSE_RATE).value
    if spo2 is None or pulse is None:
        return False
    if not (_likely(Vital.SPO2, pulse, pathway) and _likely(Vital.PULSE_RATE, spo2, pathway)):
        return False
    doubtful = spo2 <= pathway.swap.spo2_at_most and pulse >= pathway.swap.pulse_at_least
    return doubtful or not _likely(Vital.SPO2, spo2, pathway)
