"""By phone and from paper, on the patient's page: ask, read back, keep, and say what to do."""

from datetime import datetime
from typing import Any, Final, Literal

import streamlit as st

from clinician_dashboard.forms import attempt, opened, refused_rows, shut, sight
from clinician_dashboard.session import ward
from clinician_dashboard.view_models.entry import (
    FLAGS_FIRST,
    SPOKE,
    RowTyped,
    alert_lines,
    answers_of,
    check_lines,
    earlier,
    given,
    kept_words,
    letter_lines,
    read_rows,
    row_lines,
    script_of,
    spoken,
)
from clinician_dashboard.view_models.words import ZONE, clock_time, plain
from ward_service.contract.entry import (
    AskedQuestion,
    AskedVital,
    CheckView,
    DiaryGiven,
    DiaryView,
    EnteredView,
    FormView,
    PhoneReading,
)
from ward_service.contract.http.board import PatientLine
from ward_service.contract.vocabulary import Vital

CHECKED: Final = "checked-"
SCRIPT: Final = "script-"
ROWS: Final = 6  # to begin with


def show_entry(line: PatientLine, now: datetime, scene: str) -> None:
    """Draw the two ways in which staff enter what somebody measured."""
    of = line.episode_id
    st.markdown("## By phone and from paper")
    if opened("Take a reading by phone", f"phone-{of}", scene):
        phone_form(line, ward().form(of), now)
    else:
        st.session_state.pop(f"{CHECKED}{of}", None)
    if opened("Enter a paper diary", f"diary-{of}", scene):
        diary_form(line, ward().form(of), now)


def phone_form(line: PatientLine, form: FormView, now: datetime) -> None:
    """Ask what the pathway asks, red flags first; then what is kept is what was read back."""
    of = line.episode_id
    name = f"phone-{of}"
    opening = sight(name)
    with st.form(name):
        spoke = st.radio(
            "Who speaks?", list(SPOKE), index=None, format_func=SPOKE.__getitem__, horizontal=True
        )
        chosen: dict[str, Any] = {}
        for question in (q for q in form.questions if q.red_flags):
            chosen[question.id] = ask(question)
            st.markdown(f"**{FLAGS_FIRST}**")
        with st.expander("How to measure: read this to them first"):
            st.text(form.technique_own or form.technique)
        typed = {asked.vital: ask_number(asked) for asked in form.vitals}
        st.text("If it was measured just now, leave these two empty.")
        day = st.text_input("Measured earlier: which day (24/11; empty is today)", max_chars=20)
        at = st.text_input("Measured earlier: what time (09:00)", max_chars=20)
        for question in (q for q in form.questions if not q.red_flags):
            chosen[question.id] = ask(question)
        call_me = st.checkbox("They ask to be called by a clinician")
        if st.form_submit_button("Check this reading"):
            if spoke is None:
                st.error("Say who speaks: the patient, or a carer. Nothing was kept.")
                return
            measured, problem = earlier(day, at, now.astimezone(ZONE))
            if problem:
                st.error(f"{problem} Nothing was kept.")
                return
            told = PhoneReading(
                spoke=spoke,
                measured_at=measured,
                values={vital: text for vital, text in typed.items() if text.strip()},
                answers=given(chosen),
                call_me=call_me,
            )
            st.session_state[f"{CHECKED}{of}"] = (told, ward().check_reading(of, told))
    if (checked := st.session_state.get(f"{CHECKED}{of}")) is not None:
        read_back_step(line, opening, *checked)


def ask(question: AskedQuestion) -> list[str]:
    """Ask one question; return the answers that were chosen, none if it was not asked."""
    label, answers = spoken(question), answers_of(question)
    if not answers:
        return [st.text_area(label, max_chars=2_000)]
    if question.several:
        return st.multiselect(label, list(answers), format_func=answers.__getitem__)
    chosen = st.radio(label, list(answers), index=None, format_func=answers.__getitem__)
    return [chosen] if chosen is not None else []


def ask_number(asked: AskedVital) -> str:
    """Ask for one number, as it is said; the ward reads it."""
    if asked.choices:
        choices = {choice.typed: choice.said for choice in asked.choices}
        chosen = st.radio(asked.called, list(choices), index=None, format_func=choices.__getitem__)
        return chosen or ""
    unit = f" ({asked.unit})" if asked.unit else ""
    return st.text_input(f"{asked.called}{unit}", max_chars=100)


