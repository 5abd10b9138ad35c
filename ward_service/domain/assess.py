"""What a reading means under a pathway: how worrying, and why, in words a nurse can check."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ward_service.contract.vocabulary import UNITS, Context, Level, Quality, Vital
from ward_service.domain.bands import WORRY, said_against
from ward_service.domain.pathway import Pathway, VitalRule

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


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason. `value` is what was measured, None where the reason is no number."""

    level: Level
    words: str
    vital: Vital | None = None
    value: float | None = None
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found, worst first, and what is doubted and why (`doubts`, words without values).

    `level` is None when nothing could be judged: that is not green. `reassuring` says that the
    reading is fully believed, so that it may fill a due time or withdraw a provisional alert.
    """

    findings: tuple[Finding, ...]
    doubts: tuple[str, ...]
    level: Level | None
    reassuring: bool

    @property
    def concerns(self) -> tuple[Finding, ...]:
        """The findings that are not green."""
        return tuple(f for f in self.findings if f.level is not Level.GREEN)


def assess(
    values: Mapping[Vital, float],
    context: Context,
    quality: tuple[Quality, ...],
    pathway: Pathway,
) -> Assessment:
    """Judge each vital by the pathway, worst first. One absurd value never hides a true one.

    A value above belief is set aside alone; one below belief is never set aside (promise 7): it
    keeps its level and is marked doubtful. Exertion is not judged on bands made for rest.
    """
    poor = sorted(q for q in quality if q in POOR)
    doubts: list[str] = [str(q) for q in poor]
    findings: list[Finding] = []
    for vital, value in values.items():
        rule = pathway.vitals.get(vital)
        if rule is None:
            continue
        doubt = _doubt(vital, value, rule)
        if doubt:
            doubts.append(doubt)
        above = value > rule.believable[1]
        if rule.bands is None or above or context is Context.EXERTION:
            continue
        placed = rule.bands.place(value)
        words = said_against(UNITS[vital], value, placed)
        findings.append(Finding(placed.level, words, vital, value, bool(doubt or poor)))
    swapped = _looks_swapped(values, pathway) if context is Context.REST else None
    if swapped is not None:
        doubts.append("looks_swapped")
        findings.extend(swapped)
    findings.sort(key=lambda finding: -WORRY[finding.level])
    level = findings[0].level if findings else None
    reassuring = context is Context.REST and not doubts and pathway.fills in values
    if level is Level.GREEN and not reassuring:
        level = None  # nothing against it is known, and nothing for it either
    return Assessment(tuple(findings), tuple(doubts), level, reassuring)


def _doubt(vital: Vital, value: float, rule: VitalRule) -> str:
    low, high = rule.believable
    if value < low:
        return f"{vital}_below_belief"
    return f"{vital}_above_belief" if value > high else ""


def _looks_swapped(values: Mapping[Vital, float], pathway: Pathway) -> list[Finding] | None:
    """Ask whether SpO2 and pulse stand in each other's place; never swap them ourselves.

    Returns:
        None when they do not look swapped. Otherwise findings to add: if the number in the place
        of the pulse would be worrying as an SpO2, it is judged as one, doubtful, because an SpO2
        that cannot be one must not hide the one that stands beside it.
    """
    spo2, pulse = values.get(Vital.SPO2), values.get(Vital.PULSE_RATE)
    rule = pathway.vitals.get(Vital.SPO2)
    if spo2 is None or pulse is None or rule is None or rule.bands is None:
        return None
    low, high = rule.believable
    if spo2 <= high:
        swap = pathway.swap
        looks = spo2 <= swap.spo2_at_most and swap.pulse_at_least <= pulse <= high
        return [] if looks else None
    if not low <= pulse <= high:
        return None
    placed = rule.bands.place(pulse)
    if placed.level is Level.GREEN:
        return []
    as_spo2 = said_against(UNITS[Vital.SPO2], pulse, placed)
    words = f"{UNITS[Vital.SPO2].say(spo2)} and {UNITS[Vital.PULSE_RATE].say(pulse)} look swapped: "
    words += f"ask; if so, {as_spo2}"
    return [Finding(placed.level, words, Vital.SPO2, pulse, doubtful=True)]
