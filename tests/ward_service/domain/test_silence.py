"""Silence, on a clock: due, late, missed from the plan. Issue 3, "Silence", by sentence."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from tests.factories import COH
from tests.ward_service.domain.fold import DAY, HOUR, SECOND, Fold
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    EndReason,
    Level,
    Mode,
    PauseReason,
)
from ward_service.domain.episode import Person
from ward_service.domain.inputs import Ended, Paused, Resolved, Unpaused, ZoneChanged

MISSING = AlertClass.MISSING


def at(hour: float, day: int = 24) -> datetime:
    """Return a moment of November 2026, when London is at UTC."""
    return datetime(2026, 11, day, tzinfo=UTC) + hour * HOUR


@pytest.fixture
def stay() -> Fold:
    """Admitted at eleven: the first reading is due at one."""
    return Fold()


def reminders(stay: Fold) -> list[tuple[str, datetime]]:
    return [said for said in stay.to("patient") if said[0].startswith("remind.")]


# Due, and reminded


def test_the_patient_is_reminded_after_two_and_four_hours(stay: Fold) -> None:
    stay.waits(at(18.9))
    assert reminders(stay) == [("remind.first", at(15)), ("remind.second", at(17))]


def test_a_skipped_reading_stops_no_later_reminder(stay: Fold) -> None:
    stay.waits(at(24, 25))
    first, second = "remind.first", "remind.second"
    assert reminders(stay) == [
        (first, at(15)), (second, at(17)), (first, at(19)), (second, at(21)),
        (first, at(11, 25)), (second, at(13, 25)), (first, at(15, 25)), (second, at(17, 25)),
        (first, at(19, 25)), (second, at(21, 25)),
    ]  # fmt: skip


@pytest.mark.parametrize("hour", [11.5, 13, 14.99])
def test_nobody_is_reminded_of_a_reading_that_came(stay: Fold, hour: float) -> None:
    stay.reads(97, at(hour))
    stay.waits(at(18.99))
    assert reminders(stay) == []


def test_a_reading_after_the_first_reminder_stops_the_second(stay: Fold) -> None:
    stay.reads(97, at(15) + SECOND)
    stay.waits(at(18.99))
    assert reminders(stay) == [("remind.first", at(15))]


def test_what_is_due_comes_from_the_plan_and_never_from_the_previous_reading(stay: Fold) -> None:
    for hour in (11.5, 13.4, 16.9):
        stay.reads(97, at(hour))
        assert stay.state.expected_at in {at(13), at(17), at(9, 25)}
    assert stay.state.expected_at == at(9, 25)


# Staff


@pytest.mark.parametrize(
    ("staff_after_h", "filled", "told"),
    [
        (6, 13, at(23)),  # six hours after five o'clock, before the window of nine is over
        (24, 13, at(11, 25)),  # five o'clock and nine were missed
        (24, 9, at(19)),  # one and five o'clock were missed
        (4, 9, at(17)),
    ],
)
def test_staff_are_told_after_two_windows_or_six_hours_whichever_is_first(
    staff_after_h: int, filled: int, told: datetime
) -> None:
    missing = replace(COH.missing, staff_after=staff_after_h * HOUR)
    stay = Fold(replace(COH, missing=missing), at(8))
    stay.reads(97, at(9))
    if filled == 13:
        stay.reads(97, at(13))
    stay.waits(told - SECOND)
    assert stay.state.alert(MISSING) is None
    alert = stay.waits(told).state.alert(MISSING)
    assert alert is not None
    assert alert.opened_at == told


def test_who_never_reported_is_chased_after_an_hour_and_once(stay: Fold) -> None:
    stay.waits(at(12, 30))
    assert stay.alert(MISSING).opened_at == at(14)
    assert stay.what(MISSING).count("opened") == 1


def test_a_silence_that_a_person_resolved_is_not_told_again(stay: Fold) -> None:
    stay.waits(at(14.5))
    alert = stay.alert(MISSING)
    called = Resolved(
        alert.id, "nurse-3", alert.version, AlertOutcome.ADVICE, True, True, False, "rang them"
    )
    stay.takes(called, at(15))
    stay.waits(at(12, 27))
    assert len([a for a in stay.alerts.values() if a.alert_class is MISSING]) == 1
    assert stay.state.overdue_since == at(13)  # and they stand on the list as overdue


# Pause


def test_a_pause_mutes_at_once_and_ends_by_itself(stay: Fold) -> None:
    stay.waits(at(14.5))
    assert stay.alert(MISSING).state is AlertState.OPEN
    stay.takes(Paused("nurse-3", PauseReason.TRAVELLING, at(12, 26)), at(14.5))
    ended = stay.alert(MISSING)
    assert (ended.state, ended.outcome) == (AlertState.RESOLVED, AlertOutcome.SCHEDULE_CHANGE)
    assert stay.state.overdue_since is None
    stay.waits(at(12, 26) - SECOND)
    assert stay.calls(at(14.5)) == []
    stay.waits(at(12, 26))
    assert (stay.state.paused_until, stay.state.expected_at) == (None, at(13, 26))
    assert stay.entries[-1].what == "pause ended"
    assert stay.waits(at(13, 26)).state.overdue_since == at(13, 26)
    assert ("remind.first", at(15, 26)) in stay.waits(at(15, 26)).to("patient")


def test_a_pause_can_be_ended_before_its_time(stay: Fold) -> None:
    stay.takes(Paused("nurse-3", PauseReason.OTHER, at(12, 26)), at(12))
    stay.takes(Unpaused("nurse-4"), at(16))
    assert (stay.state.paused_until, stay.state.expected_at) == (None, at(17))
    assert stay.state.pauses[-1].until == at(16)


@pytest.mark.parametrize("reason", list(PauseReason))
def test_a_pause_mutes_no_open_red(stay: Fold, reason: PauseReason) -> None:
    stay.reads(91, at(12))
    stay.takes(Paused("nurse-3", reason, at(12, 26)), at(12.01))
    stay.waits(at(13))
    assert stay.alert().state is AlertState.OPEN
    called = [who for who, _, when in stay.calls(at(12.1)) if when < at(13)]
    assert called == ["ward_doctor"] * 3
    assert stay.state.overdue_since is None


@pytest.mark.parametrize(
    ("reason", "patient"),
    [(PauseReason.IN_HOSPITAL, False), (PauseReason.TRAVELLING, True), (None, True)],
)
def test_nobody_writes_to_a_patient_who_is_in_hospital(
    reason: PauseReason | None, patient: bool
) -> None:
    stay = Fold(person=Person(Mode.SELF_ESCALATE))
    stay.reads(97, at(12))
    if reason is not None:
        stay.takes(Paused("nurse-3", reason, at(12, 26)), at(13))
    stay.reads(None, at(21.1), answers=[("red_flags", "collapse")])
    called = [who for who, _, when in stay.calls(at(21.1))]
    assert called == (["patient"] if patient else []) + ["on_call"]


def test_a_reading_in_a_pause_is_judged_all_the_same(stay: Fold) -> None:
    stay.takes(Paused("nurse-3", PauseReason.TRAVELLING, at(12, 26)), at(12))
    stay.reads(91, at(13))
    assert stay.alert().level is Level.RED


# The end


@pytest.mark.parametrize("reason", list(EndReason))
def test_the_end_of_a_stay_ends_everything_that_was_due(stay: Fold, reason: EndReason) -> None:
    stay.reads(91, at(12))
    stay.waits(at(14.5))
    done = Ended("nurse-3", reason, "Seen at home.", "yes", True)
    stay.takes(done, at(15))
    assert (stay.state.next_at, stay.state.alerts) == (None, ())
    assert {a.state for a in stay.alerts.values()} == {AlertState.RESOLVED}
    stay.waits(at(12, 30))
    assert stay.calls(at(15) + SECOND) == []
    assert stay.tasks == []


def test_a_reading_after_a_death_is_judged_and_calls_nobody(stay: Fold) -> None:
    stay.takes(Ended("nurse-3", EndReason.DIED), at(12))
    done = stay.reads(85, at(11.9), at(13))
    stay.reads(None, at(14), answers=[("red_flags", "collapse")], call_me=True)
    stay.waits(at(12, 30))
    assert done.judged is not None
    assert done.judged.assessment.level is Level.RED
    assert (stay.alerts, stay.messages, stay.state.next_at) == ({}, [], None)


def test_a_late_red_of_a_stay_that_has_ended_opens_for_review(stay: Fold) -> None:
    stay.takes(Ended("nurse-3", EndReason.MOVED_AREA, "", "yes", True), at(12))
    stay.reads(91, at(11.5), at(13))
    alert = stay.alert()
    assert (alert.state, alert.level, alert.review) == (AlertState.OPEN, Level.RED, True)
    assert (alert.step_at, alert.respond_by, stay.messages) == (None, None, [])


# Clocks and calendars


def a_london_stay(admitted: datetime, *times: time) -> Fold:
    schedule = replace(COH.schedule, times=times or COH.schedule.times)
    return Fold(replace(COH, schedule=schedule), admitted)


def overdue_at(stay: Fold, due: datetime) -> None:
    assert stay.waits(due - SECOND).state.overdue_since is None
    assert stay.waits(due).state.overdue_since == due


@pytest.mark.parametrize(
    ("admitted", "due"),
    [
        # Summer time ends at 01:00 UTC of 25 October, begins at that of 28 March.
        (datetime(2026, 10, 24, 18, tzinfo=UTC), datetime(2026, 10, 25, 9, tzinfo=UTC)),
        (datetime(2026, 10, 23, 18, tzinfo=UTC), datetime(2026, 10, 24, 8, tzinfo=UTC)),
        (datetime(2027, 3, 26, 18, tzinfo=UTC), datetime(2027, 3, 27, 9, tzinfo=UTC)),
        (datetime(2027, 3, 27, 18, tzinfo=UTC), datetime(2027, 3, 28, 8, tzinfo=UTC)),
        (datetime(2028, 2, 28, 18, tzinfo=UTC), datetime(2028, 2, 29, 9, tzinfo=UTC)),
        (datetime(2028, 2, 29, 18, tzinfo=UTC), datetime(2028, 3, 1, 9, tzinfo=UTC)),
        (datetime(2027, 2, 28, 18, tzinfo=UTC), datetime(2027, 3, 1, 9, tzinfo=UTC)),
    ],
)
def test_nine_in_the_morning_is_nine_on_the_wall(admitted: datetime, due: datetime) -> None:
    overdue_at(a_london_stay(admitted), due)


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_the_clocks_skip_or_show_twice_is_due_once(
    day: datetime, due: datetime
) -> None:
    stay = a_london_stay(day, time(1, 30))
    overdue_at(stay, due)
    stay.waits(due + 8 * HOUR)
    two, four = COH.missing.remind_after
    assert reminders(stay) == [("remind.first", due + two), ("remind.second", due + four)]


def test_a_night_in_which_the_clocks_change_makes_hours_no_longer_and_no_shorter() -> None:
    stay = a_london_stay(datetime(2026, 10, 24, 12, tzinfo=UTC), time(23, 30))
    due = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 23:30 in summer time
    stay.waits(due + 8 * HOUR)
    assert [when - due for _, when in reminders(stay)] == [2 * HOUR, 4 * HOUR]


def test_midnight_belongs_to_the_day_that_begins() -> None:
    stay = a_london_stay(at(12), time(0, 0))
    assert stay.state.expected_at == at(0, 25)
    stay.reads(97, at(22.5))  # two hours before fill it
    assert stay.state.expected_at == at(0, 26)
    overdue = stay.waits(at(2, 26)).state.overdue_since
    assert overdue == at(2, 26)


def test_check_ins_count_days_over_the_end_of_february() -> None:
    stay = Fold(admitted_at=datetime(2028, 2, 27, 12, tzinfo=UTC))
    stay.waits(datetime(2028, 3, 13, tzinfo=UTC))
    days = [task.due_at.date().isoformat() for task in stay.tasks]
    assert days == ["2028-02-29", "2028-03-03", "2028-03-05", "2028-03-08", "2028-03-10",
                    "2028-03-12"]  # fmt: skip


def test_a_zone_that_changes_in_mid_stay_moves_the_agreed_times_and_loses_none(stay: Fold) -> None:
    stay.reads(97, at(13))
    stay.takes(ZoneChanged("nurse-3", "visits family", "America/New_York"), at(15.5))
    assert stay.state.expected_at == at(18)  # one in the afternoon there
    stay.waits(at(20) - SECOND)
    assert stay.state.overdue_since is None
    assert stay.waits(at(20)).state.overdue_since == at(20)
    assert ("remind.first", at(20)) in stay.to("patient")


def test_a_changed_zone_hides_no_silence(stay: Fold) -> None:
    stay.waits(at(13.5))
    assert stay.state.overdue_since == at(13)
    stay.takes(ZoneChanged("nurse-3", "visits family", "America/New_York"), at(13.5))
    assert stay.state.overdue_since == at(13)
    assert stay.waits(at(14)).alert(MISSING).opened_at == at(14)


def test_a_day_is_not_24_hours_where_the_clocks_change() -> None:
    stay = a_london_stay(datetime(2026, 10, 24, 7, tzinfo=UTC), time(9, 0))
    first = stay.state.expected_at
    stay.reads(97, first)
    assert stay.state.expected_at - first == DAY + HOUR
