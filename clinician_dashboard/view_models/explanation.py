"""Why an alert rang, in words for the screen: each reason with its rule, the repeat, the calls."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clinician_dashboard.view_models.words import ZONE, clock_time
from ward_service.contract.http.explanation import (
    CitationView,
    ExplanationView,
    LimitOriginView,
    ReasonView,
    RungView,
)

SAME_FOR_ALL: Final = "The pathway's own rule, the same for everyone."


@dataclass(frozen=True, slots=True)
class ReasonText:
    """One reason: what was found, whose limits it passed, and the rows of the pathway file."""

    words: str
    limits: list[str]
    rows: list[str]


@dataclass(frozen=True, slots=True)
class ExplanationText:
    """Why an alert rang, block by block: the pathway, reasons, the repeat, the calls."""

    pathway: str
    reasons: list[ReasonText]
    confirmation: list[str]
    calls: list[str]


def explanation_text(explanation: ExplanationView, now: datetime) -> ExplanationText:
    """Put an explanation into words."""
    e = explanation
    signed = f"signed by {e.signed_by}" if e.signed_by else "UNSIGNED"
    steps = [f"{_moment(step.at, now)}: {step.words}" for step in e.confirmation]
    calls = [_call(rung, now) for rung in e.rungs]
    if e.next_rung is not None:
        rung = e.next_rung
        calls.append(f"NEXT, {_moment(rung.due_at, now)}: step {rung.number}, {rung.whom}")
    if e.contact_by is not None:
        calls.append(f"Somebody must speak with the patient by {_moment(e.contact_by, now)}")
    calls.append(f"{e.ladder[:1].upper()}{e.ladder[1:]}")
    return ExplanationText(
        pathway=f"{e.title} ({e.pathway}), {signed}",
        reasons=[_reason(reason, now) for reason in e.findings],
        confirmation=steps,
        calls=calls,
    )


def _moment(at: datetime, now: datetime) -> str:
    """Say a moment by the clock on the wall, and in UTC where that is another."""
    here, utc = at.astimezone(ZONE), at.astimezone(UTC)
    other = "" if here.hour == utc.hour else f" ({utc:%H:%M} UTC)"
    return f"{clock_time(at, now)}{other}"


def _reason(reason: ReasonView, now: datetime) -> ReasonText:
    doubt = ", doubtful" if reason.doubtful else ""
    measured = "measured " if reason.reading_ids else ""
    return ReasonText(
        words=f"{reason.words} ({reason.level}{doubt}), {measured}{_moment(reason.at, now)}",
        limits=[_limit(limit, now) for limit in reason.limits] or [SAME_FOR_ALL],
        rows=[f"Rule: {reason.basis}.", *(_row(citation) for citation in reason.citations)],
    )


def _limit(limit: LimitOriginView, now: datetime) -> str:
    value = _number(limit.value)
    said = f"{limit.means[:1].upper()}{limit.means[1:]} ({limit.name}): {value}"
    if not limit.own:
        return f"{said}, the pathway's own number"
    usual = "" if limit.usual is None else f"; the pathway has {_number(limit.usual)}"
    by = f", set by {limit.set_by} {_moment(limit.set_at, now)}" if limit.set_at else ""
    why = f": {limit.reason}" if limit.reason else ""
    return f"{said}, this person's own{by}{usual}{why}"


def _number(value: float | None) -> str:
    return "not set" if value is None else f"{value:g}"


def _row(citation: CitationView) -> str:
    titles = "; ".join(f"{title.code}: {title.title}" for title in citation.titles)
    # Most lines of a pathway say their source themselves.
    source = "" if citation.source in citation.text else f" Source: {citation.source}"
    return f"{citation.place} {citation.text}{source}{f' ({titles})' if titles else ''}"


def _call(rung: RungView, now: datetime) -> str:
    said = f"step {rung.number}, {rung.whom}"
    said = f"{said}, round {rung.round}" if rung.round > 1 else said
    if rung.taken_at is not None:
        return f"{_moment(rung.taken_at, now)}: {said}"
    stopped = f" at {_moment(rung.stopped_at, now)}" if rung.stopped_at else ""
    return f"Due {_moment(rung.due_at, now)}: {said}; not called, stopped{stopped}"
