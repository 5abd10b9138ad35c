"""Bands: no gap and no overlap over the whole range of a vital that is believed."""

from collections.abc import Iterator
from itertools import pairwise

from ward_service.contract.vocabulary import Vital
from ward_service.domain.bands import Bands
from ward_service.domain.pathway import ON_AIR_88_92, ON_OXYGEN_88_92, STANDARD
from ward_service.pathways.file import BandsFile, BelowBaseline, EdgeFile, VitalFile, Written


def wrong_bands(written: Written) -> Iterator[str]:
    """Yield what is wrong with the bands; those whose numbers nobody has set are not walked."""
    for vital, rule in written.vitals.items():
        names = set(rule.bands)
        if vital is not Vital.SPO2 and names - {STANDARD}:
            yield f"vitals.{vital}.bands: only SpO2 has bands besides {STANDARD}."
        if len(names & {ON_AIR_88_92, ON_OXYGEN_88_92}) == 1:
            yield f"vitals.{vital}.bands: {ON_AIR_88_92} and {ON_OXYGEN_88_92} need each other."
    for field, vital, bands in all_bands(written):
        if hang_on_baseline(bands) and (vital is not Vital.SPO2 or field.endswith(STANDARD)):
            yield f"{field}: there is a usual value of SpO2 only, and {STANDARD} does not use it."
        elif all(default(written, name) is not None for name in names_in(bands)):
            yield from _walk(field, written.vitals[vital], bands, written)


def not_walked(written: Written) -> Iterator[str]:
    """Yield which bands nobody could walk, for want of numbers that a lead must set."""
    for field, _, bands in all_bands(written):
        unset = [
            name
            for name in dict.fromkeys(names_in(bands))
            if name in written.parameters and default(written, name) is None
        ]
        if unset:
            yield f"{field}: not proved, because nobody has set {', '.join(unset)}."


def all_bands(written: Written) -> Iterator[tuple[str, Vital, BandsFile]]:
    """Yield (field, vital, bands) for all that the file holds."""
    for vital, rule in written.vitals.items():
        for name, bands in rule.bands.items():
            yield f"vitals.{vital}.bands.{name}", vital, bands


def names_of(edge: EdgeFile | None) -> list[str]:
    """Return the parameters that an edge names."""
    if isinstance(edge, BelowBaseline):
        return [edge.below_baseline, *([edge.not_below] if edge.not_below else [])]
    return [edge] if edge else []


def names_in(bands: BandsFile) -> list[str]:
    """Return the parameters that bands name, from below."""
    return [name for band in bands for name in names_of(band.up_to)]


def hang_on_baseline(bands: BandsFile) -> bool:
    """Say whether an edge is counted from a person's usual value."""
    return any(isinstance(band.up_to, BelowBaseline) for band in bands)


def default(written: Written, name: str) -> float | None:
    """Return the number that a parameter has at admission; None when nobody has set it."""
    parameter = written.parameters.get(name)
    return None if parameter is None else parameter.default.value


def printed_values(rule: VitalFile) -> Iterator[float]:
    """Yield every value of a vital that is believed, as it is printed."""
    low, high = rule.believable.value
    steps = 10**rule.digits.value
    for n in range(round(low * steps), round(high * steps) + 1):
        yield n / steps


def usual_values(written: Written, bands: BandsFile) -> list[float]:
    """Return every usual SpO2 with which these bands rise, and so with which one is admitted."""
    spo2 = written.vitals[Vital.SPO2]
    return [b for b in printed_values(spo2) if _rise(_tops(bands, b, written))]


def _tops(bands: BandsFile, baseline: float, written: Written) -> tuple[float, ...]:
    return tuple(_number(band.up_to, baseline, written) for band in bands if band.up_to is not None)


def _number(edge: EdgeFile, baseline: float, written: Written) -> float:
    if not isinstance(edge, BelowBaseline):
        return default(written, edge) or 0.0
    below = baseline - (default(written, edge.below_baseline) or 0.0)
    floor = default(written, edge.not_below) if edge.not_below else None
    return below if floor is None else max(below, floor)


def _rise(tops: tuple[float, ...]) -> bool:
    return all(low < high for low, high in pairwise(tops))


def _walk(field: str, rule: VitalFile, bands: BandsFile, written: Written) -> Iterator[str]:
    """Walk every printed value; where edges hang on it, for every usual value there may be."""
    if not hang_on_baseline(bands):
        tops = _tops(bands, 0.0, written)
        if not _rise(tops):
            yield f"{field}: the edges do not rise: {', '.join(f'{top:g}' for top in tops)}."
            return
        yield from _misplaced(field, rule, bands, tops)
        yield from _unreached(field, rule, bands, tops)
        return
    usual = usual_values(written, bands)
    for baseline in usual:
        yield from _misplaced(field, rule, bands, _tops(bands, baseline, written))
    if all(list(_unreached(field, rule, bands, _tops(bands, b, written))) for b in usual):
        yield f"{field}: there is no usual SpO2 with which every band can be reached."


def _misplaced(
    field: str, rule: VitalFile, bands: BandsFile, tops: tuple[float, ...]
) -> Iterator[str]:
    digits = rule.digits.value
    for value, places in _places(rule, bands, tops):
        if not places:
            yield f"{field}: {value:g} lies in no band; its edges are not whole to {digits} digits."
        elif len(places) > 1:
            yield f"{field}: {value:g} lies in {len(places)} bands."


def _unreached(
    field: str, rule: VitalFile, bands: BandsFile, tops: tuple[float, ...]
) -> Iterator[str]:
    reached = {place for _, places in _places(rule, bands, tops) for place in places}
    for n, band in enumerate(bands):
        if n not in reached:
            yield f"{field}: no value that is believed reaches band {n + 1} ({band.level})."


def _places(
    rule: VitalFile, bands: BandsFile, tops: tuple[float, ...]
) -> Iterator[tuple[float, list[int]]]:
    """Yield each printed value with the bands, as they are printed, that it lies in."""
    levels = tuple(band.level for band in bands)
    ranges = Bands(tops, levels, rule.digits.value).edges()
    for value in printed_values(rule):
        places = [
            n
            for n, (low, high, _) in enumerate(ranges)
            if (low is None or low <= value) and (high is None or value <= high)
        ]
        yield value, places
