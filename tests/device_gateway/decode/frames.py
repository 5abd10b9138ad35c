"""The frames of `tests/frames/`, one file a family, for every test that goes through all of them.

A frame has its source, its bytes and what it says. `measures` false: it is no measurement. `said`
names some of the words. `family`: where it is not the file's name. `any_length`: a shorter one is
another frame, not a broken one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_gateway.decode import uuids
from device_gateway.decode.registry import FAMILIES
from device_gateway.decode.stream import Framing

FOLDER = Path(__file__).parents[2] / "frames"
ADVERTS = "adverts"


@dataclass(frozen=True)
class Frame:
    family: str
    characteristic: int
    bytes: bytes
    entry: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.family or 'any'}-{self.bytes.hex()}"

    @property
    def framing(self) -> Framing | None:
        return FAMILIES[self.family].profile.framing if self.family else None


def all_frames() -> list[Frame]:
    return [
        Frame(
            entry.get("family", file.stem),
            uuids.number(entry["characteristic"]),
            bytes.fromhex(entry["hex"]),
            entry,
        )
        for file in sorted(FOLDER.glob("*.json"))
        if file.stem != ADVERTS
        for entry in json.loads(file.read_text())
    ]


def of_family(family: str) -> list[Frame]:
    return [frame for frame in all_frames() if frame.family == family]
