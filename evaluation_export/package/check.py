"""Is a package whole, and does it hold what it must not?"""

from pathlib import Path

import pandas as pd

from evaluation_export.package.release import CHECKSUMS, DATE, UUID, hash_file
from evaluation_export.tables.schema import TABLES


def check(folder: Path) -> list[str]:
    """Return what is wrong with a package, in sentences that repeat nothing of it."""
    wrong = []
    listed = folder / CHECKSUMS
    if not listed.is_file() or listed.read_text() != format_checksums(folder):
        wrong.append("a file is missing, was added, or is not what it was when it was built")
    for table in TABLES:
        path = folder / "data" / f"{table.name}.csv"
        if not path.is_file():
            wrong.append(f"{path.name} is missing")
            continue
        text = path.read_text(encoding="utf-8")
        if DATE.search(text):
            wrong.append(f"{path.name} holds something that looks like a date")
        if UUID.search(text):
            wrong.append(f"{path.name} holds something that looks like an id")
        frame = pd.read_csv(path)
        if list(frame.columns) != [column.name for column in table.published()]:
            wrong.append(f"{path.name} has columns that the dictionary does not list")
            continue
        if any(frame[name].between(1, 2).any() for name in table.counts):
            wrong.append(f"{path.name} holds a count that is too small to publish")
    return wrong


def format_checksums(folder: Path) -> str:
    """Return the line of every file of a package: its SHA-256, two spaces, its name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    return "".join(f"{hash_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
