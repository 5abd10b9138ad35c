"""What a judged reading does to the physiological alert: provisional, confirmed, withdrawn, worse.

Source: DESIGN.md section 5, "Alert"; CLINICAL.md 0.2 (3): a repeat that does not come confirms.
"""

from collections.abc import Sequence
from datetime import datetime

from ward_service.contract.vocabulary import AlertClass, AlertState, Context, Level
from ward_service.domain.alerts import WARD, AlertFinding, AlertInPlay
from ward_service.domain.bands import worse
from ward_service.domain.escalation import with_ladder
from ward_service.domain.finding import Finding
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.pathway import Pathway
from ward_service.domain.raise_alert import begin, new_alert, ring_again
from ward_service.domain.replace import replace
from ward_service.domain.state import Judged, Step
from ward_service.domain.superseded import superseded


def judge_for_alert(step: Step, reading: ReadingArrived, judged: Judged, pathway: Pathway) -> None:
    """Open, join, confirm, worsen or withdraw the physiological alert, as a reading asks for."""
    found = [f for f in judged.assessment.findings if f.alert_class is AlertClass.PHYSIOLOGICAL]
    if not found:
        return
    alert = step.state.alert(AlertClass.PHYSIOLOGICAL)
    worst = found[0]
    if worst.level is Level.GREEN:
        if alert is not None and alert.state is AlertState.PROVISIONAL:
            _withdraw_if_repeat(step, alert, worst, reading, judged, pathway)
    elif alert is None:
        _open(step, found, reading, judged, pathway)
    elif superseded(worst, judged, step.state, pathway):
        _join_for_review(step, alert, found, reading, judged)
    elif alert.state is AlertState.PROVISIONAL:
        _settle(step, alert, found, reading, judged, pathway)
    else:
        _worsen(step, alert, worst, reading, judged, pathway)


def confirm_unanswered(step: Step, alert: AlertInPlay, at: datetime) -> None:
    """No repeat came in time: the alert is real. It fails safe."""
    step.put(alert.moved(AlertState.OPEN), at, WARD, "confirmed", "no repeat in time")


def _open(
    step: Step, found: Sequence[Finding], reading: ReadingArrived, judged: Judged, pathway: Pathway
) -> None:
    """Open an alert: provisional when a repeat can still tell, open at once when it cannot."""
    worst = found[0]
    review = superseded(worst, judged, step.state, pathway)
    joining = [_joining(f, reading, judged) for f in found if f.level is not Level.GREEN]
    alert = replace(
        new_alert(step, joining, step.now, pathway),
        lowest=_value(worst, reading, pathway),
        late=judged.late,
        review=review or step.state.ended_at is not None,
    )
    if not (judged.late or _settled(found) or _second_red(step, worst.level, pathway)):
        alert = replace(
            alert,
            state=AlertState.PROVISIONAL,
            asked_at=judged.judged_at,
            slot=reading.slot,
            confirm_by=_confirm_by(step, worst.level, pathway),
        )
    begin(step, alert, pathway, "opened for review" if alert.review else "opened")


def _join_for_review(
    step: Step,
    alert: AlertInPlay,
    found: Sequence[Finding],
    reading: ReadingArrived,
    judged: Judged,
) -> None:
    """Show an old worry that a better reading followed in the alert that is in play; ring nobody.

    The alert keeps its level and its lowest value: what it waits for is not of then.
    """
    for finding in found:
        if finding.level is not Level.GREEN:
            alert = alert.joined(_joining(finding, reading, judged), alert.level)
    step.put(alert, step.now, WARD, "joined for review", found[0].words)


