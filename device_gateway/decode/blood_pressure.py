"""Blood pressure frames (GATT 0x2A35, Blood Pressure Measurement) to mmHg.

Source: Bluetooth SIG, Blood Pressure Service 1.1 [BT-BLS]; SFLOAT numbers: IEEE 11073-20601
[IEEE-11073-20601].
A cuff sends its whole memory again at every connection, and says nowhere that a record is old: only
its own time tells. Some cuffs have two users; whose record it is, is the cuff's claim.
"""

from enum import IntFlag
from typing import Final

from device_gateway.decode import device_clock
from device_gateway.decode.family import Evidence, Family, Marks, Profile
from device_gateway.decode.fields import Fields, numbers, value_said, words
from device_gateway.decode.frame import Decoded, NoValue, in_order
from device_gateway.decode.sfloat import Sfloat, Special
from ward_service.contract.vocabulary import Quality, Vital

SERVICE: Final = 0x1810
MEASUREMENT: Final = 0x2A35

_KILOPASCAL, _TIME, _PULSE, _USER, _STATUS = (1 << n for n in range(5))
_UNKNOWN_USER: Final = 255
_MMHG_PER_KILOPASCAL: Final = (
    1000 / 133.322387415
)  # conventional millimetre of mercury: ISO 80000-4


class Status(IntFlag):
    """Measurement Status, 16 bits; 6 to 15 are reserved."""

    BODY_MOVED = 1 << 0
    CUFF_TOO_LOOSE = 1 << 1
    IRREGULAR_PULSE = 1 << 2
    PULSE_ABOVE_RANGE = 1 << 3
    PULSE_BELOW_RANGE = 1 << 4
    IMPROPER_POSITION = 1 << 5


# An irregular pulse too: automated devices may not measure accurately then (NICE NG136, 1.1.2).
_DOUBT: Final = Status((1 << 6) - 1)


def decode(frame: bytes) -> Decoded:
    """Return what a 0x2A35 frame says.

    Raises:
        FrameError: the frame is shorter than its own flags announce.
    """
    fields = Fields(frame)
    flags = fields.uint(1)
    unit = _mmhg_of_kilopascal if flags & _KILOPASCAL else _as_it_is
    systolic, diastolic, mean = (unit(fields.sfloat()) for _ in range(3))
    time = fields.date_time() if flags & _TIME else None
    pulse = fields.sfloat() if flags & _PULSE else None
    user = fields.uint(1) if flags & _USER else _UNKNOWN_USER
    status = Status(fields.uint(2) if flags & _STATUS else 0)
    sent = {Vital.SYSTOLIC_BP: systolic, Vital.DIASTOLIC_BP: diastolic, Vital.PULSE_RATE: pulse}
    observations = numbers(sent)
    doubts = [Quality.QUESTIONABLE] if status & _DOUBT else []
    if flags & _TIME and time is None:
        doubts.append(Quality.CLOCK_NOT_SET)
    whole = {Vital.SYSTOLIC_BP, Vital.DIASTOLIC_BP} <= observations.keys()
    said: dict[str, object] = {
        "systolic": value_said(systolic),
        "diastolic": value_said(diastolic),
        "mean_arterial_pressure": value_said(mean) if mean else "not sent",  # 0 on many cuffs
        "pulse_rate": "not sent" if pulse is None else value_said(pulse),
        "user": "unknown" if user == _UNKNOWN_USER else user,
        "status": words(status),
    }
    if time is not None:
        said["device_time"] = time.isoformat()
    return Decoded(
        observations=observations,
        quality=in_order(doubts),
        no_value=None if whole else NoValue.NOT_MEASURED,
        device_time=time,
        said=said,
        recorded=time is not None,
        user=None if user == _UNKNOWN_USER else user,
    )


def _as_it_is(value: Sfloat) -> Sfloat:
    return value


def _mmhg_of_kilopascal(value: Sfloat) -> Sfloat:
    # To a tenth: a cuff that shows 0.1 kPa steps by 0.75 mmHg.
    return value if isinstance(value, Special) else round(value * _MMHG_PER_KILOPASCAL, 1)


FAMILY: Final = Family(
    key="blood_pressure",
    label="Blood pressure (0x1810)",
    evidence=Evidence.CAPTURED,
    marks=Marks(services=frozenset({SERVICE})),
    profile=Profile(
        subscribe=(MEASUREMENT,),
        decoders={MEASUREMENT: decode},
        clock=device_clock.settings,
    ),
)
