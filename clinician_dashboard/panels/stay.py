"""The stay on the patient's page: its pause, its own limits, its end. Every form is closed."""

import streamlit as st
from pydantic import ValidationError

from clinician_dashboard.forms import carried_out, opened, shut, sight
from clinician_dashboard.session import leave_patient, ward
from clinician_dashboard.view_models.stay import (
    DEVICES,
    ENDS,
    PAUSES,
    TARGETS,
    YES_NO,
    limit_rows,
    limits_words,
    moment,
)
from clinician_dashboard.view_models.words import patient_name, plain
from ward_service.contract.http.board import PatientLine
from ward_service.contract.http.stays import EndNote, LimitsEdit, LimitsView, PauseNote


def show_stay(line: PatientLine, scene: str) -> None:
    """Draw what may be done about the stay itself."""
    st.markdown("## The stay")
    of = line.episode_id
    limits = ward().limits(of)
    with st.expander("Own limits"):
        st.text(limits_words(limits))
        st.dataframe(limit_rows(limits), hide_index=True, width="stretch")
    if opened("Change this person's own limits", f"limits-{of}", scene):
        limits_form(line, limits)
    if opened("Pause: expect no readings for a while", f"pause-{of}", scene):
        pause_form(line)
    if line.paused_until is not None and opened("End the pause now", f"unpause-{of}", scene):
        unpause_form(line)
    if opened("End this stay", f"end-{of}", scene):
        end_form(line)


def pause_form(line: PatientLine) -> None:
    """Ask why and until when nothing is expected."""
    form = f"pause-{line.episode_id}"
    opening = sight(form)
    with st.form(form):
        st.text("Reminders fall silent until then; a red in play does not.")
        reason = st.radio("Why", list(PAUSES), index=None, format_func=PAUSES.__getitem__)
        day = st.date_input("Until which day", value=None, format="DD/MM/YYYY")
        at = st.time_input("Until what time", value=None)
        if st.form_submit_button("Pause"):
            if reason is None or day is None or at is None:
                st.error("Say why, and until which day and time. Nothing was changed.")
                return
            given = PauseNote(reason=reason, until=moment(day, at))
            of = line.episode_id
            if carried_out(lambda api, who: api.pause(of, opening, who, given), "Paused."):
                shut(form)


def unpause_form(line: PatientLine) -> None:
    """Ask once more before readings are expected again."""
    form = f"unpause-{line.episode_id}"
    opening = sight(form)
    with st.form(form):
        st.text("Readings are expected again from the next agreed time on.")
        if st.form_submit_button("Expect readings again"):
            of = line.episode_id
            said = "The pause has ended."
            if carried_out(lambda api, who: api.unpause(of, opening, who), said):
                shut(form)


def end_form(line: PatientLine) -> None:
    """Ask how a stay ended; the ward knows what must be said before it ends."""
    form = f"end-{line.episode_id}"
    opening = sight(form)
    name = patient_name(line.family_name, line.given_name)
    with st.form(form):
        st.text("After this nothing is expected and nobody is called. Alerts in play end with it.")
        reason = st.radio("How it ended", list(ENDS), index=None, format_func=ENDS.__getitem__)
        device = st.radio(
            "Was the device returned?", list(DEVICES), index=None, format_func=DEVICES.__getitem__
        )
        informed = st.radio(
            "Was the GP informed?", list(YES_NO), index=None, format_func=YES_NO.__getitem__
        )
        note = st.text_area("Note (needed while a red is in play)", max_chars=2_000)
        if st.form_submit_button(f"End the stay of {plain(name)}"):
            if reason is None:
                st.error("Say how it ended. Nothing was changed.")
                return
            given = EndNote(
                reason=reason, note=note, device_returned=device or "", gp_informed=informed
            )
            of, said = line.episode_id, f"The stay of {plain(name)} has ended."
            if carried_out(lambda api, who: api.end(of, opening, who, given), said):
                leave_patient()
                shut(form)


def limits_form(line: PatientLine, limits: LimitsView) -> None:
    """Ask for new numbers. What is left empty stays as it is."""
    form = f"limits-{line.episode_id}"
    opening = sight(form)
    with st.form(form):
        st.text("What you leave empty stays as it is.")
        numbers = {
            parameter.name: st.number_input(
                f"{parameter.means} ({parameter.low:g} to {parameter.high:g})",
                value=None,
                step=1.0,
                format="%g",
                placeholder="stays unset"
                if parameter.value is None
                else f"stays {parameter.value:g}",
            )
            for parameter in limits.parameters
        }
        target = st.radio("Judged by", list(TARGETS), index=None, format_func=TARGETS.__getitem__)
        confirmed_by = st.text_input("Second person who confirms it (needed for 88 to 92 %)")
        usual = st.number_input("Usual SpO2 of this person, %", value=None, step=1.0, format="%g")
        oxygen = st.radio(
            "Oxygen at home", list(YES_NO), index=None, format_func=YES_NO.__getitem__
        )
        reason = st.text_area("Why (needed)", max_chars=2_000)
        if st.form_submit_button("Change the limits"):
            if not reason.strip():
                st.error("Say why the limits change. Nothing was changed.")
                return
            try:
                given = LimitsEdit(
                    reason=reason,
                    parameters={name: v for name, v in numbers.items() if v is not None},
                    target=target,
                    usual_spo2=usual,
                    home_oxygen=oxygen,
                    confirmed_by=confirmed_by,
                )
            except ValidationError:
                st.error("The usual SpO2 lies between 50 and 100 %. Nothing was changed.")
                return
            of, said = (
                line.episode_id,
                "The limits have changed. Readings from now on are judged so.",
            )
            if carried_out(lambda api, who: api.change_limits(of, opening, who, given), said):
                shut(form)
