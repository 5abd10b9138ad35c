"""A night as a Viatom ring stores it: a header of 40 bytes, then five bytes for each sample.

Source: tolnaiz/garmin-venu3-vs-viatom-o2ring (63404c2) [O2RING-FILE], where 7,818 of 7,818 samples
are those of the maker's own table. The header has no zone: it is what the ring was set to.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from device_gateway.decode.fields import Fields
from device_gateway.decode.frame import Decoded, FrameError, no_measurement
from device_gateway.decode.oximetry import NO_VALUE, measured

HEADER_BYTES: Final = 40
SAMPLE_BYTES: Final = 5
VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself. SpO2 in per cent; None where the ring says 0 for none.

    `drops_3`, `drops_4`: falls of SpO2 by so many points. `score` is the maker's, 0 to 10.
    """

    started: datetime
    file_bytes: int
    lasts_s: int
    mean_spo2: int | None
    lowest_spo2: int | None
    drops_3: int
    drops_4: int
    below_90_s: int
    below_90_times: int
    score: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment. None: no finger. `vibrated`: the ring warned its wearer."""

    after_s: float
    spo2: int | None
    pulse_rate: int | None
    motion: int
    vibrated: bool


@dataclass(frozen=True, slots=True)
class Night:
    """A whole file: what it says of itself, and its samples at equal distances."""

    header: Header
    interval_s: float
    samples: tuple[Sample, ...]


def read_header(file: bytes) -> Header:
    """Return the header of a file.

    Raises:
        FrameError: it is too short, of another version, or begins at no date.
    """
    fields = Fields(file[:HEADER_BYTES])
    version = fields.uint(2)
    if version != VERSION:
        raise FrameError(f"a file of version {version}; version {VERSION} is the one we know")
    started = fields.date_time()
    if started is None:
        raise FrameError("a file that begins at no date")
    file_bytes, lasts_s = fields.uint(4), fields.uint(4)
    mean, lowest, drops_3, drops_4 = (fields.uint(1) for _ in range(4))
    fields.uint(1)  # unread
    below_90_s, below_90_times, score = fields.uint(2), fields.uint(1), fields.uint(1)
    fields.uint(HEADER_BYTES - fields.at)  # unread, and there
    return Header(
        started=started,
        file_bytes=file_bytes,
        lasts_s=lasts_s,
        mean_spo2=measured(mean, 0xFF),
        lowest_spo2=measured(lowest, 0xFF),
        drops_3=drops_3,
        drops_4=drops_4,
        below_90_s=below_90_s,
        below_90_times=below_90_times,
        score=score / 10,
    )


def read(file: bytes) -> Night:
    """Return a whole file.

    Raises:
        FrameError: its header cannot be read, or its length is not the one that the header says.
    """
    header = read_header(file)
    if header.file_bytes != len(file):
        raise FrameError(f"{len(file)} bytes, but its header says {header.file_bytes}")
    count, rest = divmod(len(file) - HEADER_BYTES, SAMPLE_BYTES)
    if rest:
        raise FrameError(f"{rest} bytes after the last sample")
    interval_s = header.lasts_s / count if count else 0.0
    samples = tuple(
        _sample(file[at : at + SAMPLE_BYTES], n * interval_s)
        for n, at in enumerate(range(HEADER_BYTES, len(file), SAMPLE_BYTES))
    )
    return Night(header, interval_s, samples)


def _sample(five: bytes, after_s: float) -> Sample:
    return Sample(
        after_s=after_s,
        spo2=measured(five[0], 0xFF),
        pulse_rate=measured(int.from_bytes(five[1:3], "little"), 0xFFFF),
        motion=five[3],
        vibrated=bool(five[4]),
    )


def decode(file: bytes) -> Decoded:
    """Return what a file says, in words; its samples are `read(file).samples`.

    Raises:
        FrameError: it cannot be read.
    """
    night = read(file)
    header = night.header
    said = {
        "started": header.started.isoformat(),
        "lasts_s": header.lasts_s,
        "interval_s": night.interval_s,
        "samples": len(night.samples),
        "samples_without_finger": sum(sample.spo2 is None for sample in night.samples),
        "mean_spo2": header.mean_spo2 or NO_VALUE,
        "lowest_spo2": header.lowest_spo2 or NO_VALUE,
        "below_90_s": header.below_90_s,
    }
    return no_measurement(said, device_time=header.started)
