"""What every table has in common: its base, and the types of its columns."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    Channel,
    Context,
    EndReason,
    Level,
    Mode,
    Source,
    TaskKind,
)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC out, on every database; a naive one is a bug and raises."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def _words(kind: type[Any]) -> Enum:
    """Store an enumeration by its value, as text: readable in SQL, and easy to add to."""
    return Enum(
        kind, native_enum=False, length=30, values_callable=lambda words: [str(w) for w in words]
    )


# A growing number: SQLite counts only a plain INTEGER up by itself.
Counter = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The tables of the ward. Constraints are named, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime(),
        date: Date(),
        AlertClass: _words(AlertClass),
        AlertState: _words(AlertState),
        Level: _words(Level),
        Source: _words(Source),
        Context: _words(Context),
        Mode: _words(Mode),
        Channel: _words(Channel),
        AlertOutcome: _words(AlertOutcome),
        EndReason: _words(EndReason),
        TaskKind: _words(TaskKind),
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
        bytes: LargeBinary(),
    }
