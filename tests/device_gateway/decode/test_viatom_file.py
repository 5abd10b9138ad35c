from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decode import viatom_file
from device_gateway.decode.frame import FrameError
from device_gateway.decode.viatom_file import Header, Sample

# Captured (docs/reference/device-layouts.md#frames, vector 18):
# tolnaiz/garmin-venu3-vs-viatom-o2ring; as the maker's table.
HEADER = bytes.fromhex(
    "0300e9070306161438da980000287a00005e573516018c011a550000000000000000000000000000"
)
SAMPLES = bytes.fromhex("6042000700" + "ffffff0300")  # constructed: 96 %, 66; no finger


def a_file(samples: bytes = SAMPLES, lasts_s: int = 8) -> bytes:
    sizes = (40 + len(samples)).to_bytes(4, "little") + lasts_s.to_bytes(4, "little")
    return HEADER[:9] + sizes + HEADER[17:] + samples


A_NIGHT = a_file()


def test_the_header_of_a_real_night() -> None:
    assert viatom_file.read_header(HEADER) == Header(
        started=datetime(2025, 3, 6, 22, 20, 56),  # noqa: DTZ001 - it has no zone
        file_bytes=39_130,
        lasts_s=31_272,
        mean_spo2=94,
        lowest_spo2=87,
        drops_3=53,
        drops_4=22,
        below_90_s=396,
        below_90_times=26,
        score=8.5,
    )
    assert (39_130 - 40) / 5 * 4 == 31_272  # as many samples as it lasts, one every four seconds


def test_the_samples_of_a_night() -> None:
    night = viatom_file.read(A_NIGHT)
    assert night.interval_s == 4
    assert night.samples == (Sample(0, 96, 66, 7, False), Sample(4, None, None, 3, False))


def test_a_warning_and_a_fast_pulse() -> None:
    [sample] = viatom_file.read(a_file(bytes.fromhex("562c010101"))).samples
    assert sample == Sample(0, 86, 300, 1, True)


def test_a_night_without_samples_and_without_numbers() -> None:
    empty = a_file(b"", lasts_s=0)
    night = viatom_file.read(empty[:17] + bytes(2) + empty[19:])
    assert (night.samples, night.interval_s) == ((), 0)
    assert (night.header.mean_spo2, night.header.lowest_spo2) == (None, None)
    assert viatom_file.decode(empty[:17] + bytes(2) + empty[19:]).said["mean_spo2"] == "no value"


def test_a_file_in_words() -> None:
    decoded = viatom_file.decode(A_NIGHT)
    assert not decoded.measures
    assert (decoded.said["samples"], decoded.said["samples_without_finger"]) == (2, 1)
    assert decoded.device_time == datetime(2025, 3, 6, 22, 20, 56)  # noqa: DTZ001


def test_a_file_cut_off_anywhere_is_refused() -> None:
    for length in range(len(A_NIGHT)):
        with pytest.raises(FrameError):
            viatom_file.read(A_NIGHT[:length])


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"\x04" + A_NIGHT[1:], "version 4"),
        (A_NIGHT[:4] + b"\x0d" + A_NIGHT[5:], "no date"),
        (A_NIGHT + b"\0", "its header says 50"),
        (a_file(SAMPLES + b"\0"), "1 bytes after the last sample"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(broken: bytes, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        viatom_file.read(broken)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_file_or_refused(file: bytes) -> None:
    for candidate in (file, HEADER[:9] + (len(file) + 9).to_bytes(4, "little") + file[4:]):
        try:
            viatom_file.decode(candidate)
        except FrameError:
            continue
