"""The views of the extract: no identity in them, and no payload. Columns: contract/extract.py."""

from typing import Final

from ward_service.contract.extract import ALERT_VIEW, DUE_VIEW, EPISODE_VIEW, READING_VIEW

VIEWS: Final[dict[str, str]] = {
    EPISODE_VIEW: """
        SELECT id AS episode_id, pathway, admitted_at, ended_at, birth_year, sex, ethnicity,
               deprivation_decile, language, channel, mode
        FROM episode""",
    READING_VIEW: """
        SELECT received_no, episode_id, measured_at, received_at, source, spo2, pulse_rate, level,
               doubtful, time_doubtful, late, pathway, spoke
        FROM reading""",
    ALERT_VIEW: """
        SELECT id AS alert_id, episode_id, alert_class, level, state, opened_at, noticed_at,
               acknowledged_at, resolved_at, outcome, response_needed, response_completed,
               management_changed, late, review, pathway
        FROM alert""",
    DUE_VIEW: """
        SELECT due.episode_id, due.due_at,
               EXISTS (SELECT 1 FROM reading
                       WHERE reading.episode_id = due.episode_id AND reading.fills
                         AND reading.judged_at >= due.window_from
                         AND reading.judged_at < due.window_until) AS filled
        FROM due""",
}


def create_statements(dialect: str) -> list[str]:
    """Return the statements that make or renew the views; PostgreSQL keeps who may read them."""
    if dialect == "postgresql":
        return [f"CREATE OR REPLACE VIEW {name} AS {body}" for name, body in VIEWS.items()]
    made = [
        (f"DROP VIEW IF EXISTS {name}", f"CREATE VIEW {name} AS {b}") for name, b in VIEWS.items()
    ]
    return [statement for pair in made for statement in pair]
