"""Bring a database to the newest schema. Two processes that try at once wait for each other."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ward_service.store.connect import Sessions, engine_of
from ward_service.store.views import create_statements

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 4_711_001  # any number, as long as it is ours


def migrate(sessions: Sessions, to: str = "head") -> None:
    """Migrate up to a revision, in one transaction: a half-migrated database is not left behind."""
    with engine_of(sessions).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        if to == "head":
            for statement in create_statements(connection.dialect.name):
                connection.execute(text(statement))


def newest() -> str | None:
    """Return the newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
