"""Open SQLite or PostgreSQL the same way for every process and test."""

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.event import listen
from sqlalchemy.orm import Session, sessionmaker

# SQLite checks no foreign key and may lose the last commit unless it is told; so it is told.
# busy_timeout is in milliseconds.
SQLITE = (
    "foreign_keys = ON",
    "journal_mode = WAL",
    "synchronous = FULL",
    "busy_timeout = 30000",
)

Sessions = sessionmaker[Session]


def connect(url: str) -> Sessions:
    """Return a maker of sessions. SQLite is made to behave: keys checked, commits on disk."""
    engine = create_engine(_with_driver(url), pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        listen(engine, "connect", _make_sqlite_behave)
        listen(engine, "begin", _begin)
    return sessionmaker(engine, expire_on_commit=False)  # rows are read after their block ends


def engine_of(sessions: Sessions) -> Engine:
    """Return the engine behind a maker of sessions."""
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)  # noqa: S101
    return engine


def _with_driver(url: str) -> str:
    """Say psycopg where a URL names only PostgreSQL."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def _make_sqlite_behave(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we begin ourselves, see _begin
    for pragma in SQLITE:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    """Take the write lock at the start: two writers then wait instead of failing half-way."""
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
