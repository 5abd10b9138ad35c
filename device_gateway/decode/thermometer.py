"""Thermometer frames (GATT 0x2A1C, Temperature Measurement) to degrees Celsius.

Source: Bluetooth SIG, Health Thermometer Service 1.0 [BT-HTS]; FLOAT numbers: IEEE 11073-20601
[IEEE-11073-20601].
A thermometer keeps what it measured while nobody listened and sends it later, so a time in the
frame says when it was. Where on the body it was taken stays with the frame: sites differ.
"""

from typing import Final

from device_gateway.decode import device_clock
from device_gateway.decode.family import Evidence, Family, Marks, Profile
from device_gateway.decode.fields import Fields, value_said
from device_gateway.decode.frame import Decoded, NoValue
from device_gateway.decode.sfloat import Special
from ward_service.contract.vocabulary import Quality, Vital

SERVICE: Final = 0x1809
MEASUREMENT: Final = 0x2A1C

_FAHRENHEIT, _TIME, _SITE = (1 << n for n in range(3))
_SITES: Final = (
    *("armpit", "body", "ear", "finger", "gastro-intestinal tract"),
    *("mouth", "rectum", "toe", "eardrum"),
)


def decode(frame: bytes) -> Decoded:
    """Return what a 0x2A1C frame says.

    Raises:
        FrameError: the frame is shorter than its own flags announce.
    """
    fields = Fields(frame)
    flags = fields.uint(1)
    shown = fields.float32()
    time = fields.date_time() if flags & _TIME else None
    site = fields.uint(1) if flags & _SITE else None
    unit = "fahrenheit" if flags & _FAHRENHEIT else "celsius"
    said: dict[str, object] = {unit: value_said(shown)}
    if site is not None:
        said["site"] = _SITES[site - 1] if 1 <= site <= len(_SITES) else f"reserved site {site}"
    if time is not None:
        said["device_time"] = time.isoformat()
    celsius = None if isinstance(shown, Special) else _celsius(shown, flags)
    return Decoded(
        observations={} if celsius is None else {Vital.TEMPERATURE: celsius},
        quality=(Quality.CLOCK_NOT_SET,) if flags & _TIME and time is None else (),
        no_value=NoValue.NOT_MEASURED if celsius is None else None,
        device_time=time,
        said=said,
        recorded=time is not None,
    )


def _celsius(shown: float, flags: int) -> float:
    # A tenth of a degree Fahrenheit is 0.056 degrees Celsius: two decimals keep it apart.
    return round((shown - 32) * 5 / 9, 2) if flags & _FAHRENHEIT else shown


FAMILY: Final = Family(
    key="thermometer",
    label="Thermometer (0x1809)",
    evidence=Evidence.CAPTURED,
    marks=Marks(services=frozenset({SERVICE})),
    profile=Profile(
        subscribe=(MEASUREMENT,),
        decoders={MEASUREMENT: decode},
        clock=device_clock.settings,
    ),
)
