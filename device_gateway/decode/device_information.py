"""What a device says of itself (GATT 0x180A) and of its battery (0x2A19).

Source: Bluetooth SIG, Device Information Service 1.1 [BT-DIS], Battery Service 1.0 [BT-BAS].
"""

from collections.abc import Mapping
from typing import Final

from device_gateway.decode.frame import Decoded, Decoder, FrameError, no_measurement
from ward_service.contract.messages import Device

BATTERY_LEVEL: Final = 0x2A19
SYSTEM_ID: Final = 0x2A23
MODEL: Final = 0x2A24
SERIAL: Final = 0x2A25
FIRMWARE: Final = 0x2A26
HARDWARE: Final = 0x2A27
SOFTWARE: Final = 0x2A28
MAKER: Final = 0x2A29

LONGEST: Final = 100  # characters that the wire contract takes


def decode_battery(frame: bytes) -> Decoded:
    """Return the battery level in per cent.

    Raises:
        FrameError: it is not one byte, or over 100, which is reserved.
    """
    if len(frame) != 1:
        raise FrameError(f"a battery level is one byte, not {len(frame)}")
    level = frame[0]
    if level > 100:
        raise FrameError("a battery level over 100 is reserved")
    return no_measurement({"battery": level}, Device(battery=level))


def cleaned(text: str) -> str:
    """Return what people can read of a device's text, within what the wire takes."""
    return "".join(filter(str.isprintable, text)).strip()[:LONGEST]


def _text(frame: bytes) -> str:
    try:
        return cleaned(frame.decode())
    except UnicodeDecodeError:
        raise FrameError("not text: no UTF-8") from None


def _decode_model(frame: bytes) -> Decoded:
    model = _text(frame)
    return no_measurement({"model": model}, Device(model=model))


def _decode_serial(frame: bytes) -> Decoded:
    serial = _text(frame)
    return no_measurement({"serial": serial}, Device(serial=serial))


def _decode_firmware(frame: bytes) -> Decoded:
    firmware = _text(frame)
    return no_measurement({"firmware": firmware}, Device(firmware=firmware))


def _decode_maker(frame: bytes) -> Decoded:
    return no_measurement({"maker": _text(frame)})


def _decode_hardware(frame: bytes) -> Decoded:
    return no_measurement({"hardware": _text(frame)})


def _decode_software(frame: bytes) -> Decoded:
    return no_measurement({"software": _text(frame)})


def _decode_system_id(frame: bytes) -> Decoded:
    return no_measurement({"system_id": frame.hex()})


DECODERS: Final[Mapping[int, Decoder]] = {
    BATTERY_LEVEL: decode_battery,
    SYSTEM_ID: _decode_system_id,
    MODEL: _decode_model,
    SERIAL: _decode_serial,
    FIRMWARE: _decode_firmware,
    HARDWARE: _decode_hardware,
    SOFTWARE: _decode_software,
    MAKER: _decode_maker,
}