def _settle(
    step: Step,
    alert: AlertInPlay,
    found: Sequence[Finding],
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """Another worrying reading while a repeat is waited for."""
    worst = found[0]
    if worse(worst.level, alert.level):
        risen = _joined(alert, worst, reading, judged, worst.level, pathway)
        if judged.late or _settled(found) or _second_red(step, worst.level, pathway):
            risen = risen.moved(AlertState.OPEN)
        else:
            confirm_by = _confirm_by(step, worst.level, pathway)
            risen = replace(risen, confirm_by=confirm_by, asked_at=judged.judged_at)
        ring_again(step, risen, alert, step.now, pathway, worst.words)
    elif worst.level is alert.level and _settled(found):
        # What needs no repeat says the same: the alert waits for none any more.
        settled = _joined(alert, worst, reading, judged, alert.level, pathway)
        step.put(settled.moved(AlertState.OPEN), step.now, WARD, "confirmed", worst.words)
    elif _is_repeat(alert, reading, judged, pathway):
        _confirm(step, alert, worst, reading, judged, pathway)
    elif _fell_further(step, alert, _value(worst, reading, pathway), pathway):
        joined = _joined(alert, worst, reading, judged, alert.level, pathway)
        step.put(joined, step.now, WARD, "joined", worst.words)


def _confirm(
    step: Step,
    alert: AlertInPlay,
    worst: Finding,
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """The repeat is worrying too: what is left is open, at the level of the repeat."""
    lower = worst.level is not alert.level
    if lower and not judged.assessment.reassuring:
        return  # a doubtful amber neither confirms a red nor lowers it
    settled = _joined(alert, worst, reading, judged, worst.level, pathway).moved(AlertState.OPEN)
    if lower:
        # The red was provisional and its repeat is amber: an amber is what is left, open.
        step.state = replace(step.state, withdrawn_red_at=step.now)
        settled = with_ladder(settled, step.now, step.state, pathway)
    step.put(settled, step.now, WARD, "confirmed", f"repeat: {worst.words}")


def _worsen(
    step: Step,
    alert: AlertInPlay,
    worst: Finding,
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """Another worrying reading on an open or acknowledged alert: only worse news moves it."""
    higher = worse(worst.level, alert.level)
    current = alert.review and step.state.ended_at is None
    fell = _fell_further(step, alert, _value(worst, reading, pathway), pathway)
    if not (higher or current or fell):
        return
    level = worst.level if higher else alert.level
    joined = _joined(alert, worst, reading, judged, level, pathway)
    if current:  # a fall is measured from now on, not from what is over
        joined = replace(joined, review=False, lowest=_value(worst, reading, pathway))
    if higher or current or alert.state is AlertState.ACKNOWLEDGED:
        ring_again(step, joined, alert, step.now, pathway, worst.words)
    else:
        step.put(joined, step.now, WARD, "joined", worst.words)


def _withdraw_if_repeat(
    step: Step,
    alert: AlertInPlay,
    good: Finding,
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """Withdraw a provisional alert, but only for a repeat that can be fully believed."""
    if not (judged.assessment.reassuring and not judged.time_doubtful and not judged.late):
        return
    if not _is_repeat(alert, reading, judged, pathway):
        return
    both = alert.joined(_joining(good, reading, judged), alert.level)
    if alert.level is Level.RED:
        step.state = replace(step.state, withdrawn_red_at=step.now)
    words = f"repeat in range: {good.words}"
    step.put(both.moved(AlertState.WITHDRAWN), step.now, WARD, "withdrawn", words)


def _joining(finding: Finding, reading: ReadingArrived, judged: Judged) -> AlertFinding:
    return AlertFinding(finding, judged.judged_at, reading.reading_id)


def _joined(
    alert: AlertInPlay,
    finding: Finding,
    reading: ReadingArrived,
    judged: Judged,
    level: Level,
    pathway: Pathway,
) -> AlertInPlay:
    """Return the alert with one more finding, its lowest value kept."""
    value, lowest = _value(finding, reading, pathway), alert.lowest
    if value is not None:
        lowest = value if lowest is None else min(value, lowest)
    return replace(alert.joined(_joining(finding, reading, judged), level), lowest=lowest)


def _settled(found: Sequence[Finding]) -> bool:
    """Whether one of the worst findings needs no repeat."""
    return any(f.level is found[0].level and not f.confirm for f in found)


def _is_repeat(
    alert: AlertInPlay, reading: ReadingArrived, judged: Judged, pathway: Pathway
) -> bool:
    """Whether a reading repeats the one that asked: same slot, after the minimum gap."""
    gap = pathway.confirmation.minimum_gap
    asked = alert.asked_at
    return asked is not None and reading.slot == alert.slot and judged.judged_at >= asked + gap


def _value(finding: Finding, reading: ReadingArrived, pathway: Pathway) -> float | None:
    """Return the value at rest that a fall is measured by; None when there is none."""
    if reading.context is not Context.REST or pathway.fills is None:
        return None
    judged = finding.value if finding.vital is pathway.fills else None
    return reading.values.get(pathway.fills) if judged is None else judged


def _fell_further(step: Step, alert: AlertInPlay, value: float | None, pathway: Pathway) -> bool:
    by = step.state.limits.get(pathway.further_fall) if pathway.further_fall else None
    if value is None or alert.lowest is None or by is None:
        return False
    return value <= round(alert.lowest - by, 6)  # 92.4 - 3 is 89.4, not a little more


def _second_red(step: Step, level: Level, pathway: Pathway) -> bool:
    """Whether a provisional red was withdrawn so lately that this one opens at once."""
    before = step.state.withdrawn_red_at
    within = pathway.confirmation.second_red_within
    return level is Level.RED and before is not None and step.now <= before + within


def _confirm_by(step: Step, level: Level, pathway: Pathway) -> datetime:
    return step.now + pathway.confirmation.repeat_within[level]
