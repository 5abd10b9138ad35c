"""Whether a pathway file makes sense, in sentences that begin with the field. Nothing is repaired.

`wrong` are faults: such a file is refused wherever it is read. `unsignable` is what a clinical lead
must still decide before a signature means something.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from ward_service.contract.http.stays import Admission
from ward_service.contract.vocabulary import Vital
from ward_service.pathways.checks.bands import not_walked, wrong_bands
from ward_service.pathways.checks.findings import wrong_findings
from ward_service.pathways.checks.ladders import wrong_ladders
from ward_service.pathways.checks.parameters import wrong_parameters
from ward_service.pathways.checks.texts import wrong_texts
from ward_service.pathways.file import Written
from ward_service.pathways.sourced import everything_sourced


def wrong(written: Written) -> list[str]:
    """Return everything that is wrong, each in a sentence that begins with its field."""
    return list(dict.fromkeys(sentence for part in _PARTS for sentence in part(written)))


def unsignable(written: Written) -> list[str]:
    """Return why nobody can sign this file as it stands; empty when a lead may."""
    found = wrong(written)
    if written.owner.name is None or written.owner.role is None:
        found.append("owner: nobody answers for this pathway; write a name and a role.")
    for name, parameter in written.parameters.items():
        if parameter.default.value is None:
            found.append(
                f"parameters.{name}: nobody has set it ({parameter.means}). A clinical lead must, "
                "with its source."
            )
    return [*found, *not_walked(written)]


def _fills(written: Written) -> Iterator[str]:
    fills = written.fills
    if fills is not None and (fills not in written.vitals or not written.vitals[fills].bands):
        yield f"fills: {fills} needs bands of its own."
    if fills is None and written.vitals:
        yield "fills: say which vital fills a due time."
    if fills is None and not any(question.answers for question in written.questions.values()):
        yield "fills: without a vital, a question must have answers to choose from."
    if fills is None and written.further_fall is not None:
        yield "further_fall: it needs a vital that fills."


def _only_with_spo2(written: Written) -> Iterator[str]:
    if Vital.SPO2 not in written.vitals and written.exertion_rest_min is not None:
        yield "exertion_rest_min: SpO2 is not among the vitals."
    if written.swap is not None and not {Vital.SPO2, Vital.PULSE_RATE} <= set(written.vitals):
        yield "swap: SpO2 and pulse are not both among the vitals."


def _days(written: Written) -> Iterator[str]:
    days = written.duration.length.value.days
    for day in written.check_in_days.value:
        if day > days:
            yield f"check_in_days: day {day} lies after the {days} days of the stay."


def _ages(written: Written) -> Iterator[str]:
    low, high = written.enrolment.min_age_years, written.enrolment.max_age_years
    if high is not None and low.value > high.value:
        yield "enrolment.max_age_years: it lies below min_age_years."


def _requires(written: Written) -> Iterator[str]:
    for code in written.enrolment.requires.value:
        if code not in Admission.model_fields:
            yield f"enrolment.requires: an admission has no field {code}."


def _sources(written: Written) -> Iterator[str]:
    quoted = set()
    for said in everything_sourced(written):
        codes = set(re.findall(r"\w+", said.source))
        quoted |= codes
        for code in sorted(codes - set(written.sources)):
            if re.fullmatch(r"(S|BTS)\d+", code):
                yield f"{said.field}: {code} is not among the sources of the file."
    for code in written.sources:
        if code not in quoted:
            yield f"sources.{code}: nothing quotes it."


_PARTS: Final[tuple[Callable[[Written], Iterator[str]], ...]] = (
    _ages,
    _requires,
    wrong_parameters,
    _fills,
    wrong_bands,
    wrong_findings,
    _only_with_spo2,
    wrong_ladders,
    _days,
    wrong_texts,
    _sources,
)
