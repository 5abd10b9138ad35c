"""Writes a private file whole or not at all: no reader and no power cut ever finds half of it."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes | str) -> None:
    """Put a file in place of the older one, for its owner alone. Durable on return.

    The folder is made if there is none, for its owner alone.

    Raises:
        OSError: it cannot be written; the older one stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = _write_beside(path, content)
    try:
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def create_file(path: Path, content: bytes | str) -> None:
    """Make a file for its owner alone, or leave the one that is there. Durable on return.

    Raises:
        OSError: it cannot be written.
    """
    new = _write_beside(path, content)
    try:
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()
    _sync_folder(path.parent)


def _write_beside(path: Path, content: bytes | str) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable: without it a power cut can bring the old file back."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
