"""The migrations make the tables that the code believes in, on both databases, from any start."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from tests.factories import NOON
from ward_service.store.connect import Sessions, connect, engine_of
from ward_service.store.migrate import migrate, newest
from ward_service.store.tables.base import Base
from ward_service.store.tables.runtime import HeartbeatRow
from ward_service.store.tables.stays import PatientRow
from ward_service.store.unit_of_work import unit_of_work
from ward_service.store.views import VIEWS


@pytest.fixture
def sessions(empty_database_url: str) -> Iterator[Sessions]:
    made = connect(empty_database_url)
    migrate(made)
    yield made
    engine_of(made).dispose()


def test_the_migrated_tables_are_those_of_the_code(sessions: Sessions) -> None:
    with engine_of(sessions).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert found == newest()


def test_migrating_again_changes_nothing_and_keeps_what_is_there(sessions: Sessions) -> None:
    with unit_of_work(sessions) as store:
        store.runtime.beat("worker", NOON, NOON)
    migrate(sessions)
    with sessions() as session:
        assert session.get_one(HeartbeatRow, "worker").at == NOON
        assert set(VIEWS) <= set(inspect(session.connection()).get_view_names())


def test_a_naive_moment_is_a_bug_and_raises(sessions: Sessions) -> None:
    naive = datetime(2026, 11, 24, 12)  # noqa: DTZ001
    with pytest.raises(Exception, match="naive datetime"), unit_of_work(sessions) as store:
        store.runtime.beat("worker", naive, naive)


def test_a_moment_comes_back_as_it_was_from_either_database(sessions: Sessions) -> None:
    exact = NOON.replace(microsecond=123_456)
    with unit_of_work(sessions) as store:
        store.runtime.beat("worker", exact, exact)
    with sessions() as session:
        found = session.get_one(HeartbeatRow, "worker").at
    assert (found, found.tzinfo) == (exact, NOON.tzinfo)


def test_sqlite_is_told_to_keep_what_it_commits() -> None:
    from ward_service.store.connect import SQLITE

    assert {"synchronous = FULL", "journal_mode = WAL", "foreign_keys = ON"} <= set(SQLITE)


def test_identity_is_in_one_table_and_nowhere_else() -> None:
    identity = {"family_name", "given_name", "birth_date", "nhs_number", "phone"}
    for table in Base.metadata.tables.values():
        if table.name != PatientRow.__tablename__:
            assert not identity & set(table.columns.keys()), table.name
