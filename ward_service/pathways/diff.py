"""What changed between two pathways, in words."""

from collections import Counter

from ward_service.pathways.describe import Row, describe
from ward_service.pathways.file import Written

Place = tuple[str, str, str]  # section, group, label


def diff(before: Written, after: Written) -> list[str]:
    """Return a line for everything that changed: what is new or other first, then what is gone."""
    old, new = _by_place(before), _by_place(after)
    changed = [place for place, row in new.items() if old.get(place) != row]
    gone = [place for place in old if place not in new]
    names = _names({**old, **new})
    return [f"{names[p]}: {_became(old.get(p), new.get(p))}" for p in (*changed, *gone)]


def _by_place(written: Written) -> dict[Place, Row]:
    return {(row.section, row.group, row.label): row for row in describe(written)}


def _names(rows: dict[Place, Row]) -> dict[Place, str]:
    """Return what each place is called: by its section too, where another has the same name."""
    short = {place: ", ".join(part for part in place[1:] if part) for place in rows}
    times = Counter(short.values())
    return {
        place: name if times[name] == 1 else f"{place[0]}: {name}" for place, name in short.items()
    }


def _became(old: Row | None, new: Row | None) -> str:
    if new is None:
        return f"gone, was {_said(old)}" if old and _said(old) else "gone"
    if old is None:
        return f"new, {_said(new)}" if _said(new) else "new"
    if old.value != new.value:
        return f"{old.value} became {new.value}"
    if old.note != new.note:
        return f'"{old.note}" became "{new.note}"'
    return f'still {new.value}; its source "{old.source}" became "{new.source}"'


def _said(row: Row) -> str:
    return f"{row.value}: {row.note}" if row.note else row.value
