"""Letters and codes on the patient's page: make one, which is shown once, list them, shut one."""

from datetime import datetime

import streamlit as st

from clinician_dashboard.forms import WRITING, carried_out, opened, shut, sight
from clinician_dashboard.session import ward
from clinician_dashboard.view_models.letters import (
    WHO,
    door_rows,
    file_name,
    letter_words,
    open_doors,
)
from ward_service.contract.http.board import PatientLine
from ward_service.contract.letters import LetterRequest, LetterView

SHOWN = f"{WRITING}letter-shown-"  # while a code is on the screen, the page stands still


def show_letters(line: PatientLine, scene: str, now: datetime) -> None:
    """Draw which codes there are, and the ways to make and to shut one."""
    st.markdown("## Letters and codes")
    of = line.episode_id
    for key in [k for k in st.session_state if str(k).startswith(SHOWN) and k != f"{SHOWN}{of}"]:
        del st.session_state[key]  # a code that was shown on somebody else's page
    doors = ward().doors(of)
    if doors:
        st.dataframe(door_rows(doors, now), hide_index=True, width="stretch")
    else:
        st.text("No letter was made: nobody can open the web page for this person.")
    if letter := st.session_state.get(f"{SHOWN}{of}"):
        show_once(letter, f"{SHOWN}{of}")
    elif opened("Make a letter with a code", f"letter-{of}", scene):
        letter_form(line)
    if open_doors(doors) and opened("Revoke a code", f"door-{of}", scene):
        revoke_form(line, open_doors(doors))


def show_once(letter: LetterView, key: str) -> None:
    """Show a code and its letter until somebody says that they have it."""
    st.code(letter.code, language=None)
    st.text(letter.link)
    st.text(letter_words(letter))
    st.download_button(
        "Download the letter to print it", letter.pdf, file_name(letter), "application/pdf"
    )
    if st.button("I have it: show the code no more"):
        del st.session_state[key]
        st.rerun(scope="app")


def letter_form(line: PatientLine) -> None:
    """Ask for whom a letter is."""
    form = f"letter-{line.episode_id}"
    opening = sight(form)
    made: list[LetterView] = []
    with st.form(form):
        st.text("Whoever has the code and knows the year of birth can send readings for them.")
        who = st.radio("For whom", list(WHO), index=None, format_func=WHO.__getitem__)
        if st.form_submit_button("Make the letter"):
            if who is None:
                st.error("Say for whom it is. Nothing was made.")
                return
            asked, of = LetterRequest(who="carer" if who == "carer" else "patient"), line.episode_id
            said = "A letter was made. Its code is shown this once."
            if carried_out(
                lambda api, me: made.append(api.make_letter(of, opening, me, asked)), said
            ):
                st.session_state[f"{SHOWN}{of}"] = made[0]
                shut(form)


def revoke_form(line: PatientLine, choices: dict[str, str]) -> None:
    """Ask which code is to open nothing any more."""
    form = f"door-{line.episode_id}"
    sight(form)
    with st.form(form):
        st.text("Devices that came in by it are out within minutes, and stay out.")
        door = st.radio("Which code", list(choices), index=None, format_func=choices.get)
        if st.form_submit_button("Revoke it"):
            if door is None:
                st.error("Choose a code. Nothing was changed.")
                return
            of = line.episode_id
            said = f"The code that begins with {door} opens nothing any more."
            if carried_out(lambda api, _: api.revoke_door(of, door), said):
                shut(form)
