"""Look for bytes that break a decoder: `python -m tools.fuzz_decode SECONDS`.

Needs atheris, which Homeward does not install, in an environment of its own:

    python3 -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris pydantic tzdata
    /tmp/fuzz/bin/python -m tools.fuzz_decode 60

The first byte of an input chooses the decoder; the rest are the frame, or chunks of a stream. It
begins from every frame in `tests/frames/`. Whatever is raised but `FrameError`, said but no JSON,
or lost by a stream stops it. What it learnt, and an input that broke something, stay in
`homeward-fuzz` in the temporary folder. Exit 0: the time is over, nothing was found; 2: no atheris.
"""

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path

USAGE = 2
KEPT = Path(tempfile.gettempdir(), "homeward-fuzz")


def main(seconds: int) -> None:
    """Fuzz for so long."""
    try:
        atheris = import_module("atheris")
    except ImportError:
        sys.exit(_explain())
    with atheris.instrument_imports(include=["device_gateway.decode"]):
        registry = import_module("device_gateway.decode.registry")
        stream = import_module("device_gateway.decode.stream")
        frame = import_module("device_gateway.decode.frame")
    from tests.device_gateway.decode.frames import all_frames

    families = registry.FAMILIES
    targets = [("", uuid, registry.DECODERS[uuid]) for uuid in sorted(registry.DECODERS)]
    for key, family in families.items():
        targets += [(key, uuid, one) for uuid, one in family.profile.decoders.items()]
        if family.profile.file_decoder:
            targets.append((key, None, family.profile.file_decoder))

    def decode(chosen: int, body: bytes) -> None:
        _, _, decoder = targets[chosen]
        try:
            decoded = decoder(body)
        except frame.FrameError:
            return
        json.dumps([decoded.observations, decoded.said], allow_nan=False)
        assert decoded.no_value or decoded.observations or not decoded.measures

    def put_together(chosen: int, body: bytes) -> None:
        key, _, _ = targets[chosen]
        framing = families[key].profile.framing if key else None
        if framing is None:
            return
        one = stream.Stream(framing)
        pieces = [piece for at in range(0, len(body), 20) for piece in one.feed(body[at : at + 20])]
        pieces += one.end()
        out = [piece.piece if isinstance(piece, stream.Thrown) else piece for piece in pieces]
        assert b"".join(out) == body
        for piece in pieces:
            if isinstance(piece, bytes):
                decode(chosen, piece)

    def try_one(data: bytes) -> None:
        if data:
            chosen = data[0] % len(targets)
            decode(chosen, data[1:])
            put_together(chosen, data[1:])

    named = [(key, uuid) for key, uuid, _ in targets]
    KEPT.mkdir(parents=True, exist_ok=True)
    for n, known in enumerate(all_frames()):
        where = named.index((known.family, known.characteristic))
        (KEPT / f"published-{n}").write_bytes(bytes([where]) + known.bytes)
    limits = [f"-max_total_time={seconds}", "-max_len=400", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={KEPT}/", str(KEPT)], try_one)
    atheris.Fuzz()  # ends the process


def _explain() -> int:
    print(__doc__, file=sys.stderr)
    return USAGE


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit(_explain())
    main(int(sys.argv[1]))
