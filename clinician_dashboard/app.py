"""Navigation, and what stands on every screen."""

from pathlib import Path

import streamlit as st

from clinician_dashboard.session import settle

HERE = Path(__file__).parent

st.set_page_config(
    page_title="Ward list", page_icon=str(HERE / "assets" / "icon.png"), layout="wide"
)
settle()
# Streamlit leaves a hand's breadth above a page and beside it; a ward list needs the room.
# It also fades what it waits to draw anew, and so the very bar that says that the ward is silent.
st.html(
    "<style>.stMainBlockContainer{padding:4.2rem 1.2rem 1rem}"
    ".sign-out{text-align:right}"
    "[data-stale='true']{opacity:1!important}</style>"
)
pages = [
    st.Page(HERE / "pages" / "ward_list.py", title="Ward list", default=True),
    st.Page(HERE / "pages" / "patient.py", title="Patient", url_path="patient"),
    st.Page(HERE / "pages" / "tasks.py", title="To do", url_path="to-do"),
    st.Page(HERE / "pages" / "homes.py", title="Homes", url_path="homes"),
    st.Page(HERE / "pages" / "data_quality.py", title="Data quality", url_path="data-quality"),
]
page = st.navigation(pages, position="top")
# Above the page, never below it: forty rows are long, and a shared screen is left in a hurry.
st.html('<div class="sign-out"><a href="/sign-out" target="_self">Sign out</a></div>')
page.run()
