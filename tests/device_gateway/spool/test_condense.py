import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.spool.condense import INTERVAL_S, condensed, may_condense
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Device, Observation, Reading, Trace
from ward_service.contract.vocabulary import Context, Quality, Source, Vital

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Samples = tuple[float | None, ...]


def a_trace(interval_s: float = 1.0, **samples: Samples) -> Trace:
    return Trace(
        reading_id=new_id(NOON),
        started_at=NOON,
        interval_s=interval_s,
        samples={Vital(vital): seen for vital, seen in samples.items()},
        context=Context.EXERTION,
        device=Device(model="Wrist", battery=80),
        quality=(Quality.LOW_PERFUSION,),
        source_key="key",
    )


def wire(message: Trace | Reading) -> bytes:
    return message.model_dump_json(exclude_defaults=True).encode()


def summary(trace: Trace) -> Trace:
    shorter = condensed(wire(trace))
    assert shorter is not None
    return Trace.model_validate_json(shorter)


def test_the_lowest_spo2_of_ten_seconds_stays_and_the_middle_of_all_else() -> None:
    spo2 = (96, 95, 91, 95, 96, 96, 96, 96, 96, 96) + (97,) * 9 + (88,) + (None,) * 10 + (94,)
    pulse = (70, 71, 72, 73, 180, 70, 71, 72, 73, 30) + (None,) * 9 + (64,) + (80, 90) * 5 + (66,)
    trace = a_trace(spo2=spo2, pulse_rate=pulse)
    short = summary(trace)
    assert short.samples[Vital.SPO2] == (91, 88, None, 94)
    assert short.samples[Vital.PULSE_RATE] == (71, 64, 80, 66)
    assert (short.interval_s, short.summary_of) == (INTERVAL_S, 31)
    same = {"samples", "interval_s", "summary_of"}
    assert short.model_dump(exclude=same) == trace.model_dump(exclude=same)


def test_samples_that_are_seconds_apart_keep_their_place_in_time() -> None:
    every_4_s = tuple(float(90 + n) for n in range(15))
    assert summary(a_trace(4.0, spo2=every_4_s)).samples[Vital.SPO2] == (90, 93, 95, 98, 100, 103)


@pytest.mark.parametrize(
    "payload",
    [
        wire(Reading(reading_id=new_id(NOON), measured_at=NOON, source=Source.BLE)),
        wire(a_trace(60.0, spo2=(96.0,) * 3)),
        wire(a_trace()),
        wire(a_trace().model_copy(update={"summary_of": 60})),
        b'\xff "interval_s"',
        b"",
    ],
)
def test_what_is_no_trace_or_no_longer_than_its_summary_is_left_as_it_is(payload: bytes) -> None:
    assert condensed(payload) is None


def test_a_summary_is_not_made_of_a_summary() -> None:
    once = condensed(wire(a_trace(spo2=tuple(float(90 + n % 8) for n in range(60)))))
    assert once is not None
    assert condensed(once) is None


def test_only_a_trace_looks_like_one() -> None:
    assert may_condense(wire(a_trace(spo2=(96.0,))))
    observed = (Observation(vital=Vital.SPO2, value=96),)
    reading = Reading(
        reading_id=new_id(NOON), measured_at=NOON, source=Source.BLE, observations=observed
    )
    assert not may_condense(wire(reading))
    assert not may_condense(json.dumps({"answer": 'she said "interval_s": 5'}).encode())


@given(st.lists(st.one_of(st.none(), st.floats(50, 100)), min_size=30, max_size=600))
def test_no_low_value_is_lost_and_none_is_made_up(spo2: list[float | None]) -> None:
    seen = [value for value in spo2 if value is not None]
    shorter = condensed(wire(a_trace(0.5, spo2=tuple(spo2))))
    if shorter is None:  # of a few values that a summary would not make fewer
        return
    kept = [v for v in Trace.model_validate_json(shorter).samples[Vital.SPO2] if v is not None]
    assert min(kept, default=None) == min(seen, default=None)
    assert set(kept) <= set(seen)
