"""Viatom's ring and wrist oximeters: O2Ring, Checkme O2, Oxylink and their like.

Source: MackeyStingray/o2r (e8ad57f) [VIATOM-O2R], ecostech/viatom-ble (3c49e6f) [VIATOM-BLE],
viatom-develop/LepuBle [VIATOM-LEPU], which agree; read from frames captured by o2r. The device is
asked, and answers in frames cut into notifications of 20 bytes:

    55 | status | ~status | block, 2 | length, 2 | payload | CRC-8 over all before

An answer does not say to which question: a live answer is told by its 13 bytes, the description of
the device by its brace. So one question at a time. Bytes 3 to 6 and 12 of a live answer are unread.
"""

import json
from datetime import datetime
from typing import Final

from device_gateway.decode import uuids, viatom_file
from device_gateway.decode.checksum import crc8
from device_gateway.decode.device_information import cleaned
from device_gateway.decode.family import Evidence, Family, Marks, Profile, Repeat, Write
from device_gateway.decode.frame import Decoded, FrameError, NoValue, no_measurement
from device_gateway.decode.oximetry import measured, reading
from device_gateway.decode.stream import (
    BEGINS_INSIDE,
    WRONG_CHECKSUM,
    Framing,
    refuse_broken,
)
from ward_service.contract.messages import Device
from ward_service.contract.vocabulary import Quality

SERVICE: Final = uuids.number("14839ac4-7d7e-415c-9a42-167340cf2339")
ANSWERS: Final = uuids.number("0734594a-a8e7-4b1a-a6b1-cd5243059a57")
QUESTIONS: Final = uuids.number("8b00ace7-eb0b-49b0-bbe9-9aee0a26e1a3")

ASK_DESCRIPTION, ASK_LIVE = 0x14, 0x17

_QUESTION, _ANSWER = 0xAA, 0x55
_HEAD, _CRC = 7, 1
_LONGEST_PAYLOAD: Final = 1024  # twice a block of a stored file; bounds what a broken length holds
_LIVE_PAYLOAD: Final = 13
_DONE: Final = bytes([_ANSWER, 0x00, 0xFF])
_CHARGING: Final = {0: "no", 1: "charging", 2: "charged"}


def question(command: int, payload: bytes = b"", block: int = 0) -> bytes:
    """Return the frame that asks; write it in pieces of at most 20 bytes."""
    head = bytes([_QUESTION, command, command ^ 0xFF])
    sizes = block.to_bytes(2, "little") + len(payload).to_bytes(2, "little")
    frame = head + sizes + payload
    return frame + bytes([crc8(frame)])


def _length(held: bytes) -> int | None:
    if held[0] != _ANSWER or (len(held) > 2 and held[1] ^ held[2] != 0xFF):
        return 0
    if len(held) < _HEAD:
        return None
    payload = int.from_bytes(held[5:7], "little")
    return _HEAD + payload + _CRC if payload <= _LONGEST_PAYLOAD else 0


def _fault(frame: bytes) -> str:
    if crc8(frame[:-1]) != frame[-1]:
        return WRONG_CHECKSUM
    # Eight bits of checksum let one cut in 256 pass; no live answer holds another's beginning.
    live = len(frame) == _HEAD + _LIVE_PAYLOAD + _CRC
    return BEGINS_INSIDE if live and _DONE in frame[1:] else ""


FRAMING: Final = Framing(_length, _fault)


def decode(frame: bytes) -> Decoded:
    """Return what a whole answer says.

    Raises:
        FrameError: it is not whole, or answers nothing that we ask.
    """
    refuse_broken(FRAMING, frame)
    status, payload = frame[1], frame[_HEAD:-_CRC]
    if status:
        return no_measurement({"answer": "refused", "status": status})
    if not payload:
        return no_measurement({"answer": "done"})
    if payload.startswith(b"{"):
        return _description(payload)
    if len(payload) != _LIVE_PAYLOAD:
        raise FrameError(f"{len(payload)} bytes are no answer to what we ask")
    return _live(payload)


def _live(payload: bytes) -> Decoded:
    spo2 = measured(payload[0], 0xFF)
    pulse_rate = measured(int.from_bytes(payload[1:3], "little"), 0xFFFF)
    battery, charging, motion, perfusion, worn = payload[7:12]
    withheld = None
    if not worn:
        withheld = NoValue.FINGER_OFF
    elif not any(payload[0:3]):
        withheld = NoValue.CALIBRATING
    return reading(
        spo2,
        pulse_rate,
        perfusion / 10,
        withheld=withheld,
        doubts=[Quality.QUESTIONABLE] if worn > 1 else [],
        said={
            "worn": bool(worn),
            "motion": motion,
            "battery": battery,
            "charging": _CHARGING.get(charging, f"state {charging}"),
        },
        device=Device(battery=battery) if battery <= 100 else None,
    )


def _description(payload: bytes) -> Decoded:
    try:
        told: dict[str, object] = json.loads(payload.rstrip(b"\0 \t\r\n"))
    except (ValueError, RecursionError):
        raise FrameError("a description that is no JSON") from None
    words = {key: cleaned(word) for key, word in told.items() if isinstance(word, str)}
    battery = words.get("CurBAT", "").removesuffix("%")
    device = Device(
        model=words.get("Model", ""),
        serial=words.get("SN", ""),
        firmware=words.get("SoftwareVer", ""),
        battery=int(battery) if battery in _PER_CENT else None,
    )
    stored = str(told.get("FileList", "")).split(",")
    files = [cleaned(name) for name in stored if name]
    said = device.model_dump(exclude_defaults=True) | {"files": files}
    return no_measurement(said, device, _time(words.get("CurTIME", "")))


_PER_CENT: Final = frozenset(map(str, range(101)))


def _time(shown: str) -> datetime | None:
    try:
        return datetime.strptime(shown, "%Y-%m-%d,%H:%M:%S")  # noqa: DTZ007 - it has no zone
    except ValueError:
        return None


FAMILY: Final = Family(
    key="viatom",
    label="Viatom and Wellue (O2Ring, Checkme O2, Oxylink)",
    evidence=Evidence.CAPTURED,
    marks=Marks(
        services=frozenset({SERVICE}),
        names=(
            *("O2Ring", "O2M", "CheckMe", "SleepU", "SleepO2"),
            *("WearO2", "KidsO2", "BabyO2", "Oxylink"),
        ),
    ),
    profile=Profile(
        subscribe=(ANSWERS,),
        decoders={ANSWERS: decode},
        start=(Write(QUESTIONS, question(ASK_DESCRIPTION)),),
        repeat=Repeat(Write(QUESTIONS, question(ASK_LIVE)), every_s=2),
        silence_s=6,  # three questions without an answer
        framing=FRAMING,
        file_decoder=viatom_file.decode,
        live=frozenset({ANSWERS}),
    ),
)
