"""The watchdog's own heartbeat: a file in the data folder, so that the ward can see it is there.

It stays when the watchdog ends: where one was started once, its silence is said until it is back.
Whoever wants none any more deletes the file (docs/do/operate.md).
"""

import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

SILENT_AFTER: Final = timedelta(seconds=15)  # real time


def leave(file: Path, wall: datetime) -> None:
    """Write when the watchdog last looked; nobody ever reads half of it.

    Raises:
        OSError: the folder cannot be written.
    """
    half = file.with_name(f".{file.name}-{os.getpid()}")
    half.write_text(wall.isoformat())
    half.replace(file)


def last_look(file: Path) -> datetime | None:
    """Return when the watchdog last looked; None if none was ever started here."""
    with suppress(OSError, ValueError):
        return datetime.fromisoformat(file.read_text().strip())
    return None


def silent(at: datetime, wall: datetime) -> bool:
    """Whether a watchdog that looked then has been silent for too long."""
    return wall - at > SILENT_AFTER
