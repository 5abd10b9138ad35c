"""Every family against every frame that is published for it, whole and broken."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.decode import uuids
from device_gateway.decode.frame import Decoded, FrameError, NoValue
from device_gateway.decode.registry import DECODERS, FAMILIES, decode, decoders
from device_gateway.decode.stream import Framing, Stream, Thrown
from tests.device_gateway.decode.frames import Frame, all_frames, of_family
from ward_service.contract.vocabulary import Quality, Vital
from ward_service.domain.assess import POOR

FRAMES = all_frames()
FRAMED = [key for key, family in FAMILIES.items() if family.profile.framing]
CHECKED = ["viatom", "pc60fw"]  # a CRC sees every single bit
EVERY_DECODER = [("", uuid) for uuid in DECODERS] + [
    (key, uuid) for key, family in FAMILIES.items() for uuid in family.profile.decoders
]


def framing_of(family: str) -> Framing:
    framing = FAMILIES[family].profile.framing
    assert framing is not None
    return framing


def flips(whole: bytes) -> Iterator[bytes]:
    for bit in range(8 * len(whole)):
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        yield bytes(broken)


def looks_normal(decoded: Decoded) -> bool:
    """Whether a nurse would see a number with nothing against it."""
    return bool(decoded.observations) and not POOR.intersection(decoded.quality)


def test_every_family_has_frames_and_every_frame_a_source() -> None:
    assert {frame.family for frame in FRAMES} == {"", *FAMILIES}
    for frame in FRAMES:
        source = frame.entry.get("source", frame.entry["about"])
        assert source.startswith(("captured", "published", "constructed")), frame


def test_what_can_be_read_has_a_frame() -> None:
    shown = {(frame.family, frame.characteristic) for frame in FRAMES}
    shown |= {("", uuid) for family, uuid in shown if family and uuid in DECODERS}
    assert set(EVERY_DECODER) <= shown


@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_a_frame_says_what_is_published(frame: Frame) -> None:
    entry = frame.entry
    decoded = decode(frame.characteristic, frame.bytes, frame.family)
    assert decoded.measures is entry.get("measures", True)
    assert decoded.observations == pytest.approx(entry.get("observations", {}), abs=1e-9)
    assert list(decoded.quality) == entry.get("quality", [])
    assert decoded.no_value == entry.get("no_value")
    shown = decoded.device_time and decoded.device_time.isoformat()
    assert shown == entry["device_time"]
    assert decoded.recorded is entry.get("recorded", False)
    assert decoded.user == entry.get("user")
    said = entry.get("said", {})
    assert {word: decoded.said[word] for word in said} == said
    device = decoded.device.model_dump(exclude_defaults=True) if decoded.device else {}
    assert device == entry.get("device", {})
    json.dumps([decoded.observations, decoded.said], allow_nan=False)


@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_what_was_not_measured_is_said_in_words(frame: Frame) -> None:
    decoded = decode(frame.characteristic, frame.bytes, frame.family)
    if decoded.no_value is NoValue.NOT_MEASURED:
        for vital in {Vital.SPO2, Vital.PULSE_RATE} - decoded.observations.keys():
            assert isinstance(decoded.said.get(vital, ""), str)


@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_every_truncation_is_refused(frame: Frame) -> None:
    if frame.entry.get("any_length"):
        return
    for length in range(len(frame.bytes)):
        with pytest.raises(FrameError):
            decode(frame.characteristic, frame.bytes[:length], frame.family)


@pytest.mark.parametrize("family", FRAMED)
def test_bytes_after_the_end_are_refused(family: str) -> None:
    for frame in of_family(family):
        with pytest.raises(FrameError):
            decode(frame.characteristic, frame.bytes + frame.bytes, family)
        with pytest.raises(FrameError):
            decode(frame.characteristic, frame.bytes + b"\0", family)


@pytest.mark.parametrize("frame", FRAMES, ids=str)
def test_no_flipped_bit_of_a_checked_frame_is_believed(frame: Frame) -> None:
    if frame.family not in CHECKED:
        return
    for broken in flips(frame.bytes):
        with pytest.raises(FrameError):
            decode(frame.characteristic, broken, frame.family)


@pytest.mark.parametrize("frame", of_family("contec"), ids=str)
def test_a_flipped_bit_that_contecs_sum_does_not_see_is_doubted(frame: Frame) -> None:
    for broken in flips(frame.bytes):
        try:
            decoded = decode(frame.characteristic, broken, "contec")
        except FrameError:
            continue
        assert not looks_normal(decoded)


@pytest.mark.parametrize("frame", of_family("berrymed"), ids=str)
def test_a_flipped_sync_bit_of_berrymed_is_refused(frame: Frame) -> None:
    for at in range(5):
        broken = bytearray(frame.bytes)
        broken[at] ^= 0x80
        with pytest.raises(FrameError):
            decode(frame.characteristic, bytes(broken), "berrymed")


@pytest.mark.parametrize("family", FRAMED)
def test_glued_frames_come_apart(family: str) -> None:
    frames = [frame.bytes for frame in of_family(family)]
    stream = Stream(framing_of(family))
    assert stream.feed(b"".join(frames)) == frames
    assert stream.end() == []


@pytest.mark.parametrize("family", FRAMED)
def test_a_frame_split_anywhere_is_put_together(family: str) -> None:
    for frame in of_family(family):
        for at in range(len(frame.bytes) + 1):
            stream = Stream(framing_of(family))
            pieces = stream.feed(frame.bytes[:at]) + stream.feed(frame.bytes[at:])
            assert pieces == [frame.bytes]


@pytest.mark.parametrize("family", FRAMED)
@given(cuts=st.lists(st.integers(1, 40), max_size=60))
def test_frames_come_out_however_they_are_cut(family: str, cuts: list[int]) -> None:
    frames = [frame.bytes for frame in of_family(family)]
    whole = b"".join(frames)
    stream = Stream(framing_of(family))
    pieces: list[bytes | Thrown] = []
    for cut in [*cuts, len(whole)]:
        pieces += stream.feed(whole[:cut])
        whole = whole[cut:]
    assert pieces + stream.end() == frames


@pytest.mark.parametrize("family", FRAMED)
def test_after_a_cut_off_frame_the_next_ones_are_found(family: str) -> None:
    for frame in of_family(family):
        for length in range(1, len(frame.bytes)):
            stream = Stream(framing_of(family))
            cut = stream.feed(frame.bytes[:length]) + stream.end()
            assert all(isinstance(piece, Thrown) and piece.reason for piece in cut)
            assert stream.feed(frame.bytes + frame.bytes) == [frame.bytes, frame.bytes]


@pytest.mark.parametrize("family", FRAMED)
def test_half_a_frame_glued_to_another_never_makes_a_third_reading(family: str) -> None:
    frames = of_family(family)
    sent = {frame.bytes for frame in frames}
    for first in frames:
        for second in frames:
            for length in range(1, len(first.bytes)):
                stream = Stream(framing_of(family))
                pieces = stream.feed(first.bytes[:length] + second.bytes) + stream.end()
                for piece in pieces:
                    if isinstance(piece, Thrown) or piece in sent:
                        continue
                    with pytest.raises(FrameError):
                        decode(second.characteristic, piece, family)


@pytest.mark.parametrize("family", CHECKED)
def test_after_a_flipped_bit_the_next_frames_are_found(family: str) -> None:
    for frame in of_family(family):
        for broken in flips(frame.bytes):
            stream = Stream(framing_of(family))
            pieces = stream.feed(broken + frame.bytes + frame.bytes) + stream.end()
            assert pieces[-2:] == [frame.bytes, frame.bytes]
            assert all(isinstance(piece, Thrown) and piece.reason for piece in pieces[:-2])


@pytest.mark.parametrize("family", FRAMED)
@given(chunks=st.lists(st.binary(max_size=40), max_size=8))
def test_every_byte_comes_out_once_and_in_order(family: str, chunks: list[bytes]) -> None:
    stream = Stream(framing_of(family))
    pieces = [piece for chunk in chunks for piece in stream.feed(chunk)] + stream.end()
    out = [piece.piece if isinstance(piece, Thrown) else piece for piece in pieces]
    assert b"".join(out) == b"".join(chunks)
    for piece in pieces:
        if not isinstance(piece, Thrown):
            assert framing_of(family).fault(piece) == ""


@pytest.mark.parametrize(("family", "characteristic"), EVERY_DECODER)
@given(frame=st.binary(max_size=64))
def test_any_bytes_are_decoded_or_refused(family: str, characteristic: int, frame: bytes) -> None:
    try:
        decoded = decode(characteristic, frame, family)
    except FrameError:
        return
    json.dumps([decoded.observations, decoded.said], allow_nan=False)
    assert bool(decoded.no_value) or decoded.observations or not decoded.measures


@pytest.mark.parametrize("frame", FRAMES, ids=str)
@given(st.data())
def test_a_frame_with_bytes_changed_is_decoded_or_refused(
    frame: Frame, data: st.DataObject
) -> None:
    broken = bytearray(frame.bytes)
    for at in data.draw(st.lists(st.integers(0, len(broken) - 1), max_size=3)):
        broken[at] = data.draw(st.integers(0, 255))
    try:
        decoded = decode(frame.characteristic, bytes(broken), frame.family)
    except FrameError:
        return
    json.dumps([decoded.observations, decoded.said], allow_nan=False)


def test_a_characteristic_or_a_family_that_nobody_reads_is_refused_by_name() -> None:
    with pytest.raises(FrameError, match=r"2A37; known: 2A08, .*2A5E, 2A5F"):
        decode(0x2A37, b"\x00\x48")
    with pytest.raises(FrameError, match="known: plx, thermometer"):
        decode(0x2A5F, b"\x00\x48", "oxygen")
    with pytest.raises(FrameError, match="FF02"):
        decode(uuids.number("FF02"), b"\xeb\x7f\x6a")  # a vendor's number means nothing alone


def test_each_family_reads_the_device_too() -> None:
    for key in FAMILIES:
        assert 0x2A19 in decoders(key)


def test_no_number_of_a_withheld_frame_is_an_observation() -> None:
    withheld = [frame for frame in FRAMES if "finger" in str(frame.entry.get("no_value"))]
    assert len(withheld) > 10
    for frame in withheld:
        decoded = decode(frame.characteristic, frame.bytes, frame.family)
        assert decoded.observations == {}
        assert Quality.NO_FINGER in decoded.quality
