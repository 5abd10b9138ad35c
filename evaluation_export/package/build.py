"""The data package: tables, dictionary, receipt, checksums. Two builds of one snapshot are equal.

Written into a folder beside its place and renamed: a build that was killed leaves nothing half.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from evaluation_export.disclosure.suppress import FEWEST_PEOPLE, PEOPLE, Policy, protect
from evaluation_export.measures import groups
from evaluation_export.source.views import Extract
from evaluation_export.tables.schema import TABLES, Table

CHECKSUMS: Final = "CHECKSUMS"
REGISTER: Final = "releases.jsonl"
# Nothing that leaves may look like one of these.
DATE: Final = re.compile(r"\b(19|20)\d\d-\d\d-\d\d\b")
UUID: Final = re.compile(r"\b[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)


class NothingToExportError(Exception):
    """Nobody was admitted yet, or nothing has happened: there is no table to make."""


@dataclass(frozen=True, slots=True)
class Release:
    """Who asked for an extract, what for, and who agreed. A trial has none and must not leave."""

    asked_by: str = ""
    purpose: str = ""
    agreed_by: str = ""

    @property
    def trial(self) -> bool:
        """Whether nobody has agreed that this leaves."""
        return not (self.asked_by and self.purpose and self.agreed_by)


def build(extract: Extract, out: Path, policy: Policy, release: Release) -> dict[str, int]:
    """Write a package and return how many rows of each table were withheld.

    Raises:
        NothingToExportError: there is nothing to count.
        FileExistsError: `out` is there and is not empty; it is left as it is.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError
    tables = _tables(extract)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "data").mkdir(parents=True)
    try:
        withheld = _write_tables(tables, temporary, policy)
        _write(temporary / "DICTIONARY.md", _dictionary())
        _write(temporary / "datapackage.json", _datapackage(policy, release))
        _write(temporary / "SDC.md", _receipt(policy, release, withheld, temporary))
        _write(temporary / CHECKSUMS, _checksums(temporary))
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return withheld


def check(folder: Path) -> list[str]:
    """Return what is wrong with a package, in sentences that repeat nothing of it."""
    wrong = []
    listed = folder / CHECKSUMS
    if not listed.is_file() or listed.read_text() != _checksums(folder):
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


def note_release(register: Path, out: Path, policy: Policy, release: Release) -> None:
    """Add a line to the register of releases: who asked, what for, who agreed, which files."""
    digest = hashlib.sha256((out / CHECKSUMS).read_bytes()).hexdigest()
    line = asdict(release) | {"trial": release.trial, "policy": policy.name, "sha256": digest}
    with register.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, sort_keys=True) + "\n")


def _tables(extract: Extract) -> dict[str, pd.DataFrame]:
    if extract.episodes.empty or extract.until is None:
        raise NothingToExportError("Nobody was admitted yet.")
    episodes, alerts, due, until = extract.episodes, extract.alerts, extract.due, extract.until
    if alerts.empty and due.empty:
        raise NothingToExportError("There is no alert and no reading was expected yet.")
    return {
        "alerts_per_week": groups.alerts_per_week(alerts, episodes, until),
        "completeness_per_week": groups.completeness_per_week(due, episodes),
        "completeness_by_group": groups.completeness_by_group(due, episodes),
        "alerts_by_group": groups.alerts_by_group(alerts, episodes, until),
    }


def _write_tables(
    tables: Mapping[str, pd.DataFrame], folder: Path, policy: Policy
) -> dict[str, int]:
    withheld = {}
    for table in TABLES:
        raw = tables[table.name].sort_values([c.name for c in table.columns if not c.count])
        out = protected(raw.reset_index(drop=True), table, policy)
        withheld[table.name] = int(out[table.counts[0]].isna().sum())
        out.to_csv(
            folder / "data" / f"{table.name}.csv", index=False, lineterminator="\n", na_rep=""
        )
    return withheld


def protected(raw: pd.DataFrame, table: Table, policy: Policy) -> pd.DataFrame:
    """Return a table as it may leave: its columns in the dictionary's order, people left out."""
    shares = {name: (over, under, factor) for name, over, under, factor, _ in table.shares}
    assert PEOPLE in raw.columns  # noqa: S101 - every measure says how many stand behind a row
    out = protect(raw, policy, list(table.counts), shares, table.within)
    return out[[column.name for column in table.published()]]


def _dictionary() -> str:
    lines = ["# Dictionary", "", "An empty cell never means zero.", ""]
    for table in TABLES:
        lines += [f"## data/{table.name}.csv: {table.title}", ""]
        lines += ["| column | type | meaning | empty |", "|---|---|---|---|"]
        for column in table.published():
            lines.append(f"| {column.name} | {column.type} | {column.meaning} | {column.empty} |")
        lines.append("")
    return "\n".join(lines)


def _datapackage(policy: Policy, release: Release) -> str:
    resources = [
        {
            "name": table.name.replace("_", "-"),
            "title": table.title,
            "path": f"data/{table.name}.csv",
            "format": "csv",
            "encoding": "utf-8",
            "schema": {
                "fields": [
                    {"name": c.name, "type": c.type, "description": c.meaning}
                    for c in table.published()
                ],
                "missingValues": [""],
            },
        }
        for table in TABLES
    ]
    whole: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "homeward-extract",
        "title": "Homeward: alerts and completeness per week" + (" (TRIAL)" * release.trial),
        "homeward:disclosure": policy.name,
        "resources": resources,
    }
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"


def _receipt(policy: Policy, release: Release, withheld: Mapping[str, int], folder: Path) -> str:
    trial = "**TRIAL: nobody has agreed that this leaves. Do not release it.**"
    agreed = (
        f"Asked for by {release.asked_by}, for: {release.purpose}. Agreed by {release.agreed_by}."
    )
    lines = [
        "# Disclosure control: the receipt of this extract",
        "",
        trial if release.trial else agreed,
        "",
        f"- Policy: `{policy.name}`. {policy.source}.",
        f"- Totals: {policy.totals}.",
        f"- No row stands on fewer than {FEWEST_PEOPLE} people, whatever the policy. Where one row "
        "of a set is withheld, a second one is too.",
        "- Shares and rates are made from published figures; `_lower` and `_upper` say between "
        "which numbers the true count lies.",
        "- No date, id, name or free text is in it. Weeks are counted from the first admission.",
        "- De-identified by these rules; call it anonymous only after your own risk assessment.",
        "",
        "| table | rows withheld | sha256 |",
        "|---|---|---|",
    ]
    for table in TABLES:
        digest = _sha256(folder / "data" / f"{table.name}.csv")
        lines.append(f"| {table.name} | {withheld[table.name]} | {digest} |")
    return "\n".join(lines) + "\n"


def _checksums(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    return "".join(f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
