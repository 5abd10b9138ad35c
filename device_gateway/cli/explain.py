"""Frames in words, for support staff: what `device-gateway decode` prints. Pure."""

import re
from collections.abc import Iterable, Iterator

from device_gateway.decode.frame import Decoder, FrameError
from device_gateway.decode.stream import Stream, Thrown

Line = dict[str, object]


def lines(texts: Iterable[str], head: Line, decoder: Decoder, stream: Stream) -> Iterator[Line]:
    """Return a line for each frame, each piece in no frame, and each text that is no hexadecimal.

    `texts` are notifications in hexadecimal, in order. A line that has `error` says why its `frame`
    cannot be read.
    """
    for text in texts:
        try:
            chunk = bytes.fromhex(re.sub(r"0x|[\s:,-]", "", text))
        except ValueError:
            yield head | {"frame": text, "error": "not hexadecimal"}
            continue
        for piece in stream.feed(chunk):
            yield head | _line(piece, decoder)
    for piece in stream.end():
        yield head | _line(piece, decoder)


def _line(piece: bytes | Thrown, decoder: Decoder) -> Line:
    if isinstance(piece, Thrown):
        return {"frame": piece.piece.hex(), "error": piece.reason}
    line: Line = {"frame": piece.hex()}
    try:
        decoded = decoder(piece)
    except FrameError as error:
        return line | {"error": str(error)}
    if not decoded.measures:
        return line | {"measures": False, "fields": decoded.said}
    return line | {
        "measures": True,
        "observations": decoded.observations,
        "quality": decoded.quality,
        "no_value": decoded.no_value,
        "fields": decoded.said,
    }
