"""Every column that is handed out: its type, unit, meaning, and what an empty cell means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WITHHELD: Final = "withheld: too few to publish. It is not zero."


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `count` says that the disclosure policy applies to it."""

    name: str
    type: str
    meaning: str
    empty: str = "never empty"
    count: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its columns, the shares that are made of published counts, and its sets."""

    name: str
    title: str
    columns: tuple[Column, ...]
    # name, numerator, denominator, factor, meaning
    shares: tuple[tuple[str, str, str, float, str], ...]
    within: tuple[str, ...] = ()

    @property
    def counts(self) -> Sequence[str]:
        """The columns that the policy rounds or withholds."""
        return [column.name for column in self.columns if column.count]

    def published(self) -> list[Column]:
        """Return all columns as they leave, in order: counts with their intervals, then shares."""
        out = [column for column in self.columns if not column.count]
        for column in self.columns:
            if column.count:
                out += [column, *_interval(column)]
        out += [Column(name, "number", meaning, WITHHELD) for name, _, _, _, meaning in self.shares]
        return out


def _interval(column: Column) -> list[Column]:
    lowest = f"the lowest that {column.name} may really be"
    highest = f"the highest that {column.name} may really be"
    return [
        Column(f"{column.name}_lower", "integer", lowest, WITHHELD),
        Column(f"{column.name}_upper", "integer", highest, WITHHELD),
    ]


def _count(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning, WITHHELD, count=True)


_WEEK = Column("week", "integer", "weeks since the first admission to the service, from 0")
_SPLIT = Column("split", "string", "what people are split by")
_GROUP = Column("group", "string", "the group; `missing` is who said nothing, never left out")
_DAYS = _count("patient_days", "days of stay, the denominator, in whole days")
_EXPECTED = _count("expected", "readings that the pathway's plan expected, their windows over")
_FILLED = _count("filled", "of these, those with a fully believed reading in their window")
_SHARE = ("filled_share", "filled", "expected", 1.0, "filled / expected, from published figures")
_RATE = (
    "alerts_per_100_patient_days",
    "alerts",
    "patient_days",
    100.0,
    "100 x alerts / patient_days, from published figures",
)

TABLES: Final = (
    Table(
        "alerts_per_week",
        "Alerts by week of opening, class and level",
        (
            _WEEK,
            Column("alert_class", "string", "physiological, symptom, missing or technical"),
            Column("level", "string", "red, amber, overdue or technical, when it last stood"),
            _count("alerts", "alerts opened in the week, provisional ones included"),
            _count("acknowledged", "of these, those that a person has taken"),
            _count("withdrawn", "of these, those withdrawn because a repeat was in range"),
            _count("late", "of these, those opened by a reading that arrived late"),
            _count("review", "of these, those opened for review only"),
            _DAYS,
        ),
        (_RATE,),
    ),
    Table("completeness_per_week", "Completeness by week", (_WEEK, _EXPECTED, _FILLED), (_SHARE,)),
    Table(
        "completeness_by_group",
        "Completeness by who people are",
        (_SPLIT, _GROUP, _EXPECTED, _FILLED),
        (_SHARE,),
        within=("split",),
    ),
    Table(
        "alerts_by_group",
        "Alerts by who people are",
        (_SPLIT, _GROUP, _count("alerts", "alerts opened"), _DAYS),
        (_RATE,),
        within=("split",),
    ),
)
