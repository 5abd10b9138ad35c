"""What to say of an act: of one that the ward carried out, and of one that it refused."""

from typing import Any

from clinician_dashboard.view_models.words import clock_time
from ward_service.contract.http.alerts import AlertView
from ward_service.contract.vocabulary import AlertState


def taken_words(refused: Any, who: str = "") -> str:
    """Say who was first, and when; or else what the ward said. `who` is the one who tried."""
    alert = refused.alert
    has_it = alert is not None and alert.state is AlertState.ACKNOWLEDGED
    if has_it and alert.acknowledged_at and alert.owner != who:
        at = clock_time(alert.acknowledged_at, alert.acknowledged_at)
        return f"Somebody was first: taken by {alert.owner} at {at}. Nothing was changed."
    return f"{refused} Nothing was changed."


def took_words(alert: AlertView) -> str:
    """Say of an alert that was just taken what is expected next, and by when."""
    if alert.contact_by is None or alert.acknowledged_at is None:
        return "Taken. It is yours: record the outcome on the patient's page."
    by = clock_time(alert.contact_by, alert.acknowledged_at)
    return f"Taken. It is yours: speak with the patient by {by}, and record the contact."
