"""What answers do to the symptom alert: it opens at once, and a new red flag rings again."""

from ward_service.contract.vocabulary import AlertClass, Level
from ward_service.domain.alerts import WARD, AlertFinding
from ward_service.domain.bands import worse
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.pathway import Pathway
from ward_service.domain.raising import begin, new_alert, ring_again
from ward_service.domain.state import Judged, Step


def judge_for_alert(step: Step, reading: ReadingArrived, judged: Judged, pathway: Pathway) -> None:
    """Open the symptom alert, or let what is new join it. There is nothing to repeat."""
    found = [f for f in judged.assessment.findings if f.alert_class is AlertClass.SYMPTOM]
    if not found:
        return
    alert = step.state.alert(AlertClass.SYMPTOM)
    joining = [AlertFinding(f, judged.judged_at, reading.reading_id) for f in found]
    if alert is None:
        begin(step, new_alert(step, joining, step.now, pathway), pathway)
        return
    known = {f.finding.words for f in alert.findings}
    for new in joining:
        if new.finding.words in known:
            continue
        before = alert
        level = new.finding.level if worse(new.finding.level, alert.level) else alert.level
        alert = alert.joined(new, level)
        words = new.finding.words
        if new.finding.level is Level.RED or level is not before.level:
            ring_again(step, alert, before, step.now, pathway, words)
        else:
            step.put(alert, step.now, WARD, "joined", words)
        alert = step.changed[alert.id]
