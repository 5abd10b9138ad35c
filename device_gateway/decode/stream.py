"""Frames out of a stream: a vendor's frame comes split or glued, as the notifications happen to be.

Pure: bytes in, whole frames out. After a frame that is not whole it looks for the next beginning
from the very next byte, so a broken length cannot take good frames with it. Every byte that goes in
comes out once, in order: in a frame, or thrown away with the reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from device_gateway.decode.frame import FrameError

NOTHING_BEGINS: Final = "no frame begins here"
WRONG_CHECKSUM: Final = "its checksum is wrong"
BEGINS_INSIDE: Final = "another frame begins inside it"


@dataclass(frozen=True, slots=True)
class Framing:
    """How a family's frames are told apart in a stream.

    `length`: how many bytes the frame has that begins with these; None while too few have come to
    tell, 0 where no frame begins. It must be bounded: it is how long a broken length can wait.
    `fault`: what is wrong with a frame of that length, "" when it is whole.
    """

    length: Callable[[bytes], int | None]
    fault: Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Thrown:
    """Bytes that are in no frame, and why."""

    piece: bytes
    reason: str


class Stream:
    """One notifying characteristic of one connection; without framing, each chunk is a frame."""

    def __init__(self, framing: Framing | None = None) -> None:
        self._framing = framing
        self._held = b""

    def feed(self, chunk: bytes) -> list[bytes | Thrown]:
        """Take what a notification brought; return what is now certain, in order."""
        if self._framing is None:
            return [chunk]
        self._held += chunk
        return _joined(self._take(self._framing, more_may_come=True))

    def end(self) -> list[bytes | Thrown]:
        """Return what is in the bytes held: no more will come for them.

        Call it when the link is gone, and, where frames answer questions, before the next question:
        else a broken length would hold the next answer back.
        """
        if self._framing is None:
            return []
        return _joined(self._take(self._framing, more_may_come=False))

    def _take(self, framing: Framing, *, more_may_come: bool) -> Iterator[bytes | Thrown]:
        while self._held:
            length = framing.length(self._held)
            if length == 0:
                yield self._throw(NOTHING_BEGINS)
            elif length is None or length > len(self._held):
                if more_may_come:
                    return
                yield self._throw("cut off")
            elif fault := framing.fault(self._held[:length]):
                yield self._throw(fault)
            else:
                frame, self._held = self._held[:length], self._held[length:]
                yield frame

    def _throw(self, reason: str) -> Thrown:
        first, self._held = self._held[:1], self._held[1:]
        return Thrown(first, reason)


def refuse_broken(framing: Framing, frame: bytes) -> None:
    """Raise unless these bytes are exactly one whole frame.

    Raises:
        FrameError: they are not, and why.
    """
    length = framing.length(frame) if frame else None
    if length == 0:
        raise FrameError(NOTHING_BEGINS)
    if length is None or length > len(frame):
        raise FrameError(f"too short: {len(frame)} bytes")
    if fault := framing.fault(frame[:length]):
        raise FrameError(fault)
    if length < len(frame):
        raise FrameError(f"{len(frame) - length} bytes after the end of the frame")


def _joined(pieces: Iterator[bytes | Thrown]) -> list[bytes | Thrown]:
    """Put neighbouring pieces that were thrown away together, under the reason of the first."""
    joined: list[bytes | Thrown] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, Thrown) and isinstance(last, Thrown):
            joined[-1] = Thrown(last.piece + piece.piece, last.reason)
        else:
            joined.append(piece)
    return joined
