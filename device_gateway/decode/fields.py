"""Takes fields off a frame of the Bluetooth SIG's services from the left, least byte first.

No field has a place of its own in such a frame: where it stands depends on the flags before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntFlag

from device_gateway.decode import float32, sfloat
from device_gateway.decode.frame import FrameError
from device_gateway.decode.sfloat import Sfloat, Special
from ward_service.contract.vocabulary import Vital


@dataclass(slots=True)
class Fields:
    """A frame and how far it has been read."""

    frame: bytes
    at: int = field(default=0)

    def uint(self, size: int) -> int:
        """Return the next little-endian number.

        Raises:
            FrameError: the frame ends before it.
        """
        end = self.at + size
        if end > len(self.frame):
            raise FrameError(
                f"too short: {len(self.frame)} bytes, but what it announces reaches byte {end}"
            )
        value = int.from_bytes(self.frame[self.at : end], "little")
        self.at = end
        return value

    def sfloat(self) -> Sfloat:
        return sfloat.read(self.uint(2))

    def float32(self) -> Sfloat:
        return float32.read(self.uint(4))

    def date_time(self) -> datetime | None:
        """Return the next Date Time, or None where it is unknown (zeros) or no date at all."""
        year, month, day, hour, minute, second = (self.uint(n) for n in (2, 1, 1, 1, 1, 1))
        try:
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - it has no zone
        except ValueError:
            return None


def date_time_bytes(moment: datetime) -> bytes:
    """Return a moment as Date Time shows it, to the second and without its zone."""
    parts = (moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return moment.year.to_bytes(2, "little") + bytes(parts)


def value_said(value: Decimal | Sfloat) -> object:
    """Return the number, or the special value in words: never a number that stands for none."""
    return value.name.lower().replace("_", " ") if isinstance(value, Special) else float(value)


def numbers(sent: Mapping[Vital, Decimal | Sfloat | None]) -> dict[Vital, float]:
    """Return what was sent as a number; a field that is absent or special is left out."""
    return {
        vital: float(value)
        for vital, value in sent.items()
        if value is not None and not isinstance(value, Special)
    }


def words(bits: IntFlag) -> list[str]:
    """Return the set bits in words: `["validated"]`; a reserved bit by its number."""
    named = type(bits)
    return [
        str(named(1 << n).name).lower().replace("_", " ")
        if 1 << n in named.__members__.values()
        else f"reserved bit {n}"
        for n in range(int(bits).bit_length())
        if int(bits) >> n & 1
    ]
