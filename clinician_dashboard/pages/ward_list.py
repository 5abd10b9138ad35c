"""The ward list: who needs us first."""

import time
from uuid import UUID

import streamlit as st

from clinician_dashboard.components import event, ward_list
from clinician_dashboard.session import bar, guarded, show_patient, ward
from clinician_dashboard.view_models.outcomes import taken_words, took_words
from clinician_dashboard.view_models.ward_list import counts, triage_rows
from clinician_dashboard.ward_api.ward_api import RefusedError, SignedOutError, WardAwayError
from ward_service.contract.http.board import BoardView

EVERY_S = 3  # how often to ask whether anything has changed
AT_LEAST_EVERY_S = 15.0  # ages in words are made anew although nothing has changed


def take() -> None:
    """Take the alert that was clicked, as it was seen; runs before the page is drawn."""
    done = event("take")
    if not done:
        return
    try:
        api = ward()
        took = api.acknowledge(UUID(done["alert"]), int(done["version"]), api.me().username)
        st.session_state.told = took_words(took)
    except RefusedError as error:
        st.session_state.told = taken_words(error)
    except (WardAwayError, SignedOutError):
        st.session_state.told = "NOT taken: the ward does not answer. Try again."
        return  # the list at hand is all there is to see
    st.session_state.pop("board", None)


def open_patient() -> None:
    """Remember whose page was asked for."""
    if done := event("open"):
        st.session_state.episode = done["id"]


def fresh_board() -> BoardView:
    """Return the list: the one at hand while nothing has changed, and it is young."""
    held: tuple[float, BoardView] | None = st.session_state.get("board")
    now = time.monotonic()
    if held and now - held[0] < AT_LEAST_EVERY_S:
        seen = ward().board_version()
        if seen.version == held[1].version:
            return held[1].model_copy(update={"health": seen.health})
    board = ward().board()
    st.session_state.board = (now, board)
    return board


@st.fragment(run_every=EVERY_S)
@guarded
def board_fragment() -> None:
    """Ask, and draw; one component, so that nothing flickers."""
    away = False
    try:
        board = fresh_board()
    except WardAwayError:
        if "board" not in st.session_state:
            raise
        away, board = True, st.session_state.board[1]  # the last that was known, and said to be so
    bar(board.health, counts(board), away=away)
    if told := st.session_state.pop("told", None):
        st.toast(told, duration="long")
    ward_list(triage_rows(board), take, open_patient)
    if (opened := st.session_state.get("episode")) and event("open"):
        show_patient(opened)


board_fragment()
