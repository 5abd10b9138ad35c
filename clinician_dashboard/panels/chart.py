"""SpO2 as a chart, on a time axis, with the patient's own bands."""

from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from clinician_dashboard.view_models import chart
from ward_service.contract.http.board import PatientLine

INK = "#7a93a8"  # seen on a light and on a dark page
COLOURS = {"red": "#b10e1e", "amber": "#ffb81c", "green": "#005eb8"}


def spo2_chart(line: PatientLine, now: datetime) -> None:
    """Draw SpO2 on a time axis with the patient's own bands; a gap stays open."""
    st.markdown("## SpO2")
    st.text(chart.words(line.spo2, now))
    if not line.spo2:
        return
    scale = alt.Scale(domain=[chart.FLOOR, chart.CEILING], clamp=True)
    y = alt.Y("spo2:Q", title="SpO2 %", scale=scale)
    x = alt.X("at:T", title="measured", axis=alt.Axis(format=chart.CLOCK, labelOverlap=True))
    drawn: Any = pd.DataFrame(chart.points(line.spo2))
    edges: Any = pd.DataFrame(chart.bands(line.spo2_bands))
    level = alt.Color(
        "level:N",
        legend=None,
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
    )
    low = alt.Y("low:Q", scale=scale)
    bands = alt.Chart(edges).mark_rect(opacity=0.18).encode(y=low, y2="high:Q", color=level)
    curve = alt.Chart(drawn).mark_line(color=INK).encode(x=x, y=y, detail="run:N")
    filled = alt.condition("datum.doubtful", alt.value(0), alt.value(1))
    dots = (
        alt.Chart(drawn)
        .mark_point(color=INK, fill=INK, size=30)
        .encode(x=x, y=y, fillOpacity=filled)
    )
    st.altair_chart((bands + curve + dots).properties(height=260), theme=None, width="stretch")
