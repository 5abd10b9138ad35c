"""Letters and codes in words: which doors there are, and what to do with a letter just made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from clinician_dashboard.view_models.words import clock_time
from ward_service.contract.letters import DoorView, LetterView

WHO: Final = {"patient": "The patient", "carer": "Somebody who helps (a carer)"}


def door_rows(doors: Sequence[DoorView], now: datetime) -> list[dict[str, str]]:
    """Return a line for each door, the newest first."""
    return [
        {
            "Code begins": door.door,
            "For": WHO[door.who],
            "Made": f"{clock_time(door.made_at, now)} by {door.made_by}",
            "Now": "open" if door.revoked_at is None else _shut(door, door.revoked_at, now),
        }
        for door in doors
    ]


def open_doors(doors: Sequence[DoorView]) -> dict[str, str]:
    """Return the doors that are open, each with words to choose it by."""
    return {
        door.door: f"{door.door}… ({WHO[door.who].lower()})"
        for door in doors
        if door.revoked_at is None
    }


def letter_words(letter: LetterView) -> str:
    """Return what to do with a letter: its code is shown this once."""
    return (
        f"For: {WHO[letter.who].lower()}. Print it or read the code out now: it is kept nowhere "
        f"and cannot be shown again. The letter names nobody; its reference is {letter.reference}. "
        "The page also asks for the year of birth: do not write it on the letter."
    )


def file_name(letter: LetterView) -> str:
    """Return a name for the file: it says nothing to who finds it."""
    return f"letter-{letter.reference}.pdf"


def _shut(door: DoorView, at: datetime, now: datetime) -> str:
    return f"shut {clock_time(at, now)} by {door.revoked_by}"
