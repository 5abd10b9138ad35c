"""Read pathway files: typed, whole, or refused. The numbers live there, the rules in `domain`."""

import hashlib
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ward_service.contract.vocabulary import Level, Vital
from ward_service.domain.bands import Bands
from ward_service.domain.pathway import Confirmation, Pathway, Schedule, SwapDoubt, VitalRule
from ward_service.errors import WardError

SHIPPED = Path(__file__).parent

Minutes = Annotated[float, Field(gt=0)]


class _OneOfEach(yaml.SafeLoader):
    """YAML that says a thing twice is refused: the reader would see one number, and we another."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"it says {', '.join(sorted(twice))} twice")
        return super().construct_mapping(node, deep)


class _Typed(BaseModel):
    """No field has a default that matters, so that a misspelt one is a missing one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _BandsFile(_Typed):
    tops: tuple[float, ...]
    levels: tuple[Level, ...]
    digits: Annotated[int, Field(ge=0, le=3)]


class _VitalFile(_Typed):
    believable: tuple[float, float]
    bands: _BandsFile | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.believable[0] >= self.believable[1]:
            raise ValueError("believable: the lower edge must be below the upper")
        if self.bands is not None:
            levels = set(self.bands.levels)
            if not levels <= {Level.GREEN, Level.AMBER, Level.RED}:
                raise ValueError("bands: a level is green, amber or red")
            Bands(self.bands.tops, self.bands.levels, self.bands.digits)
        return self


class _ScheduleFile(_Typed):
    zone: str
    times: Annotated[tuple[time, ...], Field(min_length=1)]
    window_min: Minutes
    overdue_after_min: Minutes

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"schedule: there is no time zone {self.zone}") from error
        if any(one >= other for one, other in pairwise(self.times)):
            raise ValueError("schedule: the times must rise")
        return self


class _ConfirmationFile(_Typed):
    repeat_within_min: dict[Level, Minutes]
    minimum_gap_s: Annotated[float, Field(ge=0)]
    second_red_within_h: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _both(self) -> Self:
        if set(self.repeat_within_min) != {Level.RED, Level.AMBER}:
            raise ValueError("confirmation: a time is needed for red and for amber")
        return self


class _SwapFile(_Typed):
    spo2_at_most: float
    pulse_at_least: float


class _PathwayFile(_Typed):
    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    version: Annotated[int, Field(ge=1)]
    title: str
    source: str
    fills: Vital
    vitals: dict[Vital, _VitalFile]
    schedule: _ScheduleFile
    confirmation: _ConfirmationFile
    swap: _SwapFile
    late_after_min: Minutes
    clock_tolerance_min: Minutes
    before_stay_h: Annotated[float, Field(ge=0)]
    further_fall: Annotated[float, Field(gt=0)]
    stale_after_h: Minutes
    start_up_grace_min: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _judged(self) -> Self:
        rule = self.vitals.get(self.fills)
        if rule is None or rule.bands is None:
            raise ValueError(f"fills: {self.fills} needs bands of its own")
        return self

    def pathway(self) -> Pathway:
        """Return the version as the rules see it."""
        confirmation, schedule = self.confirmation, self.schedule
        return Pathway(
            id=self.id,
            version=self.version,
            title=self.title,
            vitals={vital: _rule(file) for vital, file in self.vitals.items()},
            fills=self.fills,
            schedule=Schedule(
                zone=schedule.zone,
                times=schedule.times,
                window=timedelta(minutes=schedule.window_min),
                overdue_after=timedelta(minutes=schedule.overdue_after_min),
            ),
            confirmation=Confirmation(
                repeat_within={
                    level: timedelta(minutes=minutes)
                    for level, minutes in confirmation.repeat_within_min.items()
                },
                minimum_gap=timedelta(seconds=confirmation.minimum_gap_s),
                second_red_within=timedelta(hours=confirmation.second_red_within_h),
            ),
            swap=SwapDoubt(self.swap.spo2_at_most, self.swap.pulse_at_least),
            late_after=timedelta(minutes=self.late_after_min),
            clock_tolerance=timedelta(minutes=self.clock_tolerance_min),
            before_stay=timedelta(hours=self.before_stay_h),
            further_fall=self.further_fall,
            stale_after=timedelta(hours=self.stale_after_h),
            start_up_grace=timedelta(minutes=self.start_up_grace_min),
        )


def _rule(file: _VitalFile) -> VitalRule:
    bands = None
    if file.bands is not None:
        bands = Bands(file.bands.tops, file.bands.levels, file.bands.digits)
    return VitalRule(file.believable, bands)


@dataclass(frozen=True, slots=True)
class PathwayFile:
    """A pathway with the very text that it was read from, and the hash that a lead signs."""

    pathway: Pathway
    text: str
    sha256: str


def load(path: Path) -> PathwayFile:
    """Read one pathway file.

    Raises:
        WardError: the file is not whole; the text names the field and what is wrong with it.
    """
    text = path.read_text(encoding="utf-8")
    return read(text, path.name)


def read(text: str, name: str) -> PathwayFile:
    """Read a pathway from its text; `name` is how a refusal calls it.

    Raises:
        WardError: the text is not a whole pathway.
    """
    try:
        pathway = _PathwayFile.model_validate(yaml.load(text, _OneOfEach)).pathway()  # noqa: S506
    except yaml.YAMLError as error:
        raise WardError(f"{name} is not YAML that can be trusted: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{_where(e['loc'])}: {e['msg']}" for e in error.errors())
        raise WardError(f"{name} is not a whole pathway, so nothing of it runs. {wrong}") from error
    return PathwayFile(pathway, text, hashlib.sha256(text.encode()).hexdigest())


def load_all(folder: Path = SHIPPED) -> dict[str, PathwayFile]:
    """Read every pathway of a folder, by id.

    Raises:
        WardError: one is not whole, two share an id, or there is none.
    """
    found: dict[str, PathwayFile] = {}
    for path in sorted(folder.glob("*.yaml")):
        file = load(path)
        if file.pathway.id in found:
            raise WardError(f"{path.name}: there is already a pathway {file.pathway.id}")
        found[file.pathway.id] = file
    if not found:
        raise WardError(f"There is no pathway (*.yaml) in {folder}")
    return found


def _where(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "file"
