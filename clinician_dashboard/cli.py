"""`clinician-dashboard`: the ward list on a port. Its only setting is where the ward's API is."""

from typing import Annotated, Final

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

# Streamlit's settings, so that no file outside this package is needed. For the theme
# see docs/reference/screens.md#streamlit-settings.
STREAMLIT: Final = {
    "client_toolbarMode": "minimal",
    "client_showErrorDetails": "none",  # no traceback, no patient's text in a browser
    "server_fileWatcherType": "none",
    "server_disconnectedSessionTTL": 30,
    "server_headless": True,
    "browser_gatherUsageStats": False,
    "theme_font": "Arial, sans-serif",
    "theme_primaryColor": "#005eb8",
    "theme_baseRadius": "4px",
    "theme_linkUnderline": True,
    "theme_light_backgroundColor": "#f0f4f5",
    "theme_light_secondaryBackgroundColor": "#ffffff",
    "theme_light_textColor": "#212b32",
    "theme_light_borderColor": "#768692",
    "theme_dark_backgroundColor": "#10181e",
    "theme_dark_secondaryBackgroundColor": "#1b2730",
    "theme_dark_textColor": "#f0f4f5",
    "theme_dark_borderColor": "#768692",
}


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8501,
) -> None:
    """Show the ward list until told to stop. HOMEWARD_API_URL says where the ward's API is."""
    import uvicorn
    from streamlit.web.bootstrap import load_config_options

    load_config_options(STREAMLIT)

    from clinician_dashboard.asgi import app as asgi  # reads the settings: not before this line

    uvicorn.run(asgi, host=host, port=port, log_level="warning", access_log=False)
