"""A trace that a nearly full spool made shorter, as the ward takes it. Promises 1 and 2."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from device_gateway.spool.condense import condensed
from tests.device_gateway.spool.test_condense import a_trace, wire
from tests.factories import NOON, Home, a_home, a_ward
from ward_service.contract.vocabulary import Level, Outcome
from ward_service.pipeline import take_batch
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.ward import Ward


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = a_ward(tmp_path)
    yield made
    engine_of(made.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


def test_a_trace_that_the_ward_has_and_that_comes_again_shorter_is_a_duplicate(
    ward: Ward, home: Home
) -> None:
    trace = a_trace(spo2=(97.0,) * 60)
    whole = wire(trace)
    short = condensed(whole)
    assert short is not None
    for payload, outcome in ((whole, Outcome.KEPT), (short, Outcome.DUPLICATE)):
        message = home.sends_bytes(payload, trace.reading_id)
        [(_, receipt)] = take_batch(ward, [message], NOON)
        assert (receipt.reading_id, receipt.outcome) == (trace.reading_id, outcome)
    with ward.sessions() as session:
        assert len(list(session.scalars(select(ReadingRow)))) == 1


@pytest.mark.parametrize("shorter", [False, True])
def test_a_red_that_was_held_is_red_whole_and_shorter(
    ward: Ward, home: Home, shorter: bool
) -> None:
    spo2 = (97.0,) * 10 + (88.0,) * 40 + (97.0,) * 10
    trace = a_trace(spo2=spo2)
    whole = wire(trace)
    payload = condensed(whole) if shorter else whole
    assert payload is not None
    [(_, receipt)] = take_batch(ward, [home.sends_bytes(payload, trace.reading_id)], NOON)
    assert receipt.outcome is Outcome.KEPT
    with ward.sessions() as session:
        [alert] = session.scalars(select(AlertRow))
    assert alert.level is Level.RED
