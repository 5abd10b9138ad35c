from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.factories import COH, NOON, minutes
from ward_service.domain.schedule import due_between, expected_next, next_due, overdue_from

SCHEDULE = COH.schedule
HOME = "Europe/London"


def london(month: int, day: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    """A moment in London, with summer time worked out by hand for these tests."""
    summer = datetime(year, 3, 29, 1, tzinfo=UTC), datetime(year, 10, 25, 1, tzinfo=UTC)
    at = datetime(year, month, day, hour, minute, tzinfo=UTC)
    return at - timedelta(hours=1) if summer[0] <= at - timedelta(hours=1) < summer[1] else at


def test_three_readings_a_day_at_the_agreed_times() -> None:
    dues = due_between(london(11, 24, 8), london(11, 25, 9), SCHEDULE, HOME)
    assert dues == [london(11, 24, h) for h in (9, 13, 17)] + [london(11, 25, 9)]


def test_the_morning_reading_stays_at_nine_when_the_clocks_go_forward() -> None:
    evening, morning = due_between(london(3, 28, 16), london(3, 29, 10), SCHEDULE, HOME)
    assert (evening, morning) == (london(3, 28, 17), london(3, 29, 9))
    assert morning - evening == timedelta(hours=15)


def test_the_morning_reading_stays_at_nine_when_the_clocks_go_back() -> None:
    evening, morning = due_between(london(10, 24, 16), london(10, 25, 10), SCHEDULE, HOME)
    assert morning - evening == timedelta(hours=17)


def test_the_leap_day_has_its_three_readings() -> None:
    start = datetime(2028, 2, 29, tzinfo=UTC)
    assert len(due_between(start, start + timedelta(days=1), SCHEDULE, HOME)) == 3


def test_a_reading_fills_a_due_time_from_its_window_on() -> None:
    admitted = london(11, 24, 6)
    assert expected_next(admitted, london(11, 24, 7), SCHEDULE, HOME) == london(11, 24, 13)
    just_before = london(11, 24, 7) - timedelta(seconds=1)
    assert expected_next(admitted, just_before, SCHEDULE, HOME) == london(11, 24, 9)


def test_who_never_reported_is_overdue_from_the_first_agreed_time() -> None:
    due = next_due(NOON, SCHEDULE, HOME)
    assert overdue_from(due, True, SCHEDULE) == due
    assert overdue_from(due, False, SCHEDULE) == due + SCHEDULE.overdue_after


@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_next_due_time_is_later_and_within_a_day(moment: datetime) -> None:
    due = next_due(moment, SCHEDULE, HOME)
    assert moment < due <= moment + minutes(17 * 60)
