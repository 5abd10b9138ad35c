"""Our packaged components: registered once, drawn with plain values."""

from pathlib import Path
from typing import Any, Final

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

TABLE: Final = "triage"


def _declare() -> None:
    """Tell Streamlit where our files are, so that they are served from here and not inlined.

    It finds packaged components by itself only in installed wheels, and we run from a checkout
    too. Inline code would need `blob:` in the Content-Security-Policy.
    """
    names = ("triage", "status")
    components = [ComponentConfig(name, "assets") for name in names]
    manifest = ComponentManifest("homeward", "0", components)
    get_bidi_component_manager().register_from_manifest(manifest, Path(__file__).parent)


_declare()
_table = st.components.v2.component("homeward.triage", css="triage.css", js="triage.js", html="")
_bar = st.components.v2.component("homeward.status", css="status.css", js="status.js", html="")


def ward_list(rows: list[dict[str, Any]], on_take: Any, on_open: Any) -> None:
    """Draw the list. `on_take` and `on_open` run before the page; see `event`."""
    _table(key=TABLE, data={"rows": rows}, on_take_change=on_take, on_open_change=on_open)


def event(name: str) -> dict[str, Any] | None:
    """Return what the clinician did on the list: a patient or an alert by id, never a row."""
    done: dict[str, Any] | None = getattr(st.session_state.get(TABLE), name, None)
    return done


def status_bar(line: dict[str, Any], heard: float) -> None:
    """Draw the bar. `heard` changes with every answer of the ward: the browser counts from it."""
    _bar(key="status", data={**line, "heard": heard})
