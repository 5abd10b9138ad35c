"""NEWS2: points for each parameter, and a total only when all of them are known.

It adds a warning and never takes one away: nothing here knows a level, so no low score can stand
against a red. SpO2 92 % is red on a COVID pathway and only 2 points here
(docs/reference/clinical.md#news2-traps).

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, December 2017, chart 1
(points) and chart 4 (responses) [RCP-NEWS2-2017]; cross-checked with [THORAX-NEWS2].
docs/reference/clinical.md#news2.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ward_service.contract.vocabulary import Vital
from ward_service.domain.bands import Ranges


class Scale(StrEnum):
    """Which SpO2 scale. TWO is for a prescribed target of 88 to 92 %, decided by a clinician."""

    ONE = "1"
    TWO = "2"


class Status(StrEnum):
    """Whether there is a score: whole, with parameters missing, or not for this person."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of numbers, in the unit of its vital; how worrying a range is, is its points.

    `scale` and `on_oxygen` say when the row is the one to read; None is always.
    """

    name: str
    vital: Vital
    ranges: Ranges
    scale: Scale | None = None
    on_oxygen: bool | None = None

    def applies(self, scale: Scale, on_oxygen: bool | None) -> bool:
        """Whether this row may be the one to read. Oxygen unknown: on air and on oxygen both."""
        unknown = on_oxygen is None
        return self.scale in (None, scale) and (unknown or self.on_oxygen in (None, on_oxygen))


@dataclass(frozen=True, slots=True)
class Said:
    """A row of words, each with its points."""

    name: str
    points: Mapping[str, int]


AIR_OR_OXYGEN: Final = Said("air or oxygen", {"air": 0, "oxygen": 2})
CONSCIOUSNESS: Final = Said("consciousness", {"A": 0, "C": 3, "V": 3, "P": 3, "U": 3})

# Chart 1, row by row: the upper edges that it prints, and the points of each range between them.
CHART: Final[tuple[Measured | Said, ...]] = (
    Measured("breathing rate", Vital.RESPIRATORY_RATE, Ranges((8, 11, 20, 24), (3, 1, 0, 2, 3), 0)),
    Measured("SpO2 scale 1", Vital.SPO2, Ranges((91, 93, 95), (3, 2, 1, 0), 0), Scale.ONE),
    Measured(
        "SpO2 scale 2",
        Vital.SPO2,
        Ranges((83, 85, 87), (3, 2, 1, 0), 0),
        Scale.TWO,
        on_oxygen=False,
    ),
    Measured(
        "SpO2 scale 2",
        Vital.SPO2,
        Ranges((83, 85, 87, 92, 94, 96), (3, 2, 1, 0, 1, 2, 3), 0),
        Scale.TWO,
        on_oxygen=True,
    ),
    AIR_OR_OXYGEN,
    Measured("blood pressure", Vital.SYSTOLIC_BP, Ranges((90, 100, 110, 219), (3, 2, 1, 0, 3), 0)),
    Measured("pulse", Vital.PULSE_RATE, Ranges((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3), 0)),
    CONSCIOUSNESS,
    Measured(
        "temperature", Vital.TEMPERATURE, Ranges((35.0, 36.0, 38.0, 39.0), (3, 1, 0, 1, 2), 1)
    ),
)

# The vital of each parameter that has one of its own.
VITALS: Final[Mapping[str, Vital]] = {
    **{row.name: row.vital for row in CHART if isinstance(row, Measured)},
    CONSCIOUSNESS.name: Vital.CONSCIOUSNESS,
}

# Years. Not in children [NICE-NG191]; the RCP's lower limit is 16, unverified;
# see docs/reference/clinical.md#news2-traps.
MIN_AGE: Final = 16


@dataclass(frozen=True, slots=True)
class Response:
    """What a hospital does at a score: how often it observes at least, and who responds."""

    score: str
    observe: str
    respond: str


# Chart 4, row by row. Written for hospitals: what a ward at home does is in its pathway.
RESPONSES: Final = (
    Response("0", "every 12 hours", "continue routine observation"),
    Response(
        "1 to 4",
        "every 4 to 6 hours",
        "a registered nurse assesses, and decides on more frequent observation or escalation",
    ),
    Response(
        "3 in one parameter", "every hour", "the nurse informs the medical team, which reviews"
    ),
    Response(
        "5 or more: urgent",
        "every hour",
        "inform the medical team immediately; urgent assessment by a clinician competent in acute "
        "illness; monitored environment",
    ),
    Response(
        "7 or more: emergency",
        "continuously",
        "inform the medical team immediately, at specialist registrar level or above; emergency "
        "assessment by a team competent in critical care; consider level 2 or 3 care",
    ),
)


@dataclass(frozen=True, slots=True)
class News2:
    """A score, or why there is none. Parameters are called as in the chart, and in its order.

    `total` is there only when complete. `points` holds what is known, also when partial; a
    parameter is in `points` or in `missing`, and never in both. `reason` says in words why there
    is no total, and is empty when complete. When not applicable nothing is scored at all.
    `doubtful_threes` are parameters without points whose doubted value would have 3.

    Raises:
        ValueError: the status, the total and what is missing contradict each other.
    """

    status: Status
    total: int | None
    points: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    reason: str
    scale: Scale
    doubtful_threes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole = self.status is Status.COMPLETE
        if self.total != (sum(points for _, points in self.points) if whole else None):
            raise ValueError("only a complete score has a total, and it is the sum")
        if bool(self.missing) is not (self.status is Status.PARTIAL):
            raise ValueError("only a partial score has something missing, and always has")

    @property
    def single_three(self) -> bool:
        """Whether a parameter has 3, if only by a doubted value; a missing one may have it too."""
        return bool(self.threes() or self.doubtful_threes)

    @property
    def words(self) -> str:
        """The score in words. A partial one shows no total, but does show a single 3."""
        if self.status is Status.NOT_APPLICABLE:
            return f"NEWS2 not applicable: {self.reason}"
        if self.status is Status.PARTIAL:
            named = [*self.threes(), *(f"{name} (doubtful)" for name in self.doubtful_threes)]
            threes = f"; 3 in one parameter: {', '.join(named)}"
            return f"NEWS2 not complete: {self.reason}{threes if self.single_three else ''}"
        scored = ", ".join(f"{name} {points}" for name, points in self.points if points)
        return f"NEWS2 {self.total} ({scored})" if scored else f"NEWS2 {self.total}"

    def threes(self) -> list[str]:
        """Return the parameters that are known to have 3."""
        return [name for name, points in self.points if points == 3]


def score(
    values: Mapping[Vital, float],
    *,
    scale: Scale,
    on_oxygen: bool | None,
    consciousness: str | None,
    age_years: int | None,
    pregnant: bool | None,
    doubtful: Collection[Vital] = (),
) -> News2:
    """Score what was measured at one time, at rest. What was not measured has no points, never 0.

    `values` are those that the caller believes: one that is left out makes the score partial, but
    one above belief, as an SpO2 of 130 %, would score as it stands. None is unknown throughout.
    `on_oxygen` is the one word on oxygen; a flow among the values is not read. `consciousness` is
    A, C, V, P or U; any other word is unknown, so that none can pass for alert. A parameter whose
    vital is `doubtful` has no points, so that there is no total; a 3 of it counts all the same.

    Age unknown, or pregnancy unknown, is not applicable: a score on whom it was not made for can
    be falsely calm, and no other warning waits for it. The caller says False for pregnancy where
    there can be none.
    """
    reason = _not_applicable(age_years, pregnant)
    if reason:
        return News2(Status.NOT_APPLICABLE, None, (), (), reason, scale)
    said = {CONSCIOUSNESS.name: consciousness or ""}
    if on_oxygen is not None:
        said[AIR_OR_OXYGEN.name] = "oxygen" if on_oxygen else "air"
    may_have: dict[str, set[int | None]] = {}
    for row in CHART:
        if isinstance(row, Said):
            may_have[row.name] = {row.points.get(said.get(row.name, ""))}
        elif row.applies(scale, on_oxygen):
            may_have.setdefault(row.name, set()).add(_points(row, values))
    unsure = {name for name, vital in VITALS.items() if vital in doubtful}
    # Where air and oxygen would score differently and nobody knows which, there are no points.
    points = tuple(
        (name, first)
        for name, (first, *others) in may_have.items()
        if first is not None and not others and name not in unsure
    )
    threes = tuple(name for name in may_have if name in unsure and may_have[name] == {3})
    missing = tuple(name for name in may_have if name not in dict(points))
    if missing:
        lacking = _lacking(missing, values, unsure)
        return News2(Status.PARTIAL, None, points, missing, lacking, scale, threes)
    total = sum(found for _, found in points)
    return News2(Status.COMPLETE, total, points, missing, "", scale)


def _not_applicable(age_years: int | None, pregnant: bool | None) -> str:
    """Return why NEWS2 must not be used; what is known is said before what is not."""
    if pregnant:
        return "pregnant"
    if age_years is not None and age_years < MIN_AGE:
        return f"under {MIN_AGE}"
    if age_years is None:
        return "age not known"
    return "not known whether pregnant" if pregnant is None else ""


def _points(row: Measured, values: Mapping[Vital, float]) -> int | None:
    value = values.get(row.vital)
    return None if value is None else row.ranges.worry[row.ranges.place(value)[0]]


def _lacking(
    missing: tuple[str, ...], values: Mapping[Vital, float], unsure: Collection[str]
) -> str:
    """Say what is missing, and apart from it what was measured and still cannot be scored."""
    measured = {row.name for row in CHART if isinstance(row, Measured)}
    doubted = [name for name in missing if name in unsure and VITALS[name] in values]
    unknown = [name for name in missing if name not in measured and name not in doubted]
    unscored = [
        name
        for name in missing
        if name in measured and VITALS[name] in values and name not in doubted
    ]
    unmeasured = [name for name in missing if name not in unknown + unscored + doubted]
    parts = (
        (unmeasured, "not measured"),
        (unknown, "not known"),
        (doubted, "doubtful"),
        (unscored, f"not scored without {AIR_OR_OXYGEN.name}"),
    )
    return "; ".join(f"{', '.join(names)} {what}" for names, what in parts if names)
