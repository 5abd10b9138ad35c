"""A spool of before the code moved opens, sends the same bytes, settles, and still advises.

It was made by the program of commit 2259444 (`tests/fixtures/make_before_rooms.py`).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device_gateway.advise.adviser import Adviser
from device_gateway.spool.records import Outgoing
from device_gateway.spool.spool import Spool
from tests.factories import NOON, a_reading, minutes
from tests.fixtures.before_rooms.home import golden, held, unpack
from ward_service.contract.ids import derived_id
from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Outcome


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(unpack(tmp_path)) as opened:
        yield opened


def lines(beginning: str) -> list[str]:
    return [line for line in golden() if line.startswith(beginning)]


def test_it_holds_what_it_held_word_for_word(spool: Spool) -> None:
    assert list(held(spool)) == golden()
    assert [len(lines(kind)) for kind in ("out", "drawer", "unclaimed", "second", "plan")] == [
        7, 3, 2, 26, 1,
    ]  # fmt: skip


def test_numbers_go_on_and_receipts_settle(spool: Spool) -> None:
    last = spool.last_seq
    at = NOON + minutes(1)
    body = a_reading(96, at=at, reading_id=derived_id(at, "new")).model_dump_json().encode()
    assert spool.add([Outgoing(derived_id(at, "new"), at, body, 1)]) == [last + 1]
    waiting = spool.after(0, 999)
    receipts = [Receipt(reading_id=one.reading_id, outcome=Outcome.KEPT) for one in waiting]
    assert spool.settle(receipts, at) == [one.seq for one in waiting]
    assert (spool.depth(), spool.oldest_at(), spool.last_seq) == (0, None, last + 1)


def test_what_was_unclaimed_and_the_seconds_become_readings(spool: Spool) -> None:
    first, second = spool.unclaimed()
    number = spool.claim(Outgoing(first.reading_id, first.taken_at, first.payload, 2))
    assert number == spool.last_seq
    assert [one.reading_id for one in spool.unclaimed()] == [second.reading_id]
    until = NOON + minutes(1)
    entry = Outgoing(derived_id(until, "minute"), until, b"{}", 1)
    assert spool.close_minute("oximeter-1", until, [entry]) == [spool.last_seq]
    assert (spool.samples("oximeter-1"), spool.streaming()) == ([], ["oximeter-2"])


@pytest.mark.parametrize(
    ("spo2", "advised"), [(97, "advice.green"), (93, "advice.amber"), (90, "advice.red")]
)
def test_its_plan_still_advises(spool: Spool, spo2: float, advised: str) -> None:
    adviser, now = Adviser(spool), NOON + minutes(10)
    reading = a_reading(spo2, at=now)
    advice = adviser.advised(reading, 1, now).advice
    assert advice is not None
    assert advice.plan_number == adviser.numbers()[1]
    assert advised in advice.text_ids
    told = adviser.told(1, now)
    assert told is not None
    assert told.words
