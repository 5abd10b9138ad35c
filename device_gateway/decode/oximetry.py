"""What the vendors' oximeters have in common: numbers that stand for none, and how doubt is told.

In a vendor's frame a number is there even when nothing was measured: 0, 127, 255, 511. Each family
names its own; 0 is one in all of them, because no oximeter shows 0 % or a pulse of 0.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from device_gateway.decode.frame import Decoded, NoValue, in_order
from ward_service.contract.messages import Device
from ward_service.contract.vocabulary import Quality, Vital

NO_VALUE: Final = "no value"


def measured(sent: int, *stands_for_none: int) -> int | None:
    """Return the number that was sent, or None where it stands for none."""
    return None if sent == 0 or sent in stands_for_none else sent


def reading(
    spo2: int | None,
    pulse_rate: int | None,
    perfusion_index: float | None = None,
    *,
    withheld: NoValue | None = None,
    doubts: Iterable[Quality] = (),
    said: Mapping[str, object],
    device: Device | None = None,
) -> Decoded:
    """Return what an oximeter's frame says; `withheld` is why its numbers are no measurement.

    An SpO2 over 100 is passed on with a doubt, not dropped: it may be the pulse in the wrong place,
    and the ward's rules look for that.
    """
    sent = {
        Vital.SPO2: spo2,
        Vital.PULSE_RATE: pulse_rate,
        Vital.PERFUSION_INDEX: perfusion_index or None,
    }
    numbers = {vital: float(value) for vital, value in sent.items() if value is not None}
    told = {str(vital): numbers.get(vital, NO_VALUE) for vital in sent}
    flags = set(doubts)
    if withheld is NoValue.FINGER_OFF:
        flags.add(Quality.NO_FINGER)
    if spo2 is not None and spo2 > 100:
        flags.add(Quality.QUESTIONABLE)
    no_value = withheld
    if no_value is None and not {Vital.SPO2, Vital.PULSE_RATE} <= numbers.keys():
        no_value = NoValue.NOT_MEASURED
    return Decoded(
        observations={} if withheld else numbers,
        quality=in_order(flags),
        no_value=no_value,
        said={**told, **said},
        device=device,
    )
