"""Our packaged components: declared once for each Streamlit runtime, drawn with plain values."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import streamlit as st
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

TABLE: Final = "ward_list"


class Components(NamedTuple):
    """The ward list, and the bar above every page."""

    table: Any
    bar: Any


@lru_cache(maxsize=4)
def _components(manager: BidiComponentManager) -> Components:
    """Tell a runtime where our files are, so that they are served from here and not inlined.

    Streamlit finds packaged components by itself only in installed wheels, and we run from a
    checkout too. Inline code would need `blob:` in the Content-Security-Policy.
    """
    components = [ComponentConfig(name, "assets") for name in ("ward_list", "status")]
    manifest = ComponentManifest("homeward", "0", components)
    manager.register_from_manifest(manifest, Path(__file__).parent)
    part = st.components.v2.component
    return Components(
        part("homeward.ward_list", css="ward_list.css", js="ward_list.js", html=""),
        part("homeward.status", css="status.css", js="status.js", html=""),
    )


def ward_list(rows: list[dict[str, Any]], on_take: Any, on_open: Any) -> None:
    """Draw the list. `on_take` and `on_open` run before the page; see `event`."""
    table = _components(get_bidi_component_manager()).table
    table(key=TABLE, data={"rows": rows}, on_take_change=on_take, on_open_change=on_open)


def event(name: str) -> dict[str, Any] | None:
    """Return what the clinician did on the list: a patient or an alert by id, never a row."""
    done: dict[str, Any] | None = getattr(st.session_state.get(TABLE), name, None)
    return done


def status_bar(line: dict[str, Any], heard: float) -> None:
    """Draw the bar. `heard` changes with every answer of the ward: the browser counts from it."""
    bar = _components(get_bidi_component_manager()).bar
    bar(key="status", data={**line, "heard": heard})
