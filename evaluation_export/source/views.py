"""From the views without identity into frames. Read-only, one snapshot, nothing unlisted."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sqlalchemy import Connection, create_engine, inspect, text

from ward_service.contract.extract import ALERT_VIEW, COLUMNS, DUE_VIEW, EPISODE_VIEW, READING_VIEW

MOMENTS = {
    EPISODE_VIEW: ("admitted_at", "ended_at"),
    READING_VIEW: ("measured_at", "received_at"),
    ALERT_VIEW: ("opened_at", "noticed_at", "acknowledged_at", "resolved_at"),
    DUE_VIEW: ("due_at",),
}


class ExtractError(Exception):
    """The views are not what the contract promises, or cannot be reached; nothing was written."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The views as frames: columns as the contract lists them, moments as UTC timestamps.

    `until` is the latest moment in any of them: what had not happened by then is not known.
    """

    episodes: pd.DataFrame
    readings: pd.DataFrame
    alerts: pd.DataFrame
    due: pd.DataFrame
    until: pd.Timestamp | None


def database_url() -> str:
    """Return where the views are: a read-only address of its own, or else the ward's."""
    named = os.environ.get("HOMEWARD_EXTRACT_DATABASE_URL") or os.environ.get(
        "HOMEWARD_DATABASE_URL"
    )
    ours = Path(os.environ.get("HOMEWARD_HOME", ".")) / "homeward-data/ward"  # of ./homeward up
    folder = Path(os.environ.get("HOMEWARD_DATA_DIR") or ours)
    return named or f"sqlite:///{folder / 'ward.db'}"


def read_views(url: str) -> Extract:
    """Read the views in one snapshot that can change nothing.

    Raises:
        ExtractError: there is no database, or a view lacks a column or has one too many.
    """
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        raise ExtractError("There is no ward's database at that place. Nothing was written.")
    engine = create_engine(_with_driver(url))
    try:
        with engine.connect() as connection:
            _read_only(connection)
            frames = {view: _frame(connection, view) for view in COLUMNS}
    finally:
        engine.dispose()
    return Extract(
        episodes=frames[EPISODE_VIEW],
        readings=frames[READING_VIEW],
        alerts=frames[ALERT_VIEW],
        due=frames[DUE_VIEW],
        until=_latest(frames),
    )


def _with_driver(url: str) -> str:
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _read_only(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    else:
        connection.execute(text("PRAGMA query_only = ON"))
        connection.execute(text("BEGIN"))


def _frame(connection: Connection, view: str) -> pd.DataFrame:
    if view not in inspect(connection).get_view_names():
        raise ExtractError(f"The view {view} is not there. Has the ward been started once?")
    frame = pd.read_sql(text(f"SELECT * FROM {view}"), connection)  # noqa: S608 - our own names
    if tuple(frame.columns) != COLUMNS[view]:
        raise ExtractError(
            f"The view {view} does not have the columns that the contract lists, so nothing was "
            "written: an unlisted column might name somebody."
        )
    for name in MOMENTS[view]:
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    for name in frame.columns:
        if name in ("late", "review", "doubtful", "time_doubtful", "filled"):
            frame[name] = frame[name].astype(bool)
    return frame


def _latest(frames: dict[str, pd.DataFrame]) -> pd.Timestamp | None:
    moments = [frames[view][name].max() for view, names in MOMENTS.items() for name in names]
    known = [moment for moment in moments if not pd.isna(moment)]
    return max(known) if known else None
