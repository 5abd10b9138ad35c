"""Findings: they look at what exists, and all their conditions can hold of one reading."""

from collections.abc import Iterator

from ward_service.contract.vocabulary import Context, Vital
from ward_service.pathways.file import (
    AnswerIsFile,
    BelowBaseline,
    ChangedByFile,
    ExertionFallFile,
    Fact,
    FindingFile,
    MedianIsFile,
    MissedFile,
    TimeOfDayFile,
    ValueIsFile,
    Written,
)


def wrong_findings(written: Written) -> Iterator[str]:
    """Yield what is wrong with the findings of several facts."""
    for field, fact in conditions(written):
        yield from _looks_at_nothing(field, fact, written)
    for id_, finding in written.findings.items():
        yield from _never_holds(f"findings.{id_}", finding)


def conditions(written: Written) -> Iterator[tuple[str, Fact]]:
    """Yield (field, fact) for every condition of every finding."""
    for id_, finding in written.findings.items():
        for n, condition in enumerate(finding.all_of):
            if condition.fact is not None:
                yield f"findings.{id_}.all_of.{n}", condition.fact


def _looks_at_nothing(field: str, fact: Fact, written: Written) -> Iterator[str]:
    vital = fact.vital if isinstance(fact, ValueIsFile | MedianIsFile | ChangedByFile) else None
    if vital is not None and vital not in written.vitals:
        yield f"{field}: {vital} is not among the vitals."
    if isinstance(fact, ValueIsFile | MedianIsFile):
        relative = any(isinstance(edge, BelowBaseline) for edge in (fact.at_most, fact.at_least))
        if relative and fact.vital is not Vital.SPO2:
            yield f"{field}: there is a usual value of SpO2 only."
    guarded = Vital.SPO2 in written.vitals and written.exertion_rest_min is not None
    if isinstance(fact, ExertionFallFile) and not guarded:
        yield f"{field}: exertion needs SpO2, and exertion_rest_min to guard it."
    if isinstance(fact, AnswerIsFile):
        yield from _no_such_answer(field, fact, written)


def _no_such_answer(field: str, fact: AnswerIsFile, written: Written) -> Iterator[str]:
    question = written.questions.get(fact.question)
    if question is None:
        yield f"{field}: there is no question {fact.question}."
        return
    answers = question.answers.value if question.answers else {}
    for code in fact.one_of:
        if code not in answers:
            yield f"{field}: {fact.question} has no answer {code}."


def _never_holds(field: str, finding: FindingFile) -> Iterator[str]:
    facts = [condition.fact for condition in finding.all_of]
    missed = any(isinstance(fact, MissedFile) for fact in facts)
    if missed and not all(isinstance(fact, MissedFile | TimeOfDayFile) for fact in facts):
        yield f"{field}: a missed reading has no value and no answer to go with it."
    if all(isinstance(fact, TimeOfDayFile) for fact in facts):
        yield f"{field}: the time of day alone is no finding."
    if {_context(fact) for fact in facts} >= {Context.REST, Context.EXERTION}:
        yield f"{field}: one reading is not both at rest and after exertion."


def _context(fact: Fact | None) -> Context | None:
    """Return in which context a fact can hold; None: in any."""
    if isinstance(fact, ValueIsFile):
        return fact.context
    if isinstance(fact, ExertionFallFile):
        return Context.EXERTION
    return Context.REST if isinstance(fact, MedianIsFile | ChangedByFile) else None
