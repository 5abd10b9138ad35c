"""One patient: why they are on the list, what was measured, and what was done."""

import time
from typing import Any
from uuid import UUID

import altair as alt
import pandas as pd
import streamlit as st

from clinician_dashboard.components import status_bar
from clinician_dashboard.session import guarded, ward
from clinician_dashboard.view_models import chart
from clinician_dashboard.view_models.acts import taken_words
from clinician_dashboard.view_models.patient import (
    OUTCOMES,
    alert_text,
    headline,
    most_urgent_first,
    reading_rows,
)
from clinician_dashboard.view_models.triage import status_line
from clinician_dashboard.view_models.words import clock_time, nhs_number, patient_name
from clinician_dashboard.ward_api import RefusedError
from ward_service.contract.api import AlertView, BoardView, PatientLine, Resolution

READINGS = 50
EVERY_S = 10
STATUS_EVERY_S = 5
CLOSING = "closing-"
INK = "#7a93a8"  # seen on a light and on a dark page
COLOURS = {"red": "#b10e1e", "amber": "#ffb81c", "green": "#005eb8"}


@st.fragment(run_every=STATUS_EVERY_S)
@guarded
def status() -> None:
    """Draw the bar; it asks by itself, whatever the rest of the page does."""
    seen = ward().board_version()
    status_bar(status_line(seen.health, ward().me().name), time.time())


def writing() -> bool:
    """Whether somebody is writing down what was done: then nothing may move under the pen."""
    keys = [key for key in st.session_state if str(key).startswith(CLOSING)]
    return any(st.session_state[key] for key in keys)


@guarded
def patient(still: bool) -> None:
    """Draw the page of whoever was opened on the list; `still` while somebody writes on it."""
    if writing() is not still:
        st.rerun(scope="app")  # draw it anew, moving or standing still
    episode = st.session_state.get("episode")
    board = ward().board()
    line = next((p for p in board.patients if str(p.episode_id) == episode), None)
    if line is None:
        st.info("Open a patient on the ward list first.")
        return
    identity(line)
    st.markdown(f"**{headline(line, board.as_of)}**")
    for alert in most_urgent_first(ward().alerts(line.episode_id)):
        show_alert(alert, board)
    spo2_chart(line, board)
    readings = ward().latest_readings(line.episode_id, READINGS)
    st.markdown(f"## Readings ({len(readings.readings)} received last, of {readings.total})")
    rows = reading_rows(readings.readings, board.as_of)
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    else:
        st.info("No reading has come yet.")


def identity(line: PatientLine) -> None:
    """Say who this is, the same way on every screen."""
    st.markdown(f"# {patient_name(line.family_name, line.given_name)}")
    born = f"{line.birth_date:%d %b %Y} ({line.age} y)"
    phone = f" · phone {line.phone}" if line.phone else " · no phone is recorded"
    st.text(
        f"Born {born} · {line.sex} · NHS number {nhs_number(line.nhs_number)}{phone} · "
        f"day {line.day_of_stay} · {line.pathway}"
    )


def show_alert(alert: AlertView, board: BoardView) -> None:
    """Draw one alert with its reasons, its history, and a way to end it."""
    text = alert_text(alert, board.as_of)
    with st.container(border=True):
        st.text(text.headline)
        for reason in text.reasons:
            st.text(f"• {reason}")
        with st.expander(f"History ({len(text.history)})"):
            for entry in text.history:
                st.text(entry)
        if text.may_be_resolved:
            open_form = st.toggle("Record what was done and close", key=f"{CLOSING}{alert.id}")
            if open_form:
                now = clock_time(board.as_of, board.as_of)
                st.text(f"While you write, this page stands still: it shows {now}.")
                resolve_form(alert, text.needs_note)


def resolve_form(alert: AlertView, needs_note: bool) -> None:
    """Ask what came of an alert; the ward decides whether that is enough."""
    with st.form(f"resolve-{alert.id}"):
        # Nothing is chosen beforehand: "no action" must not be what a hurried click says.
        outcome = st.radio("Outcome", list(OUTCOMES), index=None, format_func=OUTCOMES.__getitem__)
        needed = st.checkbox("A response was needed", value=True)
        done = st.checkbox("The response is completed", value=True)
        changed = st.checkbox("The patient's management changed")
        note = st.text_area("What was done" + (" (needed for a red)" if needs_note else ""))
        if st.form_submit_button("Close this alert"):
            if outcome is None:
                st.error("Choose an outcome first. Nothing was changed.")
                return
            given = Resolution(
                outcome=outcome,
                response_needed=needed,
                response_completed=done,
                management_changed=changed,
                note=note,
            )
            close(alert.id, alert.version, given)


def close(alert_id: UUID, version: int, given: Resolution) -> None:
    """Close an alert as it was seen, once."""
    api = ward()
    try:
        api.resolve(alert_id, version, api.me().username, given)
    except RefusedError as error:
        st.error(taken_words(error))
        return
    st.session_state.pop(f"{CLOSING}{alert_id}", None)
    st.rerun()


def spo2_chart(line: PatientLine, board: BoardView) -> None:
    """Draw SpO2 on a time axis with the patient's own bands; a gap stays open."""
    st.markdown("## SpO2")
    st.text(chart.words(line.spo2, board.as_of))
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


status()
standing_still = writing()
st.fragment(patient, run_every=None if standing_still else EVERY_S)(standing_still)
