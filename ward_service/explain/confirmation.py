"""Say how an alert was confirmed, or why no repeat was asked for. Pure.

A repeat that does not come confirms: it fails safe. Only a believable repeat in range withdraws.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ward_service.contract.http.explanation import ConfirmationView
from ward_service.contract.vocabulary import AlertClass, AlertState, Level
from ward_service.domain.alerts import WARD
from ward_service.explain.record import AlertRecord, LedgerLine
from ward_service.explain.views import citation_view
from ward_service.pathways.citation import Citations
from ward_service.pathways.sourced import say_length


def tell_confirmation(record: AlertRecord, citations: Citations) -> tuple[ConfirmationView, ...]:
    """Tell what the ward did to believe an alert: asked for a repeat, got one, or needed none."""
    return tuple(_steps(record, citations))


def _steps(record: AlertRecord, citations: Citations) -> Iterator[ConfirmationView]:
    level, provisional = record.alert.level, False
    for line in record.ledger:
        level = Level(line.change.get("level", level))
        before, state = provisional, line.change.get("state")
        provisional = before if state is None else state == AlertState.PROVISIONAL
        step = _step(line, level, before, provisional, record)
        if step.words:
            cited = tuple(citation_view(citations.cite(key)) for key in step.keys)
            yield ConfirmationView(words=step.words, at=line.at, citations=cited)


class Confirmation(NamedTuple):
    """What a line of the ledger did to confirm an alert; no words: nothing."""

    words: str = ""
    keys: tuple[str, ...] = ()


def _step(
    line: LedgerLine, level: Level, before: bool, provisional: bool, record: AlertRecord
) -> Confirmation:
    """Return what one line did; `before` and `provisional`: whether a repeat was waited for."""
    if provisional and "confirm_by" in line.change:
        return Confirmation(_asked(level, record), _repeat_keys(level))
    if line is record.ledger[0]:
        return _needed_none(line, level, record)
    if line.what == "confirmed":
        return _confirmed(line, level)
    if line.what == "withdrawn":
        return Confirmation(f"Withdrawn: {line.words}.", ("confirmation.minimum_gap",))
    if before and not provisional and line.by != WARD:
        return Confirmation(f"{line.by} acted ({line.what}) before a repeat came.")
    if before and not provisional:
        return Confirmation(f"Opened without a repeat: {line.words}.")
    return Confirmation()


def _repeat_keys(level: Level) -> tuple[str, ...]:
    return (f"confirmation.repeat_within.{level}", "confirmation.on_timeout")


def _asked(level: Level, record: AlertRecord) -> str:
    within = record.file.pathway.confirmation.repeat_within[level]
    return (
        f"A repeat within {say_length(within)} was asked for. The alert was provisional until "
        "then, and the ladder ran; without a repeat it stands."
    )


def _needed_none(line: LedgerLine, level: Level, record: AlertRecord) -> Confirmation:
    """Say why an alert opened at once; for a number that a repeat could tell there are three."""
    alert = record.alert
    if alert.alert_class is not AlertClass.PHYSIOLOGICAL:
        return Confirmation("No repeat was asked for: there is no number to measure again.")
    if line.change.get("late"):
        words = "No repeat was asked for: the reading came late."
        return Confirmation(words, ("late_after",))
    opening = alert.findings[: len(line.change.get("findings", ()))]
    if any(f.finding.level is level and not f.finding.confirm for f in opening):
        return Confirmation("No repeat was asked for: this kind of finding needs none.")
    within = say_length(record.file.pathway.confirmation.second_red_within)
    words = f"No repeat was asked for: it is the second red within {within}."
    return Confirmation(words, ("confirmation.second_red_within",))


def _confirmed(line: LedgerLine, level: Level) -> Confirmation:
    if line.words == "no repeat in time":
        words = "Confirmed: no repeat came in time, so the alert stands."
        return Confirmation(words, _repeat_keys(level))
    if line.words.startswith("repeat: "):
        words = f"Confirmed by a repeat: {line.words.removeprefix('repeat: ')}."
        return Confirmation(words, ("confirmation.minimum_gap",))
    return Confirmation(f"Confirmed by what needs no repeat: {line.words}.")
