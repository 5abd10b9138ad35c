"""Homes: how each is and how old that is, the one that most needs somebody to look first."""

import streamlit as st

from clinician_dashboard.session import bar, guarded, ward
from clinician_dashboard.view_models.homes import home_rows, people_words, worries

EVERY_S = 10


@st.fragment(run_every=EVERY_S)
@guarded
def homes() -> None:
    """Draw what is wrong in homes, and then all of them."""
    api = ward()
    board, found = api.board(), api.homes()
    bar(board.health)
    st.markdown(f"# Homes ({len(found.homes)})")
    st.text("A home that is offline calls nobody: whether somebody is overdue is on the ward list.")
    wrong = [(home, lines) for home in found.homes if (lines := worries(home, found.as_of))]
    if found.homes and not wrong:
        st.info("Every home with somebody in it is heard, and nothing is wrong there.")
    for home, lines in wrong:
        who = f"{home.gateway} · {people_words(home, board.patients)}"
        st.text("\n".join([who, *(f"  • {line}" for line in lines)]))
    if not found.homes:
        st.info("No home is known yet.")
        return
    st.markdown("## Every home")
    rows = home_rows(found.homes, board.patients, found.as_of)
    st.dataframe(rows, hide_index=True, width="stretch")


homes()
