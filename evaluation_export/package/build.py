"""The data package: tables, dictionary, receipt, checksums. Two builds of one snapshot are equal.

Written into a folder beside its place and renamed: a build that was killed leaves nothing half.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from evaluation_export.disclosure.policies import PEOPLE, Policy
from evaluation_export.disclosure.suppress import protect
from evaluation_export.measures.alerts import alerts_by_group, alerts_per_week
from evaluation_export.measures.completeness import completeness_by_group, completeness_per_week
from evaluation_export.package.check import format_checksums
from evaluation_export.package.dictionary import describe_package, format_dictionary
from evaluation_export.package.receipt import format_receipt
from evaluation_export.package.release import (
    CHECKSUMS,
    NothingToExportError,
    Release,
    must_be_trial,
)
from evaluation_export.source.views import Extract
from evaluation_export.tables.schema import TABLES, Table


def build(extract: Extract, out: Path, policy: Policy, release: Release) -> dict[str, int]:
    """Write a package and return how many rows of each table were withheld.

    Raises:
        TrialsOnlyError: it is no trial.
        NothingToExportError: there is nothing to count.
        FileExistsError: `out` is there and is not empty; it is left as it is.
    """
    must_be_trial(release)
    if out.exists() and any(out.iterdir()):
        raise FileExistsError
    tables = _tables(extract)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "data").mkdir(parents=True)
    try:
        withheld = _write_tables(tables, temporary, policy)
        _write(temporary / "DICTIONARY.md", format_dictionary())
        _write(temporary / "datapackage.json", describe_package(policy, release))
        _write(temporary / "SDC.md", format_receipt(policy, release, withheld, temporary))
        _write(temporary / CHECKSUMS, format_checksums(temporary))
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return withheld


def _tables(extract: Extract) -> dict[str, pd.DataFrame]:
    if extract.episodes.empty or extract.until is None:
        raise NothingToExportError("Nobody was admitted yet.")
    episodes, alerts, due, until = extract.episodes, extract.alerts, extract.due, extract.until
    if alerts.empty and due.empty:
        raise NothingToExportError("There is no alert and no reading was expected yet.")
    return {
        "alerts_per_week": alerts_per_week(alerts, episodes, until),
        "completeness_per_week": completeness_per_week(due, episodes),
        "completeness_by_group": completeness_by_group(due, episodes),
        "alerts_by_group": alerts_by_group(alerts, episodes, until),
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


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
