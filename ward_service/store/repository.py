"""What every part of the store has: a session, and one way to write rows in bulk."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session


@lru_cache
def _put(upsert: Any, table: Table, key: tuple[str, ...], names: tuple[str, ...]) -> Any:
    statement = upsert(table)
    new = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=new)


class Repository:
    """One noun of the store. It has a session, and never commits it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _upsert(self) -> Any:
        dialect = self._session.get_bind().dialect.name
        return postgresql_insert if dialect == "postgresql" else sqlite_insert

    def _put(self, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows in their order, each new or in place of the one with its key.

        One statement for all: making one for each row took longer than writing it.
        """
        if rows:
            self._session.execute(_put(self._upsert, table, tuple(key), tuple(rows[0])), rows)