def read_back_step(line: PatientLine, opening: str, told: PhoneReading, checked: CheckView) -> None:
    """Show what to ask and to read back; nothing is kept before the person has confirmed it."""
    for problem in checked.problems:
        st.error(plain(problem))
    for asked in checked.questions:
        st.warning(f"Ask: {plain(asked)}")
    if checked.problems:
        st.text("Put that right above, and check again. Nothing was kept.")
        return
    of = line.episode_id
    st.markdown("**Read this back to them:**")
    st.markdown(f"### {plain(checked.read_back)}")
    for said in check_lines(checked):
        st.text(said)
    confirmed = st.checkbox("I read it back, and they say that it is right", key=f"back-{opening}")
    # The check is of what stood in the form then: what is kept is that, and nothing else.
    if st.button("Keep this reading", type="primary", disabled=not confirmed):
        kept: list[EnteredView] = []
        read = told.model_copy(update={"read_back": checked.read_back})
        done, why_not = attempt(
            lambda api, who: kept.append(api.enter_reading(of, opening, who, read))
        )
        if not done:
            st.error(why_not)
            return
        st.session_state.told = "The reading is kept."
        st.session_state[f"{SCRIPT}{of}"] = kept[0]
        st.session_state.pop(f"{CHECKED}{of}", None)
        shut(f"phone-{of}")


def show_script(line: PatientLine, now: datetime) -> None:
    """Draw in large words what to say now of the reading that was just kept, until it is said."""
    entered: EnteredView | None = st.session_state.get(f"{SCRIPT}{line.episode_id}")
    if entered is None:
        return
    script = script_of(entered, now)
    with st.container(border=True):
        measured = clock_time(entered.measured_at, now)
        st.markdown(f"**Say this now (reading of {plain(measured)})**")
        (st.error if script.loud else st.info)(f"## {plain(script.first)}")
        for own in script.own:
            st.markdown(f"### {plain(own)}")
        for said in script.said:
            st.markdown(plain(said) if script.own else f"### {plain(said)}")
        for alert in script.alerts:
            st.text(alert)
        if st.button("I have said it"):
            st.session_state.pop(f"{SCRIPT}{line.episode_id}", None)
            st.rerun(scope="app")


def diary_form(line: PatientLine, form: FormView, now: datetime) -> None:
    """Ask for the rows of a paper diary: all are kept, or none; what is wrong is said by row."""
    of = line.episode_id
    name = f"diary-{of}"
    opening = sight(name)
    st.text(f"Times are those of this person's own clock ({form.zone}). An empty row is left out.")
    for letters in letter_lines(form):
        st.text(letters)
    count = int(st.number_input("How many rows", 1, 60, ROWS, key=f"rows-{opening}"))
    with st.form(name):
        typed = [diary_row(n, form) for n in range(1, count + 1)]
        if not st.form_submit_button("Keep this diary"):
            return
    rows, places, wrong = read_rows(typed, form, now.astimezone(ZONE).date())
    if wrong or not rows:
        show_rows(row_lines(wrong) or ["Nothing was typed."])
        return
    kept: list[DiaryView] = []
    diary = DiaryGiven(rows=tuple(rows))
    done, why_not = attempt(lambda api, who: kept.append(api.enter_diary(of, opening, who, diary)))
    if not done:
        show_rows(row_lines(refused_rows(), places) or [why_not])
        return
    alerts = " ".join(alert_lines(kept[0].alerts, now))
    st.session_state.told = f"{kept_words(kept[0])} {alerts}"
    shut(name)


def diary_row(n: int, form: FormView) -> RowTyped:
    """Draw one row, with the label of each box told to those who do not see it."""
    show: Literal["visible", "collapsed"] = "visible" if n == 1 else "collapsed"
    boxes = st.columns([2, 2, *[2 for _ in form.vitals], 3, 3, 2], vertical_alignment="bottom")

    def box(place: int, label: str) -> str:
        shown = label if n == 1 else f"{label}, row {n}"
        typed = boxes[place].text_input(shown, "", max_chars=100, label_visibility=show)
        return str(typed)

    day, at = box(0, "Day"), box(1, "Time")
    values: dict[Vital, str] = {
        asked.vital: box(2 + m, asked.called) for m, asked in enumerate(form.vitals)
    }
    letters, words = box(-3, "Answers, by letter"), box(-2, "Own words")
    sure = boxes[-1].checkbox(f"Looked again, row {n}", key=None)
    return RowTyped(day, at, values, letters, words, sure)


def show_rows(lines: list[str]) -> None:
    """Say what is wrong with the rows; the form keeps what was typed."""
    st.error("Nothing was kept yet.")
    for said in lines:
        st.text(said)
