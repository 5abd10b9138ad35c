"""A file that can be thrown away: room in which a spool on a full disk can still let go.

When SQLite says that the disk is full, DELETE and checkpoint fail as well (measured): a receipt
could free nothing. Source: docs/reference/brokers-and-databases.md#full-disk.
"""

import os
from contextlib import suppress
from pathlib import Path


class Ballast:
    """A file of a given size beside the spool, with blocks of its own on the disk."""

    def __init__(self, path: Path, size: int) -> None:
        """Look whether it is there; makes none yet."""
        self._path, self._size = path, size
        self._whole = size == 0 or self._has_blocks()

    @property
    def whole(self) -> bool:
        """Whether there is something to throw away. What is not is a spool that takes nothing."""
        return self._whole

    @property
    def was_made(self) -> bool:
        """Whether a spool has been here before."""
        return self._path.exists()

    def throw_away(self) -> None:
        """Give its blocks back to the disk."""
        self._path.unlink(missing_ok=True)
        self._whole = self._size == 0

    def put_back(self) -> bool:
        """Make it again if the disk has room for it, and some to spare; say whether it is whole."""
        if self._whole:
            return True
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < self._size + self._size // 8:
            return False
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            # Written out, not only reserved: not every file system knows how to reserve.
            part.touch(mode=0o600)
            part.write_bytes(bytes(self._size))
            part.rename(self._path)
        except OSError:  # somebody was quicker: no ballast yet
            with suppress(OSError):
                part.unlink(missing_ok=True)
            return False
        self._whole = True
        return True

    def _has_blocks(self) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False
        return found.st_size >= self._size and found.st_blocks * 512 >= self._size
