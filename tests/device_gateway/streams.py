"""A home with its devices, hers and shared ones, and live streams for it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from device_gateway.capture.capture import Capture
from device_gateway.config.devices_file import Paired
from device_gateway.config.homes_file import Broker
from device_gateway.decode import berrymed, plx
from device_gateway.decode.plx import CONTINUOUS, Pair, PlxFrame
from device_gateway.decode.plx_status import Measurement, Sensor
from device_gateway.decode.sfloat import Special
from device_gateway.home import Home, open_home
from device_gateway.spool.spool import Spool
from tests.device_gateway.conftest import a_place
from tests.fakes.adviser import ByTheRules
from ward_service.contract.clock import real_clock
from ward_service.contract.messages import Reading, Trace
from ward_service.contract.vocabulary import Vital

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HERS = Paired(address="A0:00:00:00:00:01", family="plx", slots=(1,), model="one's own")
SHARED = Paired(address="A0:00:00:00:00:02", family="plx", slots=(1, 2), model="shared")
CUFF = Paired(
    address="A0:00:00:00:00:03", family="blood_pressure", slots=(1, 2), users={0: 1, 1: 2}
)
FAST = Paired(address="A0:00:00:00:00:04", family="berrymed", slots=(1,))

Value = float | None  # None: no finger


def a_home(folder: Path, adviser: ByTheRules | None = None) -> Home:
    place, broker = a_place(), Broker(host="127.0.0.1", port=1)
    if adviser is None:
        return open_home(place, broker, folder, real_clock(), Event())
    spool = Spool(folder / f"{place.gateway}.spool")
    return Home(place, broker, spool, adviser.over(spool), real_clock(), Event())


def frame(value: Value, pulse: int = 72, measurement: Measurement | None = None) -> bytes:
    """Return a continuous PLX frame."""
    if value is None:
        nothing = Pair(Special.NOT_A_NUMBER, Special.NOT_A_NUMBER)
        return plx.encode(CONTINUOUS, PlxFrame(nothing, sensor=Sensor.UNCONNECTED_TO_USER))
    return plx.encode(CONTINUOUS, PlxFrame(Pair(value, pulse), measurement=measurement))


def live(value: Value, at: datetime, measurement: Measurement | None = None) -> Capture:
    return Capture(CONTINUOUS, frame(value, measurement=measurement), at, family="plx")


def hears(
    home: Home, values: Iterable[Value], at: datetime = NOON, device: Paired = HERS
) -> datetime:
    """Have a home hear a value a second; return the moment after the last."""
    for value in values:
        home.hear(device, [live(value, at)])
        at += SECOND
    return at


def berry(spo2: int, pulse: int = 72) -> bytes:
    """Return a frame of BerryMed's: 100 of them come in a second."""
    return bytes([0x86, 50, (pulse >> 1) & 0x40, pulse & 0x7F, spo2])


def fast(values: Sequence[int], at: datetime) -> Iterator[list[Capture]]:
    """Yield notifications of four frames, 100 frames a second."""
    captures = [
        Capture(berrymed.FRAMES, berry(v), at + n * timedelta(milliseconds=10), family="berrymed")
        for n, v in enumerate(values)
    ]
    for n in range(0, len(captures), 4):
        yield captures[n : n + 4]


Sent = tuple[int | None, Reading | Trace]


def sent(home: Home) -> list[Sent]:
    return [(held.slot, message(held.payload)) for held in home.spool.after(0, 100_000)]


def message(payload: bytes) -> Reading | Trace:
    if b'"samples"' in payload:
        return Trace.model_validate_json(payload)
    return Reading.model_validate_json(payload)


def traces(home: Home) -> list[Trace]:
    return [one for _, one in sent(home) if isinstance(one, Trace)]


def readings(home: Home) -> list[Reading]:
    return [one for _, one in sent(home) if isinstance(one, Reading)]


def values_at(trace: Trace, vital: Vital = Vital.SPO2) -> dict[datetime, float]:
    """Return every second of a trace that has a value, by its moment."""
    return {
        trace.started_at + n * timedelta(seconds=trace.interval_s): value
        for n, value in enumerate(trace.samples[vital])
        if value is not None
    }


def spo2(reading: Reading) -> float | None:
    return next((o.value for o in reading.observations if o.vital is Vital.SPO2), None)
