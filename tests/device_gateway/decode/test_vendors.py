"""What is peculiar to one vendor; what all have in common is in `test_frames.py`."""

import pytest

from device_gateway.decode import contec, nonin, pc60fw, viatom
from device_gateway.decode.checksum import crc8, crc8_maxim, sum7
from device_gateway.decode.frame import FrameError
from device_gateway.decode.stream import Stream, Thrown
from ward_service.contract.messages import Device
from ward_service.contract.vocabulary import Quality, Vital


def answer(payload: bytes) -> bytes:
    frame = b"\x55\x00\xff\x00\x00" + len(payload).to_bytes(2, "little") + payload
    return frame + bytes([crc8(frame)])


def of_contec(frame: str) -> bytes:
    body = bytes.fromhex(frame)
    return body + bytes([sum7(body)])


def of_pc60fw(frame: str) -> bytes:
    body = bytes.fromhex(frame)
    return body + bytes([crc8_maxim(body)])


# Viatom


def test_an_answer_longer_than_any_is_not_waited_for() -> None:
    endless = bytes.fromhex("5500ff0000ffff")
    pieces = Stream(viatom.FRAMING).feed(endless + answer(b""))
    assert pieces == [Thrown(endless, "no frame begins here"), answer(b"")]


@pytest.mark.parametrize("battery", [101, 255])
def test_a_battery_that_cannot_be_costs_no_value(battery: int) -> None:
    payload = bytes.fromhex("62420000000000") + bytes([battery]) + bytes.fromhex("00920a0100")
    decoded = viatom.decode(answer(payload))
    assert decoded.observations[Vital.SPO2] == 98
    assert decoded.device is None


@pytest.mark.parametrize("length", [1, 12, 14, 512])
def test_an_answer_that_we_did_not_ask_for_is_refused(length: int) -> None:
    with pytest.raises(FrameError, match=f"{length} bytes are no answer"):
        viatom.decode(answer(b"b" * length))


@pytest.mark.parametrize(
    "payload", [b"{", b'{"SN": 1', b"{}{}", b"{\xff}", b'{"a":' * 200, b"{" + b"[" * 1000]
)
def test_a_description_that_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(FrameError, match="no JSON"):
        viatom.decode(answer(payload))


@pytest.mark.parametrize("level", ['"101%"', '"full"', '"-1%"', '"٣"', "97", "null", '""'])
def test_a_battery_level_that_is_none_is_left_out(level: str) -> None:
    decoded = viatom.decode(answer(f'{{"SN":"1","CurBAT":{level}}}'.encode()))
    assert decoded.device == Device(serial="1")


def test_a_clock_that_shows_no_date_is_none() -> None:
    assert viatom.decode(answer(b'{"CurTIME":"2025-13-06,22:20:56"}')).device_time is None


# Contec


def test_half_a_frame_with_the_right_sum_by_chance_is_refused() -> None:
    glued = bytes.fromhex("eb01" + "eb0105445e7f0012")
    assert sum7(glued[:7]) == glued[7]
    pieces = Stream(contec.FRAMING).feed(glued)
    assert pieces == [Thrown(glued[:2], "another frame begins inside it"), glued[2:]]


@pytest.mark.parametrize(
    ("frame", "pulse_rate", "quality"),
    [
        ("eb0105445e7f00", 68, ()),
        ("eb01057f5e7f00", 127, ()),
        ("eb0104445e7f00", 68, (Quality.QUESTIONABLE,)),
        ("eb0106005e7f00", 128, (Quality.QUESTIONABLE,)),
        ("eb0107165e7f00", 150, (Quality.QUESTIONABLE,)),
        ("eb0105965e7f00", 150, (Quality.QUESTIONABLE,)),
        ("eb0107965e7f00", 150, (Quality.QUESTIONABLE,)),
        ("eb0105445e1203", 68, (Quality.QUESTIONABLE,)),
        ("eb0185445e7f00", 68, (Quality.QUESTIONABLE,)),
    ],
)
def test_what_contecs_sources_do_not_agree_about_is_doubted(
    frame: str, pulse_rate: int, quality: tuple[Quality, ...]
) -> None:
    decoded = contec.decode(of_contec(frame))
    assert decoded.observations == {Vital.SPO2: 94, Vital.PULSE_RATE: pulse_rate}
    assert decoded.quality == quality


# Nonin


def test_a_nonin_frame_begins_with_its_length() -> None:
    with pytest.raises(FrameError, match="not a frame of 10 bytes"):
        nonin.decode(bytes.fromhex("0b151e03200001610048"))


# PC-60FW


@pytest.mark.parametrize("frame", ["aa550f020a", "aa550f0501603e00", "aa55f003010a"])
def test_a_kind_that_is_not_published_is_refused(frame: str) -> None:
    with pytest.raises(FrameError, match="no published kind"):
        pc60fw.decode(of_pc60fw(frame))


@pytest.mark.parametrize("length", ["00", "01", "41", "ff"])
def test_a_length_that_no_frame_has_is_not_waited_for(length: str) -> None:
    broken, whole = bytes.fromhex("aa550f" + length), of_pc60fw("aa55f00303 03".replace(" ", ""))
    pieces = Stream(pc60fw.FRAMING).feed(broken + whole)
    assert pieces == [Thrown(broken, "no frame begins here"), whole]


def test_a_frame_with_another_inside_is_refused_although_its_checksum_fits() -> None:
    with pytest.raises(FrameError, match="begins inside"):
        pc60fw.decode(of_pc60fw("aa550f0801aa55000000c0"))
