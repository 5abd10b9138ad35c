"""What a judged reading does to the physiological alert: provisional, confirmed, withdrawn, worse.

Source: DESIGN.md section 5, "Alert"; CLINICAL.md 0.2 (3): a repeat that does not come confirms.
"""

from dataclasses import replace
from datetime import datetime

from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import AlertClass, AlertState, Level
from ward_service.domain.alerts import WARD, AlertFinding, AlertInPlay
from ward_service.domain.assess import Finding
from ward_service.domain.bands import worse
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import Judged, Step


def judge_for_alert(step: Step, reading: ReadingArrived, judged: Judged, pathway: Pathway) -> None:
    """Open, join, confirm, worsen or withdraw the physiological alert, as a reading asks for."""
    alert = step.state.alert(AlertClass.PHYSIOLOGICAL)
    level = judged.assessment.level
    if level is None:
        return
    if level is Level.GREEN:
        if alert and alert.state is AlertState.PROVISIONAL:
            _withdraw_if_repeat(step, alert, reading, judged, pathway)
        return
    worst = judged.assessment.findings[0]
    if alert is None:
        _open(step, worst, reading, judged, pathway)
    elif alert.state is AlertState.PROVISIONAL:
        _settle(step, alert, worst, reading, judged, pathway)
    else:
        _worsen(step, alert, worst, reading, judged, pathway)


def confirm_unanswered(step: Step, alert: AlertInPlay, at: datetime) -> None:
    """No repeat came in time: the alert is real. It fails safe."""
    step.put(alert.moved(AlertState.OPEN), at, WARD, "confirmed", "no repeat in time")


def _found(finding: Finding, reading: ReadingArrived, judged: Judged) -> AlertFinding:
    return AlertFinding(finding, judged.judged_at, reading.reading_id)


def _open(
    step: Step, worst: Finding, reading: ReadingArrived, judged: Judged, pathway: Pathway
) -> None:
    """Open an alert: provisional when a repeat can still tell, open at once when it cannot."""
    in_range_at = step.state.in_range_at
    review = judged.late and in_range_at is not None and in_range_at > judged.judged_at
    provisional = not judged.late and not _second_red(step, worst.level, pathway)
    state = AlertState.PROVISIONAL if provisional else AlertState.OPEN
    alert = AlertInPlay(
        id=derived_id(step.now, step.episode_id, step.state.opened),
        alert_class=AlertClass.PHYSIOLOGICAL,
        level=worst.level,
        state=state,
        opened_at=step.now,
        noticed_at=step.now,
        pathway=pathway.name,
        findings=(_found(worst, reading, judged),),
        asked_at=judged.judged_at,
        slot=reading.slot,
        confirm_by=_confirm_by(step, worst.level, pathway) if provisional else None,
        lowest=worst.value,
        late=judged.late,
        review=review,
    )
    step.state = replace(step.state, opened=step.state.opened + 1)
    step.put(alert, step.now, WARD, "opened" if not review else "opened for review", worst.words)


def _settle(
    step: Step,
    alert: AlertInPlay,
    worst: Finding,
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """Another worrying reading while a repeat is waited for."""
    if worse(worst.level, alert.level):
        risen = alert.joined(_found(worst, reading, judged), worst.level)
        if judged.late or _second_red(step, worst.level, pathway):
            risen = risen.moved(AlertState.OPEN)
        else:
            confirm_by = _confirm_by(step, worst.level, pathway)
            risen = replace(risen, confirm_by=confirm_by, asked_at=judged.judged_at)
        step.put(risen, step.now, WARD, "worsened", worst.words)
    elif _is_repeat(alert, reading, judged, pathway):
        if worst.level is not alert.level and not judged.assessment.reassuring:
            return  # a doubtful amber neither confirms a red nor lowers it
        settled = alert.joined(_found(worst, reading, judged), worst.level).moved(AlertState.OPEN)
        if worst.level is not alert.level:
            # The red was provisional and its repeat is amber: an amber is what is left, open.
            step.state = replace(step.state, withdrawn_red_at=step.now)
        step.put(settled, step.now, WARD, "confirmed", f"repeat: {worst.words}")
    elif _fell_further(alert, worst, pathway):
        joined = alert.joined(_found(worst, reading, judged), alert.level)
        step.put(joined, step.now, WARD, "joined", worst.words)


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
    current = alert.review and not judged.late
    if not (higher or current or _fell_further(alert, worst, pathway)):
        return
    level = worst.level if higher else alert.level
    joined = alert.joined(_found(worst, reading, judged), level)
    what = "worsened" if higher else "joined"
    if current:
        joined, what = replace(joined, review=False), "no longer only for review"
    if joined.state is AlertState.ACKNOWLEDGED:
        joined = replace(joined.moved(AlertState.OPEN), owner=None, acknowledged_at=None)
        what = "re-opened"
    step.put(joined, step.now, WARD, what, worst.words)


def _withdraw_if_repeat(
    step: Step, alert: AlertInPlay, reading: ReadingArrived, judged: Judged, pathway: Pathway
) -> None:
    """Withdraw a provisional alert, but only for a repeat that can be fully believed."""
    if not (judged.assessment.reassuring and not judged.time_doubtful and not judged.late):
        return
    if not _is_repeat(alert, reading, judged, pathway):
        return
    words = judged.assessment.findings[0].words
    both = alert.joined(_found(judged.assessment.findings[0], reading, judged), alert.level)
    if alert.level is Level.RED:
        step.state = replace(step.state, withdrawn_red_at=step.now)
    step.put(
        both.moved(AlertState.WITHDRAWN), step.now, WARD, "withdrawn", f"repeat in range: {words}"
    )


def _is_repeat(
    alert: AlertInPlay, reading: ReadingArrived, judged: Judged, pathway: Pathway
) -> bool:
    """Whether a reading repeats the one that asked: same slot, after the minimum gap."""
    gap = pathway.confirmation.minimum_gap
    asked = alert.asked_at
    return asked is not None and reading.slot == alert.slot and judged.judged_at >= asked + gap


def _fell_further(alert: AlertInPlay, worst: Finding, pathway: Pathway) -> bool:
    if worst.vital is not pathway.fills or worst.value is None or alert.lowest is None:
        return False
    return worst.value <= alert.lowest - pathway.further_fall


def _second_red(step: Step, level: Level, pathway: Pathway) -> bool:
    """Whether a provisional red was withdrawn so lately that this one opens at once."""
    before = step.state.withdrawn_red_at
    within = pathway.confirmation.second_red_within
    return level is Level.RED and before is not None and step.now <= before + within


def _confirm_by(step: Step, level: Level, pathway: Pathway) -> datetime:
    return step.now + pathway.confirmation.repeat_within[level]
