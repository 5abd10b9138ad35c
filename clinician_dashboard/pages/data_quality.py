"""Data quality: what was kept, doubted and could not be read, counted. No payload is shown."""

import streamlit as st

from clinician_dashboard.session import bar, guarded, ward
from clinician_dashboard.view_models.data_quality import quality_lines, quarantine_rows

EVERY_S = 10


@st.fragment(run_every=EVERY_S)
@guarded
def data_quality() -> None:
    """Draw the counts, and the latest that could not be read."""
    api = ward()
    seen = api.board_version()
    bar(seen.health)
    found = api.data_quality()
    st.markdown("# Data quality")
    for line in quality_lines(found):
        st.text(line)
    st.markdown("## What could not be read")
    rows = quarantine_rows(found, seen.as_of)
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    else:
        st.info("Everything that came could be read.")


data_quality()
