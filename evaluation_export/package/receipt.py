"""What was done to the numbers of a package, and the register that says so for good."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from evaluation_export.disclosure.policies import FEWEST_PEOPLE, Policy
from evaluation_export.package.release import CHECKSUMS, Release, hash_file
from evaluation_export.tables.schema import TABLES

REGISTER: Final = "releases.jsonl"


def note_release(register: Path, out: Path, policy: Policy, release: Release) -> None:
    """Add a line to the register of releases: who asked, what for, who agreed, which files."""
    digest = hashlib.sha256((out / CHECKSUMS).read_bytes()).hexdigest()
    line = asdict(release) | {"trial": release.trial, "policy": policy.name, "sha256": digest}
    with register.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, sort_keys=True) + "\n")


def format_receipt(
    policy: Policy, release: Release, withheld: Mapping[str, int], folder: Path
) -> str:
    """Return what was asked, which rules were applied and how much was withheld, in Markdown."""
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
        digest = hash_file(folder / "data" / f"{table.name}.csv")
        lines.append(f"| {table.name} | {withheld[table.name]} | {digest} |")
    return "\n".join(lines) + "\n"
