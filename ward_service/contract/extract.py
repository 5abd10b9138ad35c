"""What evaluators may read: the columns of the views, which hold no identity and no payload.

The views give moments, because denominators and lags need them; `evaluation_export` turns them
into day offsets from enrolment before anything leaves (docs/understand/design.md#evaluation: no
dates leave).
`episode_id` and `alert_id` are replaced by a keyed pseudonym of each release.
"""

from typing import Final

EPISODE_VIEW: Final = "extract_episode"
READING_VIEW: Final = "extract_reading"
ALERT_VIEW: Final = "extract_alert"
DUE_VIEW: Final = "extract_due"

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    EPISODE_VIEW: (
        "episode_id",
        "pathway",
        "admitted_at",
        "ended_at",
        "birth_year",
        "sex",
        "ethnicity",
        "deprivation_decile",
        "language",
        "channel",
        "mode",
    ),
    READING_VIEW: (
        "received_no",
        "episode_id",
        "measured_at",
        "received_at",
        "source",
        "spo2",
        "pulse_rate",
        "level",
        "doubtful",
        "time_doubtful",
        "late",
        "pathway",
        "spoke",  # who told it by phone: patient or carer; empty for every other source
    ),
    ALERT_VIEW: (
        "alert_id",
        "episode_id",
        "alert_class",
        "level",
        "state",
        "opened_at",
        "noticed_at",
        "acknowledged_at",
        "resolved_at",
        "outcome",
        "response_needed",
        "response_completed",
        "management_changed",
        "late",
        "review",
        "pathway",
    ),
    # One row for each reading that the pathway's plan expected and whose window has passed.
    DUE_VIEW: (
        "episode_id",
        "due_at",
        "filled",
    ),
}
