"""Compares what two checkouts do: `python -m tools.compare OLD NEW`. For moves and renames.

OLD and NEW are folders with a checkout, or git revisions of this repository, for which a worktree
is made and taken away again. A folder is asked with its own `.venv/bin/python` if it has one, else
with `--python`. In each `tools/compare_probe.py` of THIS checkout is run, over the ward and the
spool in `tests/fixtures/before_rooms/`; it writes nothing into either checkout.

For each item a line says `same`, or `DIFFERS` and where first. Exit codes: 0 the same but for what
is allowed (`ALLOWED`), 1 something differs or could not be asked, 2 wrong usage.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PROBE: Final = ROOT / "tools/compare_probe.py"
FIXTURES: Final = ROOT / "tests/fixtures/before_rooms"
SHOWN: Final = 5  # differences of one item
# What names a thing in a schema and is no part of what is sent.
WORDS: Final = ("title", "description", "summary", "operationId")
REFS: Final = ("#/$defs/", "#/components/schemas/")
NEW_PATH: Final = "/alerts/{alert_id}/explanation"
GONE: Final = "retake_within_min"
OF_A_FINDING: Final = {"level", "words", "at", "doubtful"}
ALLOWED: Final = {
    "rule": "FindingView gains `rule`",
    "explanation": "an alert can be asked for its explanation",
    "retake": f"{GONE} is gone",
}


# --- taking out what may differ ---------------------------------------------------------------


def statement(sql: str) -> str:
    """Return an SQL statement without its layout and needless quotes."""
    plain = re.sub(r'["`]([a-z_][a-z0-9_]*)["`]', r"\1", " ".join(sql.split()))
    return re.sub(r"\s*([(),])\s*", r"\1", plain).strip()


def inlined(schema: Any) -> Any:
    """Return a JSON Schema or an OpenAPI document without words and names of components.

    Each reference is put in its place. One that is inside of itself says how far up.
    """
    parts: dict[str, Any] = {}
    if isinstance(schema, dict):
        parts |= schema.get("$defs", {})
        parts |= schema.get("components", {}).get("schemas", {})
    return _inlined(schema, parts, ())


def _inlined(part: Any, parts: dict[str, Any], within: tuple[str, ...]) -> Any:
    if isinstance(part, list):
        return [_inlined(one, parts, within) for one in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref")
    if isinstance(reference, str):
        name = reference
        for prefix in REFS:
            name = name.removeprefix(prefix)
        others = {key: value for key, value in part.items() if key != "$ref"}
        if name in within:
            return {"$ref": f"{len(within) - within.index(name)} up"}
        whole = _inlined(parts[name], parts, (*within, name))
        return whole | _inlined(others, parts, within)
    kept = {}
    for key, value in part.items():
        if key in WORDS and isinstance(value, str):
            continue  # a property of that name is a schema, and stays
        if key == "$defs" or (key == "schemas" and value == parts and within == ()):
            continue
        if (key, type(value)) in (("mapping", dict), ("required", list)):
            kept[key] = sorted(value)
        else:
            kept[key] = _inlined(value, parts, within)
    return kept


def without_allowed(part: Any) -> tuple[Any, set[str]]:
    """Return a part of an API, or of an answer, without what may have come or gone; and that."""
    found: set[str] = set()
    return _without(part, found), found


def _without(part: Any, found: set[str]) -> Any:
    if isinstance(part, list):
        return [_without(one, found) for one in part]
    if not isinstance(part, dict):
        return part
    kept = dict(part)
    for key, about in ((GONE, "retake"), (NEW_PATH, "explanation")):
        if kept.pop(key, None) is not None:
            found.add(about)
    properties = kept.get("properties")
    taken = set()
    if isinstance(properties, dict):
        if GONE in properties:
            taken.add(GONE)
        if "rule" in properties and properties.keys() >= OF_A_FINDING:
            taken.add("rule")
            found.add("rule")
            properties = {key: value for key, value in properties.items() if key != "rule"}
            kept["properties"] = properties
    if "rule" in kept and kept.keys() >= OF_A_FINDING:
        del kept["rule"]
        found.add("rule")
    if taken and isinstance(kept.get("required"), list):
        kept["required"] = [name for name in kept["required"] if name not in taken]
    return {key: _without(value, found) for key, value in kept.items()}


NORMALISE: Final[dict[str, Callable[[Any], Any]]] = {
    "database schema": lambda said: {name: statement(sql) for name, sql in said.items()},
    "wire schema": lambda said: {name: inlined(schema) for name, schema in said.items()},
    "OpenAPI": inlined,
}
MAY_CHANGE: Final = ("OpenAPI", "ward list")


# --- comparing --------------------------------------------------------------------------------


def differences(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Yield each place where two values differ, with both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = f"{at}/{key}"
            if key not in new:
                yield f"{place}: only in OLD"
            elif key not in old:
                yield f"{place}: only in NEW"
            else:
                yield from differences(old[key], new[key], place)
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{at}: {len(old)} in OLD, {len(new)} in NEW"
        for n, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from differences(one, other, f"{at}[{n}]")
    elif old != new:
        yield f"{at}: {shown(old, new)}"


def shown(old: Any, new: Any, most: int = 160) -> str:
    """Return two values that differ, from shortly before where they do."""
    one, other = str(old), str(new)
    same = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    begin = max(0, same - 30)
    return f"{one[begin : begin + most]!r} != {other[begin : begin + most]!r}"


def compare(item: str, old: Any, new: Any) -> tuple[bool, list[str]]:
    """Return whether an item is the same in both, and the lines that say so."""
    for side, said in (("OLD", old), ("NEW", new)):
        if said is None or "is" not in said:
            why = "not asked" if said is None else f"{said['failed']} {said['where']}"
            return False, [f"{item}: DIFFERS: {side} could not be asked: {why}"]
    normalise = NORMALISE.get(item, lambda said: said)
    sides, changed = [normalise(old["is"]), normalise(new["is"])], set()
    if item in MAY_CHANGE:
        stripped = [without_allowed(side) for side in sides]
        sides = [side for side, _ in stripped]
        changed = stripped[0][1] ^ stripped[1][1]
    found = list(differences(*sides))
    if found:
        more = [f"  and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        return False, [f"{item}: DIFFERS: {found[0]}", *map("  {}".format, found[1:SHOWN]), *more]
    allowed = ", ".join(sorted(ALLOWED[about] for about in changed))
    return True, [f"{item}: same" + (f" (allowed: {allowed})" if allowed else "")]


# --- asking -----------------------------------------------------------------------------------


@contextmanager
def checkout(named: str) -> Iterator[Path]:
    """Give a folder for a checkout or a git revision; a worktree is taken away afterwards."""
    if Path(named).is_dir():
        yield Path(named).resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder).resolve() / "checkout"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(at), named], check=True)
        try:
            yield at
        finally:
            subprocess.run([*git, "remove", "--force", str(at)], check=True)


def ask(root: Path, python: str) -> dict[str, Any]:
    """Return what the probe says of a checkout."""
    own = root / ".venv/bin/python"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOMEWARD_")}
    environment |= {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.json"
        command = [str(own) if own.exists() else python, "-P", str(PROBE)]
        subprocess.run(
            [*command, str(root), str(FIXTURES), str(out)],
            env=environment,
            cwd=folder,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        said: dict[str, Any] = json.loads(out.read_text())
        return said


def main(arguments: list[str] | None = None) -> int:
    """Compare, print a line for each item, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.compare", description=__doc__)
    parser.add_argument("old", metavar="OLD", help="a folder or a git revision")
    parser.add_argument("new", metavar="NEW", help="a folder or a git revision")
    parser.add_argument("--python", default=sys.executable, help="for what has no .venv")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        roots = [stack.enter_context(checkout(named)) for named in (given.old, given.new)]
        old, new = (ask(root, given.python) for root in roots)
    all_same = True
    for item in dict.fromkeys([*old, *new]):
        same, lines = compare(item, old.get(item), new.get(item))
        all_same = all_same and same
        print("\n".join(lines))
    return 0 if all_same else 1


if __name__ == "__main__":
    sys.exit(main())
