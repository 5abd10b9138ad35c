"""Open an alert of any class, and make one that got worse ring again."""

from collections.abc import Sequence
from datetime import datetime

from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import AlertState
from ward_service.domain.alerts import LIFE, WARD, AlertEvent, AlertFinding, AlertInPlay
from ward_service.domain.escalation import with_ladder
from ward_service.domain.pathway import Pathway
from ward_service.domain.replace import replace
from ward_service.domain.state import Step


def new_alert(
    step: Step, found: Sequence[AlertFinding], at: datetime, pathway: Pathway
) -> AlertInPlay:
    """Return a new open alert, dated `at`, for findings of one class, worst first."""
    worst = found[0].finding
    alert = AlertInPlay(
        id=derived_id(at, step.episode_id, step.state.opened),
        alert_class=worst.alert_class,
        level=worst.level,
        state=LIFE[None, AlertEvent.OPENED],
        opened_at=at,
        noticed_at=step.now,
        pathway=pathway.name,
        limits=step.state.limits.number,
        findings=tuple(found),
    )
    step.state = replace(step.state, opened=step.state.opened + 1)
    return alert


def begin(step: Step, alert: AlertInPlay, pathway: Pathway, what: str = "opened") -> None:
    """Write a new alert, and begin its ladder."""
    rung = with_ladder(alert, alert.opened_at, step.state, pathway)
    step.put(rung, alert.opened_at, WARD, what, alert.findings[0].finding.words)


def ring_again(
    step: Step, joined: AlertInPlay, before: AlertInPlay, at: datetime, pathway: Pathway, words: str
) -> None:
    """Write an alert that got worse: it is open again, and its ladder begins anew.

    `joined` is the alert with what was found, `before` as it stood.
    """
    what = "worsened" if joined.level is not before.level else "joined"
    if joined.state is AlertState.ACKNOWLEDGED:
        joined = replace(
            joined.moved(AlertEvent.WORSENED), owner=None, acknowledged_at=None, contacted_at=None
        )
        what = "re-opened"
    step.put(with_ladder(joined, at, step.state, pathway), at, WARD, what, words)
