"""A release: who asked for it, what for, and under which rules."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHECKSUMS: Final = "CHECKSUMS"

# Nothing that leaves may look like one of these.
DATE: Final = re.compile(r"\b(19|20)\d\d-\d\d-\d\d\b")

UUID: Final = re.compile(r"\b[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE)


class NothingToExportError(Exception):
    """Nobody was admitted yet, or nothing has happened: there is no table to make."""


class TrialsOnlyError(Exception):
    """Somebody asked for more than a trial, and no release is safe yet."""


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


def must_be_trial(release: Release) -> None:
    """Refuse a release: the tables protect rows and not people, and only one table at a time.

    Raises:
        TrialsOnlyError: somebody asked, and somebody agreed that it leaves.
    """
    if not release.trial:
        raise TrialsOnlyError(
            "This version writes trials only. Its tables count stays and not people, and what was "
            "published before is not compared: two releases together can give a person away. "
            "Nothing was written; the ward's data and the register of releases stay as they are. "
            "Leave out --agreed-by for a trial, which stays inside the ward."
        )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
