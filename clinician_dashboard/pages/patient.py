"""One patient: why they are on the list, what was measured, and what was done."""

from datetime import datetime
from uuid import UUID

import streamlit as st

from clinician_dashboard.forms import tell, writing
from clinician_dashboard.panels.alert import show_alert
from clinician_dashboard.panels.chart import spo2_chart
from clinician_dashboard.panels.entry import show_entry, show_script
from clinician_dashboard.panels.letters import show_letters
from clinician_dashboard.panels.stay import show_stay
from clinician_dashboard.session import OPENED, bar, guarded, stay_in_sight, ward
from clinician_dashboard.view_models.alert_deadlines import IN_PLAY
from clinician_dashboard.view_models.patient import headline, most_urgent_first, reading_rows
from clinician_dashboard.view_models.ward_list import paused_words, signed_words
from clinician_dashboard.view_models.words import clock_time, nhs_number, patient_name
from ward_service.contract.http.board import PatientLine

READINGS = 50
EVERY_S = 10
STATUS_EVERY_S = 5


@st.fragment(run_every=STATUS_EVERY_S)
@guarded
def status() -> None:
    """Draw the bar; it asks by itself, whatever the rest of the page does."""
    bar(ward().board_version().health)


@guarded
def patient(stay: str | None, still: bool) -> None:
    """Draw the page of whoever stays in this episode; `still` while somebody writes on it."""
    if writing() is not still:
        st.rerun(scope="app")  # draw it anew, moving or standing still
    tell()
    board = ward().board()
    now = board.as_of
    line = next((p for p in board.patients if str(p.episode_id) == stay), None)
    if line is None:
        st.info("Open a patient on the ward list first.")
        return
    identity(line, now)
    st.markdown(f"**{headline(line, now)}**")
    show_script(line, now)
    me = ward().me().username
    scene = f"{patient_name(line.family_name, line.given_name)} at {clock_time(now, now)}"
    for alert in most_urgent_first(ward().alerts(line.episode_id)):
        # Only an alert by itself comes with its calls.
        whole = ward().alert(alert.id) if alert.state in IN_PLAY else alert
        show_alert(whole, now, me, scene)
    spo2_chart(line, now)
    readings = ward().latest_readings(line.episode_id, READINGS)
    st.markdown(f"## Readings ({len(readings.readings)} received last, of {readings.total})")
    rows = reading_rows(readings.readings, now)
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    else:
        st.info("No reading has come yet.")
    show_entry(line, now, scene)
    note_looked(line, [reading.reading_id for reading in readings.readings])
    show_stay(line, scene)
    show_letters(line, scene, now)


def note_looked(line: PatientLine, readings: list[UUID]) -> None:
    """Say once that these readings were seen: somebody came by hand, and they are on the screen.

    A page that is drawn anew by itself is nobody's eyes.
    """
    if st.session_state.get(OPENED) == str(line.episode_id):
        if readings:
            ward().looked(line.episode_id, readings)
        del st.session_state[OPENED]


def identity(line: PatientLine, now: datetime) -> None:
    """Say who this is, the same way on every screen."""
    st.markdown(f"# {patient_name(line.family_name, line.given_name)}")
    born = f"{line.birth_date:%d %b %Y} ({line.age} y)"
    phone = f" · phone {line.phone}" if line.phone else " · no phone is recorded"
    st.text(
        f"Born {born} · {line.sex} · NHS number {nhs_number(line.nhs_number)}{phone} · "
        f"day {line.day_of_stay} · {signed_words(line, ward().pathways())}"
    )
    if paused := paused_words(line, now):
        st.markdown(f"**{paused}**")


status()
standing_still = writing()
st.fragment(patient, run_every=None if standing_still else EVERY_S)(stay_in_sight(), standing_still)
