"""Plays recordings through homes: every sample becomes the bytes that an oximeter sends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from device_gateway.capture.capture import Capture
from device_gateway.decode import plx
from device_gateway.decode.plx import Pair, PlxFrame
from device_gateway.decode.plx_status import Measurement
from device_gateway.decode.sfloat import Special
from device_gateway.home import Home
from device_gateway.playback.recordings import Recording, RecordingError, Sample
from device_gateway.playback.scheduler import Due, Part, oximeter
from device_gateway.spool.records import Progress
from ward_service.contract.messages import Device


@dataclass(frozen=True, slots=True)
class Manner:
    """How a recording is played.

    `spot_check`: as 0x2A5E indications, else as 0x2A5F notifications. `hurry`: as fast as it goes,
    with the last sample now. `as_recorded`: with the times of the file, which implies hurry.
    `as_minutes`: as the live stream of the home's own oximeter, a reading a minute.
    """

    spot_check: bool = False
    hurry: bool = False
    as_recorded: bool = False
    as_minutes: bool = False


def parts(
    recordings: Sequence[Recording], homes: Sequence[Home], now: datetime, manner: Manner
) -> list[Part]:
    """Give each recording to one home, in order, to go on where it was left.

    Raises:
        RecordingError: too few homes, or times are asked for that a recording does not have.
    """
    if len(recordings) > len(homes):
        raise RecordingError(
            f"{len(recordings)} recordings, but only {len(homes)} homes in the homes file;"
            " add gateways at the ward, or replay fewer files"
        )
    if manner.as_recorded:
        undated = [r.name for r in recordings if any(s.measured_at is None for s in r.samples)]
        if undated:
            raise RecordingError(f"no date in {', '.join(undated)}: --as-recorded needs one")
    return [
        _part(recording, home, now, manner)
        for recording, home in zip(recordings, homes, strict=False)
    ]


def _part(recording: Recording, home: Home, now: datetime, manner: Manner) -> Part:
    source = f"{recording.key} as minutes" if manner.as_minutes else recording.key
    before = home.spool.progress(source)
    taken = before.taken if before else 0
    started_at = _started_at(recording, before, now, manner)
    rest = _dues(recording, taken, started_at, manner)
    device = oximeter(home.place, recording.device)
    return Part(home, device, source, started_at, taken, rest, as_minutes=manner.as_minutes)


def _started_at(
    recording: Recording, before: Progress | None, now: datetime, manner: Manner
) -> datetime:
    """Return the moment of the first sample, such that nothing is measured in the future.

    A replay that goes on keeps its moments; it is moved back only when the next sample would
    have to be waited for (or, in a hurry, when the last would lie ahead).
    """
    if manner.hurry:
        latest = now - recording.lasts
    else:
        upcoming = recording.samples[before.taken :] if before else ()
        latest = now - upcoming[0].since_start if upcoming else now
    return min(before.started_at, latest) if before else latest


def _dues(recording: Recording, taken: int, started_at: datetime, manner: Manner) -> Iterator[Due]:
    device = Device(model=recording.device) if recording.device else None
    characteristic = plx.SPOT_CHECK if manner.spot_check else plx.CONTINUOUS
    for sample in recording.samples[taken:]:
        at = started_at + sample.since_start
        if manner.as_recorded and sample.measured_at is not None:
            at = sample.measured_at
        frame = plx.encode(characteristic, _frame(sample, at, manner))
        yield Due(at, Capture(characteristic, frame, at, device))


def _frame(sample: Sample, at: datetime, manner: Manner) -> PlxFrame:
    """Return what a device would have sent: "measurement ongoing", as captured ones say."""
    return PlxFrame(
        normal=Pair(_sent(sample.spo2), _sent(sample.pulse_rate)),
        measurement=Measurement.ONGOING,
        pulse_amplitude=sample.perfusion_index,
        device_time=at.astimezone(UTC).replace(tzinfo=None) if manner.spot_check else None,
    )


def _sent(value: Decimal | None) -> Decimal | Special:
    return Special.NOT_A_NUMBER if value is None else value
