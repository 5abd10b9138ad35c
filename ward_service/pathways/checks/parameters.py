"""Parameters: each is used, and each use is of one that exists and belongs to the right vital."""

from collections.abc import Iterator

from ward_service.contract.vocabulary import Vital
from ward_service.pathways.checks.bands import all_bands, names_in, names_of
from ward_service.pathways.checks.findings import conditions
from ward_service.pathways.checks.texts import in_a_text
from ward_service.pathways.file import (
    ChangedByFile,
    ExertionFallFile,
    MedianIsFile,
    ValueIsFile,
    Written,
)


def wrong_parameters(written: Written) -> Iterator[str]:
    """Yield what is wrong with the parameters and with how they are used."""
    used = set()
    for field, vital, name in _uses(written):
        used.add(name)
        parameter = written.parameters.get(name)
        if parameter is None:
            yield f"{field}: there is no parameter {name}."
        elif parameter.vital is not vital:
            yield f"{field}: {name} is a number of {parameter.vital}, not of {vital}."
    for name in written.parameters:
        if name not in used and not in_a_text(written, name):
            yield f"parameters.{name}: nothing uses it."


def _uses(written: Written) -> Iterator[tuple[str, Vital, str]]:
    """Yield (field, vital, parameter) for every use of a parameter by a rule."""
    for field, vital, bands in all_bands(written):
        for name in names_in(bands):
            yield field, vital, name
    yield from _uses_of_findings(written)
    if written.further_fall is not None and written.fills is not None:
        yield "further_fall", written.fills, written.further_fall
    if written.exertion_rest_min is not None:
        yield "exertion_rest_min", Vital.SPO2, written.exertion_rest_min


def _uses_of_findings(written: Written) -> Iterator[tuple[str, Vital, str]]:
    for field, fact in conditions(written):
        names: list[str] = []
        vital = Vital.SPO2
        if isinstance(fact, ValueIsFile | MedianIsFile):
            vital, names = fact.vital, [*names_of(fact.at_most), *names_of(fact.at_least)]
        elif isinstance(fact, ChangedByFile):
            vital, names = fact.vital, [*names_of(fact.falls_by), *names_of(fact.rises_by)]
        elif isinstance(fact, ExertionFallFile):
            names = [fact.falls_by]
        for name in names:
            yield field, vital, name
