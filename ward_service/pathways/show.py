"""A pathway as a table that a clinician can read and sign. Plain text, one row for each thing said.

The mark before a row says how good its source is, so that what must be judged is seen at a glance.
"""

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap
from typing import Final

from ward_service.pathways.check import unsignable
from ward_service.pathways.describe import NOT_SET, Row, describe
from ward_service.pathways.file import Written
from ward_service.pathways.sourced import Said, everything_sourced, is_ours, is_weak

LABEL, VALUE, SOURCE = 28, 66, 38  # characters of the three columns
MISSING, UNSIGNED, WEAK = "?", "!", "~"
LEGEND: Final = {
    MISSING: "not set: a clinical lead must",
    UNSIGNED: "ours, unsigned: no source gives it",
    WEAK: "a proposal, or general knowledge: no evidence",
}
_LONG: Final = ("Words", "Sources")


def show(written: Written, *, words: bool = True) -> list[str]:
    """Return the pathway as lines; `words`: with every text and the list of sources."""
    rows = [row for row in describe(written) if words or not row.section.startswith(_LONG)]
    lines = [f"{written.title} ({written.id}@{written.version})"]
    for section, within in groupby(rows, key=lambda row: row.section):
        lines += ["", section.upper()]
        for row in _folded(within):
            lines += _lines(row)
    return [*lines, "", *_summary(written)]


def brief(written: Written) -> list[str]:
    """Return the whole pathway on about one screen: every number with its mark, no source, no text.

    It is for reading and for talking about; what is signed is the whole table.
    """
    rows = [row for row in describe(written) if not row.section.startswith(_LONG)]
    lines = [f"{written.title} ({written.id}@{written.version})"]
    for section, within in groupby(rows, key=lambda row: row.section):
        said = " · ".join(_marked(row) for row in _folded(within))
        title = wrap(section, LABEL)
        for n, line in enumerate(wrap(said, VALUE + SOURCE)):
            lines.append(f"{title[n] if n < len(title) else '':{LABEL}} {line}".rstrip())
    return [*lines, *_summary(written)]


def _marked(row: Row) -> str:
    sign = mark(row).strip()
    return f"{row.label}: {row.value}{f' {sign}' if sign else ''}"


def mark(row: Row) -> str:
    """Return how good the source of a row is, as one character; a blank has a published source."""
    return _mark(row.source, unset=row.value == NOT_SET)


def _mark(source: str, *, unset: bool) -> str:
    if unset:
        return MISSING
    if is_ours(source):
        return UNSIGNED
    return WEAK if is_weak(source) else " "


def _unset(said: Said) -> bool:
    return said.value is None and said.field.startswith("parameters.")


def _summary(written: Written) -> list[str]:
    said = list(everything_sourced(written))
    marks = [_mark(it.source, unset=_unset(it)) for it in said]
    lines = [f"{len(said)} things are said with their source. Of these:"]
    lines += [f"  {sign} {marks.count(sign):3}  {said}" for sign, said in LEGEND.items()]
    stops = unsignable(written)
    if stops:
        return [*lines, "It cannot be signed:", *(f"  {stop}" for stop in stops)]
    return [*lines, "A named clinical lead may sign it."]


def _folded(rows: Iterator[Row]) -> Iterator[Row]:
    """Yield rows, those of one group and source as one."""
    for (group, source), within in groupby(rows, key=lambda row: (row.group, row.source)):
        if not group:
            yield from within
            continue
        members = list(within)
        said = "; ".join(f"{row.label} {row.value}".strip() for row in members)
        yield Row(members[0].section, group, said, source)


def _lines(row: Row) -> list[str]:
    wide = VALUE if row.source else VALUE + 1 + SOURCE
    value = f"{row.value}: {row.note}" if row.note else row.value
    columns = (wrap(row.label, LABEL), wrap(value, wide), wrap(row.source, SOURCE))
    lines = []
    for n in range(max(map(len, columns))):
        label, value, source = (column[n] if n < len(column) else "" for column in columns)
        first = mark(row) if n == 0 else " "
        lines.append(f"{first} {label:{LABEL}} {value:{wide}} {source}".rstrip())
    return lines
