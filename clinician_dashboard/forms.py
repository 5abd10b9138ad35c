"""How a page acts: forms that are closed until asked for, the sight they were opened with, once."""

from collections.abc import Callable
from uuid import uuid4

import streamlit as st

from clinician_dashboard.session import ward
from clinician_dashboard.view_models.outcomes import taken_words
from clinician_dashboard.ward_api.ward_api import RefusedError, WardApi, WardAwayError
from ward_service.contract.http.problem import RowWords

WRITING = "writing-"
SEEN = "seen-"
TIMES = "times-"
ROWS = "refused_rows"


def writing() -> bool:
    """Whether somebody is writing on the patient's page: then nothing may move under the pen."""
    keys = [key for key in st.session_state if str(key).startswith(WRITING)]
    return any(st.session_state[key] for key in keys)


def opened(label: str, form: str, scene: str) -> bool:
    """Draw the switch that opens a form, and say whether it is open.

    `scene` is whom it is about, and of when: the top of the page may be out of sight.
    """
    # A new switch after each act: the browser would keep the old one where the hand left it.
    is_open = st.toggle(label, key=f"{WRITING}{form}-{_times(form)}")
    if is_open:
        st.text(f"While you write, this page stands still: it shows {scene}.")
    else:
        forget(form)
    return is_open


def seen_version(form: str, version: int) -> int:
    """Return the version that was on the screen when this form was opened."""
    kept: int = st.session_state.setdefault(f"{SEEN}{form}", version)
    return kept


def sight(form: str) -> str:
    """Return a name for the opening of this form: two clicks in it are one act."""
    kept: str = st.session_state.setdefault(f"{SEEN}{form}", uuid4().hex[:12])
    return kept


def forget(form: str) -> None:
    """Forget what was seen: what follows is another intention."""
    st.session_state.pop(f"{SEEN}{form}", None)


def shut(form: str) -> None:
    """Close a form, and draw the page anew with what has become of it."""
    forget(form)
    st.session_state.pop(f"{WRITING}{form}-{_times(form)}", None)
    st.session_state[f"{TIMES}{form}"] = _times(form) + 1
    st.rerun(scope="app")


def _times(form: str) -> int:
    """Return how often this form was sent in this session."""
    times: int = st.session_state.get(f"{TIMES}{form}", 0)
    return times


Act = Callable[[WardApi, str], object]


def attempt(act: Act) -> tuple[bool, str]:
    """Do something as whoever is signed in; return whether the ward did it, and else why not."""
    who = ""
    st.session_state[ROWS] = ()
    try:
        api = ward()
        who = api.me().username
        act(api, who)
    except RefusedError as error:
        st.session_state[ROWS] = error.rows
        return False, taken_words(error, who)
    except WardAwayError:
        return False, "NOT known to be done: the ward does not answer. Try again."
    return True, ""


def refused_rows() -> tuple[RowWords, ...]:
    """Return what the ward said row by row, when it last refused something."""
    rows: tuple[RowWords, ...] = st.session_state.get(ROWS, ())
    return rows


def carried_out(act: Act, said: str) -> bool:
    """Do what a form asks for. A refusal stands beside the form, which keeps what was written."""
    done, why_not = attempt(act)
    if done:
        st.session_state.told = said
    else:
        st.error(why_not)
    return done


def tell() -> None:
    """Say once what was done."""
    if told := st.session_state.pop("told", None):
        st.toast(told, duration="long")
