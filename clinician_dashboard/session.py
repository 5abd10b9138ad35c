"""What every page does first: who is signed in, and what to say when the ward is away."""

import gc
import time
from collections.abc import Callable
from functools import wraps
from typing import Final, NoReturn, ParamSpec

import streamlit as st

from clinician_dashboard.components import status_bar
from clinician_dashboard.view_models.ward_list import leads, status_line, use_words
from clinician_dashboard.ward_api.ward_api import (
    COOKIE,
    RefusedError,
    SignedOutError,
    WardApi,
    WardAwayError,
)
from ward_service.contract.http.board import HealthView

STANDING_EVERY_S: Final = 30.0  # signatures change by a command, and seldom
OPENED: Final = "opened-by-hand"  # whose page somebody has just asked for
STAY: Final = "stay"  # of an address: the episode that a page is about

Given = ParamSpec("Given")


def ward() -> WardApi:
    """Return the ward as whoever signed in to this browser sees it."""
    return WardApi(st.context.cookies.get(COOKIE, ""))


def guarded(page: Callable[Given, None]) -> Callable[Given, None]:
    """Turn the three ways in which the ward can fail into words; never a traceback."""

    @wraps(page)
    def shown(*args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            page(*args, **kwargs)
        except SignedOutError:
            signed_out()
        except WardAwayError:
            st.error(
                "The ward does not answer. What stands below may be old: do not rely on it. "
                "This page asks again by itself.",
                icon="🚨",
            )
        except RefusedError as error:
            st.warning(str(error))

    return shown


def bar(health: HealthView, counts: str = "", *, away: bool = False) -> None:
    """Draw the bar of every screen: how the ward is, and whether its rules are signed.

    `away`: the ward does not answer, and `health` is the last that it said; nothing is asked then.
    """
    held: tuple[float, str] | None = st.session_state.get("standing")
    if not away:
        st.session_state.heard = time.time()
        if held is None or time.monotonic() - held[0] > STANDING_EVERY_S:
            api = ward()
            held = st.session_state.standing = (time.monotonic(), _standing(api))
            st.session_state.me = api.me().name
    line = status_line(health, st.session_state.me, held[1] if held else "", away=away)
    status_bar(line | {"counts": counts}, st.session_state.heard)


def _standing(api: WardApi) -> str:
    board = api.board()
    return use_words(board.use, board.unsigned, leads(board, api.pathways()))


def signed_out() -> NoReturn:
    """Show nothing of the ward, and the way back in."""
    st.session_state.clear()
    st.warning("You are signed out.")
    st.link_button("Sign in", "/sign-in")
    st.stop()


def stay_in_sight() -> str | None:
    """Return whose page this is, and note it in the address: a reload must not lose the patient.

    An episode's id is no identity: it says nothing to who may not ask the ward. The address counts
    first: it is what a reload and the browser's way back bring.
    """
    stay: str | None = st.query_params.get(STAY) or st.session_state.get("episode")
    if stay is not None:
        st.session_state.episode = st.query_params[STAY] = stay
    return stay


def leave_patient() -> None:
    """Forget whose page this was, in the address too."""
    st.query_params.pop(STAY, None)
    st.session_state.pop("episode", None)


def show_patient(episode_id: str) -> NoReturn:
    """Go to the page of a patient."""
    st.session_state.episode = st.session_state[OPENED] = episode_id
    st.switch_page("pages/patient.py", query_params={STAY: episode_id})


@st.cache_resource
def settle() -> int:
    """Take everything imported by now out of the collector's sight: Streamlit collects each rerun.

    Measured in docs/reference/screens.md#collector: a tick of 30 sessions from 1,417 to 9 ms.
    """
    import altair  # noqa: F401  what pages will import anyway
    import pandas  # noqa: F401

    gc.collect()
    gc.freeze()
    return gc.get_freeze_count()
