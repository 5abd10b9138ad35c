"""What to say of an act that the ward refused."""

from typing import Any

from clinician_dashboard.view_models.words import clock_time
from ward_service.contract.vocabulary import AlertState


def taken_words(refused: Any) -> str:
    """Say who was first, and when; or else what the ward said."""
    alert = refused.alert
    if alert is not None and alert.state is AlertState.ACKNOWLEDGED and alert.acknowledged_at:
        at = clock_time(alert.acknowledged_at, alert.acknowledged_at)
        return f"Somebody was first: taken by {alert.owner} at {at}. Nothing was changed."
    return f"{refused} Nothing was changed."
