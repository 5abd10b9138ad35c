"""Which numbers of a stream are missing: in any order, however often, and bounded."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOON, minutes
from ward_service.domain import sequence as module
from ward_service.domain.sequence import LARGEST, Gap, Missing, Numbers


def came(*given: int, at: datetime = NOON) -> Numbers:
    numbers = Numbers()
    for n in given:
        numbers.came(n, at)
    return numbers


def missing(numbers: Numbers) -> int:
    found = numbers.missing_by(NOON + minutes(10_000))
    return found.count if found else 0


@given(st.lists(st.integers(1, 60), max_size=120))
def test_what_is_missing_is_what_did_not_come_in_whatever_order(sent: list[int]) -> None:
    numbers, seen = Numbers(), set[int]()
    for n in sent:
        assert numbers.came(n, NOON) is (n not in seen)
        seen.add(n)
    not_come = set(range(1, max(seen, default=0) + 1)) - seen
    assert missing(numbers) == len(not_come)
    assert {n for gap in numbers.gaps() for n in range(gap.first, gap.last + 1)} == not_come
    assert numbers.top == max(seen, default=0)


@given(st.permutations(range(1, 30)))
def test_all_that_came_leaves_nothing_behind(order: list[int]) -> None:
    numbers = came(*order)
    assert (numbers.upto, numbers.beyond, list(numbers.gaps())) == (29, [], [])


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 90)), max_size=60))
def test_a_gap_is_as_old_as_the_first_later_number_that_was_seen(
    sent: list[tuple[int, int]],
) -> None:
    numbers, first_seen, now = Numbers(), dict[int, datetime](), NOON
    for n, wait in sent:
        now += minutes(wait)
        numbers.came(n, now)
        first_seen.setdefault(n, now)
    for gap in numbers.gaps():
        assert gap.since == min(at for n, at in first_seen.items() if n > gap.last)


def test_a_new_stream_begins_at_one_so_what_was_before_the_first_is_missing() -> None:
    numbers = came(4)
    assert list(numbers.gaps()) == [Gap(1, 3, NOON)]
    assert missing(numbers) == 3


def test_what_the_home_says_it_made_and_never_came_is_missing_too() -> None:
    numbers = came(1, 2)
    numbers.says_made(3, NOON)
    assert missing(numbers) == 0
    numbers.says_made(6, NOON + minutes(1))
    numbers.says_made(7, NOON + minutes(2))  # what is made meanwhile does not make it younger
    assert list(numbers.gaps()) == [Gap(3, 5, NOON + minutes(1))]
    for n in (3, 4, 5):
        numbers.came(n, NOON + minutes(3))
    assert missing(numbers) == 0


def test_a_gap_is_told_once_with_all_that_is_missing_and_a_later_one_again() -> None:
    numbers = came(1, 3)
    assert numbers.tell(NOON - minutes(1)) is None
    assert numbers.missing_by(NOON - minutes(1)) is None
    assert numbers.tell(NOON) == Missing(1, NOON)
    assert numbers.tell(NOON + minutes(60)) is None
    assert numbers.untold_since is None
    numbers.came(7, NOON + minutes(90))
    assert numbers.untold_since == NOON + minutes(90)
    assert numbers.tell(NOON + minutes(60)) is None
    assert numbers.tell(NOON + minutes(90)) == Missing(4, NOON)


def test_what_came_after_all_is_told_no_more() -> None:
    numbers = came(1, 3)
    numbers.came(2, NOON + minutes(10))
    assert (missing(numbers), numbers.tell(NOON + minutes(99))) == (0, None)


def test_gaps_beyond_what_is_kept_in_mind_are_counted_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_STRETCHES", 5)
    numbers = came(*range(2, 42, 2))  # 1, 3, 5 ... 39 are missing
    assert len(numbers.beyond) == 5
    assert missing(numbers) == 20
    assert numbers.tell(NOON) == Missing(20, NOON)
    assert numbers.came(1, NOON)  # given up: nobody can say that it came before
    assert not numbers.came(40, NOON)


@pytest.mark.parametrize("number", [0, -1, LARGEST + 1, 10**30])
def test_what_no_stream_can_hold_is_not_noted(number: int) -> None:
    numbers = came(1)
    assert numbers.came(number, NOON)
    numbers.says_made(number, NOON)
    assert numbers.top == 1
    assert numbers.made <= LARGEST


def test_a_number_at_the_edge_of_a_stretch_joins_it_and_keeps_the_earlier_moment() -> None:
    numbers = came(5)
    numbers.came(4, NOON + minutes(5))
    numbers.came(8, NOON + minutes(6))
    numbers.came(6, NOON + minutes(7))
    numbers.came(7, NOON + minutes(8))
    assert list(numbers.gaps()) == [Gap(1, 3, NOON)]
    assert numbers.top == 8
