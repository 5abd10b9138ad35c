"""What answers do to the symptom alert: it opens at once, and a new red flag rings again."""

from ward_service.contract.vocabulary import AlertClass, Level
from ward_service.domain.alerts import WARD, AlertFinding, AlertInPlay
from ward_service.domain.bands import worse
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.pathway import Pathway
from ward_service.domain.raise_alert import begin, new_alert, ring_again
from ward_service.domain.replace import replace
from ward_service.domain.state import Judged, Step
from ward_service.domain.superseded import superseded


def judge_for_alert(step: Step, reading: ReadingArrived, judged: Judged, pathway: Pathway) -> None:
    """Open the symptom alert, or let what is new join it. There is nothing to repeat.

    What was answered long ago, and better since, is shown and rings nobody
    (docs/understand/design.md#promise-4).
    """
    found = [f for f in judged.assessment.findings if f.alert_class is AlertClass.SYMPTOM]
    if not found:
        return
    # One reading answers once: its findings are all over, or none but a wish to be called is not.
    old = [f for f in found if superseded(f, judged, step.state, pathway)]
    still = [f for f in found if f not in old]
    for review, findings in ((False, still), (True, old)):
        joining = [AlertFinding(f, judged.judged_at, reading.reading_id) for f in findings]
        alert = step.state.alert(AlertClass.SYMPTOM)
        if joining and alert is None:
            _open(step, joining, judged.late, review, pathway)
        elif joining and alert is not None:
            _join(step, alert, joining, review, pathway)


def _open(
    step: Step, joining: list[AlertFinding], late: bool, review: bool, pathway: Pathway
) -> None:
    review = review or step.state.ended_at is not None
    alert = replace(new_alert(step, joining, step.now, pathway), late=late, review=review)
    begin(step, alert, pathway, "opened for review" if review else "opened")


def _join(
    step: Step, alert: AlertInPlay, joining: list[AlertFinding], review: bool, pathway: Pathway
) -> None:
    """Let what is new join. What still stands rings, where the alert was only for review."""
    current = alert.review and not review and step.state.ended_at is None
    known = set() if current else {f.finding.words for f in alert.findings}
    if current:
        alert = replace(alert, review=False)
    for new in joining:
        words = new.finding.words
        if words in known:
            continue
        before = alert
        if review:
            step.put(alert.joined(new, alert.level), step.now, WARD, "joined for review", words)
        else:
            level = new.finding.level if worse(new.finding.level, alert.level) else alert.level
            alert = alert.joined(new, level)
            if current or new.finding.level is Level.RED or level is not before.level:
                ring_again(step, alert, before, step.now, pathway, words)
                current = False
            else:
                step.put(alert, step.now, WARD, "joined", words)
        alert = step.changed[alert.id]
