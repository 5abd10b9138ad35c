"""Why an alert rang, one click away: asked of the ward only once somebody wants to know."""

from datetime import datetime
from uuid import UUID

import streamlit as st

from clinician_dashboard.session import ward
from clinician_dashboard.view_models.explanation import explanation_text
from clinician_dashboard.view_models.words import plain


def show_explanation(alert_id: UUID, now: datetime) -> None:
    """Draw the switch, and behind it the reasons, the repeat and the calls."""
    if not st.toggle("Why did this ring?", key=f"why-{alert_id}"):
        return
    text = explanation_text(ward().explanation(alert_id), now)
    for reason in text.reasons:
        st.markdown(f"**{plain(reason.words)}**")
        for line in (*reason.limits, *reason.rows):
            st.text(line)
    for heading, lines in (
        ("What confirmed it", text.confirmation),
        ("Who is called", text.calls),
    ):
        st.markdown(f"**{heading}**")
        for line in lines:
            st.text(f"• {line}")
    st.text(text.pathway)
