"""Write an explanation as a nurse reads it aloud. Moments in the ward's zone, and in UTC. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ward_service.contract.http.alerts import LedgerEntryView
from ward_service.contract.http.explanation import (
    CitationView,
    ExplanationView,
    LimitOriginView,
    ReasonView,
    RungView,
)
from ward_service.domain.alerts import WARD


def write(explanation: ExplanationView) -> list[str]:
    """Return an explanation, line by line."""
    return [
        *_head(explanation),
        *_findings(explanation),
        *_confirmation(explanation),
        *_ladder(explanation),
        *_ledger(explanation),
        *_titles(explanation),
    ]


def without_notes(explanation: ExplanationView) -> ExplanationView:
    """Return an explanation without what people typed: that may hold a name."""
    findings = tuple(
        reason.model_copy(
            update={"limits": tuple(x.model_copy(update={"reason": ""}) for x in reason.limits)}
        )
        for reason in explanation.findings
    )
    ledger = tuple(
        entry.model_copy(update={"words": _without_note(entry)}) for entry in explanation.ledger
    )
    return explanation.model_copy(update={"findings": findings, "ledger": ledger})


def moment(at: datetime, zone: str) -> str:
    """Say a moment by the clock on the ward's wall, and in UTC."""
    here, utc = at.astimezone(ZoneInfo(zone)), at.astimezone(UTC)
    said = f"{utc:%H:%M}" if here.date() == utc.date() else f"{utc:%d %b %H:%M}"
    return f"{here:%d %b %Y %H:%M} ({said} UTC)"


def _head(explanation: ExplanationView) -> Iterator[str]:
    e = explanation
    marks = [word for word, true in (("late", e.late), ("for review", e.review)) if true]
    tail = f", {', '.join(marks)}" if marks else ""
    yield f"Why did this ring? Alert {e.alert_id}, stay {e.episode_id}"
    yield f"{str(e.level).capitalize()}, {e.alert_class}, {e.state}{tail}."
    yield f"Opened {moment(e.opened_at, e.zone)}. Times are those of {e.zone}."
    if e.noticed_at != e.opened_at:
        yield f"The ward noticed it {moment(e.noticed_at, e.zone)}."
    signed = f"signed by {e.signed_by}" if e.signed_by else "UNSIGNED: for demo or shadow use only"
    yield f"Pathway: {e.title}, {e.pathway}, {signed}. Lines are those of this version's text."


def _findings(explanation: ExplanationView) -> Iterator[str]:
    yield ""
    yield "Findings"
    for number, reason in enumerate(explanation.findings, start=1):
        yield from _finding(number, reason, explanation.zone)


def _finding(number: int, reason: ReasonView, zone: str) -> Iterator[str]:
    doubt = ", doubtful" if reason.doubtful else ""
    measured = "measured" if reason.reading_ids else "dated"
    yield f"{number}. {reason.words} ({reason.level}{doubt}), {measured} {moment(reason.at, zone)}"
    if reason.value:
        yield f"   Value: {reason.value}" + (f". Limit: {reason.limit}" if reason.limit else "")
    yield f"   Rule: {reason.rule or reason.basis}: {reason.basis}"
    for citation in reason.citations:
        yield from _citation(citation)
    if not reason.limits:
        yield "   Whose limits: the pathway's, the same for everyone"
    for limit in reason.limits:
        yield f"   Whose limits: {_limit(limit, zone)}"


def _citation(citation: CitationView) -> Iterator[str]:
    yield f"   {citation.place}  {citation.key}"
    yield f"      {citation.text}"
    if citation.source:
        yield f"      Source: {citation.source}"


def _limit(limit: LimitOriginView, zone: str) -> str:
    value = _number(limit.value)
    if not limit.own:
        return f"{limit.name} is {value}, the pathway's own number ({limit.means})"
    usual = "" if limit.usual is None else f"; the pathway's is {_number(limit.usual)}"
    by = f", set by {limit.set_by} {moment(limit.set_at, zone)}" if limit.set_at else ""
    said = f": {limit.reason}" if limit.reason else ""
    return f"{limit.name} is {value}, this person's own ({limit.means}){by}{usual}{said}"


def _number(value: float | None) -> str:
    return "not set" if value is None else f"{value:g}"


def _confirmation(explanation: ExplanationView) -> Iterator[str]:
    yield ""
    yield "What confirmed it"
    for step in explanation.confirmation:
        yield f"- {moment(step.at, explanation.zone)}: {step.words}"
        for citation in step.citations:
            yield from _citation(citation)


def _ladder(explanation: ExplanationView) -> Iterator[str]:
    zone = explanation.zone
    yield ""
    yield "Who is called"
    for rung in explanation.rungs:
        yield f"- {_rung(rung, zone)}"
    if explanation.next_rung is not None:
        rung = explanation.next_rung
        yield f"- NEXT: step {rung.number}: {rung.whom}, due {moment(rung.due_at, zone)}"
        if rung.citation is not None:
            yield from _citation(rung.citation)
    if explanation.contact_by is not None:
        yield f"- Somebody must speak with the patient by {moment(explanation.contact_by, zone)}"
    yield f"- {explanation.ladder[:1].upper()}{explanation.ladder[1:]}"


def _rung(rung: RungView, zone: str) -> str:
    said = f"step {rung.number}: {rung.whom}, due {moment(rung.due_at, zone)}"
    said = f"round {rung.round}, {said}" if rung.round > 1 else said
    place = f" [{rung.citation.place}]" if rung.citation else ""
    if rung.taken_at is not None:
        return f"{said}, taken {moment(rung.taken_at, zone)}{place}"
    at = moment(rung.stopped_at, zone) if rung.stopped_at else "before it was due"
    return f"{said}, stopped {at}{place}"


def _ledger(explanation: ExplanationView) -> Iterator[str]:
    yield ""
    yield "Ledger"
    for entry in explanation.ledger:
        parts = (moment(entry.at, explanation.zone), entry.by, entry.what, entry.words)
        yield f"- {' · '.join(part for part in parts if part)}"


def _titles(explanation: ExplanationView) -> Iterator[str]:
    """Say once what the codes in the sources stand for."""
    cited = [
        *(one for reason in explanation.findings for one in reason.citations),
        *(one for step in explanation.confirmation for one in step.citations),
    ]
    titles = {title.code: title.title for citation in cited for title in citation.titles}
    if titles:
        yield ""
        yield "Sources"
    for code in sorted(titles, key=lambda code: int(code[1:])):
        yield f"{code}: {titles[code]}"


def _without_note(entry: LedgerEntryView) -> str:
    """Return the words of an entry; of what a person did, without what they typed."""
    if entry.by == WARD:
        return entry.words
    kept, colon, _ = entry.words.partition(":")
    return f"{kept} (a note was typed)" if colon else kept
