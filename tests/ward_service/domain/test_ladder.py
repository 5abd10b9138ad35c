"""The ladder: who is called in turn, until somebody answers and somebody speaks with the patient.

docs/understand/design.md#ladder, by sentence; and what holds for every history (hypothesis).
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import COH, minutes
from tests.ward_service.domain.fold import HOUR, SECOND, Fold
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    Channel,
    EndReason,
    Level,
    PauseReason,
)
from ward_service.domain.alerts import WARD, AlertInPlay, NotAllowedError
from ward_service.domain.deadlines import deadlines
from ward_service.domain.inputs import (
    Acknowledged,
    ContactMade,
    Ended,
    LimitsChanged,
    Paused,
    Resolved,
    Unpaused,
    UnreadableArrived,
    ZoneChanged,
)

COLLAPSE, CONFUSED = ("red_flags", "collapse"), ("red_flags", "new_confusion")
SYMPTOM = AlertClass.SYMPTOM


def at(hour: float, day: int = 24) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC) + hour * HOUR


@pytest.fixture
def stay() -> Fold:
    """Somebody who is well and reported at noon; a reading is due again at five."""
    found = Fold()
    found.reads(97, at(12))
    return found


def about(stay: Fold, alert_class: AlertClass = SYMPTOM) -> list[tuple[str, datetime]]:
    """Return who was called about the latest alert of a class, and when."""
    id_ = stay.alert(alert_class).id
    return [(m.to, m.at) for m in stay.messages if m.alert_id == id_]


def red_flag(stay: Fold, when: datetime, *answers: tuple[str, str]) -> AlertInPlay:
    stay.reads(None, when, answers=answers or [COLLAPSE])
    return stay.alert(SYMPTOM)


def take(stay: Fold, when: datetime, by: str = "nurse-3", **more: Any) -> AlertInPlay:
    alert = stay.waits(when).alert(SYMPTOM)
    stay.takes(Acknowledged(alert.id, by, alert.version, **more), when)
    return stay.alert(SYMPTOM)


# In turn


def test_each_step_has_its_own_delay_and_the_last_repeats_until_somebody_answers(
    stay: Fold,
) -> None:
    red_flag(stay, at(13))
    stay.waits(at(14))
    assert about(stay) == [
        ("ward_nurse", at(13)),
        ("ward_doctor", at(13.25)),
        ("ward_doctor", at(13.5)),
        ("ward_doctor", at(13.75)),
        ("ward_doctor", at(14)),
    ]


def test_out_of_hours_a_red_goes_to_the_patient_and_to_whoever_is_on_call_at_once(
    stay: Fold,
) -> None:
    red_flag(stay, at(20))  # closed from eight in the evening on, to the second
    stay.waits(at(20.5))
    [first, second, *_] = [m for m in stay.messages if m.alert_id is not None]
    assert (first.to, first.text, first.at) == ("patient", "out_of_hours.red", at(20))
    assert (second.to, second.text, second.at) == ("on_call", "call.red", at(20))
    assert about(stay)[2:] == [("on_call_senior", at(20.25)), ("on_call_senior", at(20.5))]


def test_a_second_before_closing_it_is_the_teams(stay: Fold) -> None:
    red_flag(stay, at(20) - SECOND)
    assert about(stay) == [("ward_nurse", at(20) - SECOND)]


@pytest.mark.parametrize(
    ("level", "alert_class"),
    [("amber", SYMPTOM), ("overdue", AlertClass.MISSING), ("technical", AlertClass.TECHNICAL)],
)
def test_only_amber_overdue_and_technical_wait_for_the_morning(
    stay: Fold, level: str, alert_class: AlertClass
) -> None:
    if level == "amber":
        stay.reads(None, at(21), answers=[("feeling", "worse")])
    elif level == "technical":
        stay.takes(UnreadableArrived("a message could not be read"), at(21))
    stay.waits(at(23))
    alert = stay.alert(alert_class)
    assert (alert.level, alert.step_at, about(stay, alert_class)) == (level, at(8, 25), [])
    # It is on the list meanwhile, and nobody is late before the team is there.
    assert alert.respond_by is not None
    assert alert.respond_by > at(8, 25)
    stay.waits(at(8, 25))
    assert about(stay, alert_class) == [("ward_nurse", at(8, 25))]


def test_no_red_waits_for_the_morning_in_any_shipped_ladder() -> None:
    for ladders in COH.ladders.values():
        assert all(step.out_of_hours for step in ladders[Level.RED].steps)


def test_an_amber_that_waits_for_the_morning_and_turns_red_rings_at_once(stay: Fold) -> None:
    stay.reads(None, at(21), answers=[("feeling", "worse")])
    red_flag(stay, at(22))
    assert [who for who, _ in about(stay)] == ["patient", "on_call"]


# Somebody answers


def test_acknowledging_stops_the_ladder(stay: Fold) -> None:
    red_flag(stay, at(13))
    alert = take(stay, at(13.1))
    assert (alert.step_at, alert.respond_by, alert.owner) == (None, None, "nurse-3")
    stay.waits(at(14))
    assert about(stay) == [("ward_nurse", at(13))]


def test_no_contact_in_time_reminds_and_then_resumes_from_the_first_step(stay: Fold) -> None:
    red_flag(stay, at(13))
    take(stay, at(13.1))
    remind, resume = at(13.1) + HOUR, at(13.1) + HOUR + minutes(10)
    stay.waits(resume + minutes(15))
    assert about(stay)[1:] == [
        ("owner:nurse-3", remind),
        ("ward_nurse", resume),
        ("ward_doctor", resume + minutes(15)),
    ]
    alert = stay.alert(SYMPTOM)
    assert (alert.state, alert.owner, alert.round) == (AlertState.OPEN, None, 2)


def test_the_end_of_the_shift_reminds_and_then_resumes(stay: Fold) -> None:
    red_flag(stay, at(19.4))
    alert = take(stay, at(19.5))
    assert alert.shift_ends_at == at(20)
    stay.takes(ContactMade(alert.id, "nurse-3", Channel.PHONE, True), at(19.6))
    stay.waits(at(20.2))
    assert about(stay)[1:] == [
        ("owner:nurse-3", at(20)),
        ("patient", at(20) + minutes(10)),
        ("on_call", at(20) + minutes(10)),
    ]


def test_a_shift_may_end_when_its_owner_says(stay: Fold) -> None:
    red_flag(stay, at(13))
    alert = take(stay, at(13.1), shift_ends_at=at(13.5))
    stay.takes(ContactMade(alert.id, "nurse-3", Channel.PHONE, True), at(13.2))
    stay.waits(at(13.5) - SECOND)
    assert len(about(stay)) == 1
    assert about(stay.waits(at(13.5)))[1:] == [("owner:nurse-3", at(13.5))]


def test_contact_after_a_reminder_cancels_what_would_follow(stay: Fold) -> None:
    red_flag(stay, at(13))
    alert = take(stay, at(13.1))
    stay.waits(at(14.15))
    stay.takes(ContactMade(alert.id, "nurse-3", Channel.PHONE, True, "better"), at(14.2))
    stay.waits(at(19.9))
    assert [who for who, _ in about(stay)] == ["ward_nurse", "owner:nurse-3"]
    assert stay.alert(SYMPTOM).state is AlertState.ACKNOWLEDGED


def test_trying_to_reach_somebody_is_no_contact(stay: Fold) -> None:
    red_flag(stay, at(13))
    alert = take(stay, at(13.1))
    stay.takes(ContactMade(alert.id, "nurse-3", Channel.PHONE, False, "no answer"), at(13.5))
    stay.waits(at(14.1))
    assert ("owner:nurse-3", at(14.1)) in about(stay)
    assert "not reached" in stay.what(SYMPTOM)


def test_taking_over_gives_the_clock_of_contact_to_the_next(stay: Fold) -> None:
    red_flag(stay, at(13))
    take(stay, at(13.1))
    alert = take(stay, at(13.6), "doctor-1", take_over=True)
    assert (alert.owner, alert.contact_by) == ("doctor-1", at(14.6))
    assert (stay.entries[-1].what, stay.entries[-1].words) == ("taken over", "from nurse-3")
    stay.waits(at(14.6))
    assert about(stay)[1:] == [("owner:doctor-1", at(14.6))]


def test_who_keeps_it_after_the_reminder_has_it_for_another_while(stay: Fold) -> None:
    red_flag(stay, at(13))
    take(stay, at(13.1))
    alert = take(stay, at(14.15))
    assert stay.what(SYMPTOM)[-1] == "kept"
    assert (alert.resume_at, alert.contact_by) == (None, at(15.15))
    stay.waits(at(15.15) - SECOND)
    assert stay.alert(SYMPTOM).state is AlertState.ACKNOWLEDGED


# What makes it ring again


def test_a_new_red_flag_re_opens_and_the_same_one_does_not(stay: Fold) -> None:
    red_flag(stay, at(13))
    take(stay, at(13.1))
    red_flag(stay, at(13.2), COLLAPSE)
    assert stay.alert(SYMPTOM).state is AlertState.ACKNOWLEDGED
    again = red_flag(stay, at(13.3), COLLAPSE, CONFUSED)
    assert (again.state, again.owner, again.round) == (AlertState.OPEN, None, 2)
    assert about(stay)[1:] == [("ward_nurse", at(13.3))]


def test_a_new_amber_symptom_joins_an_acknowledged_red_and_rings_nobody(stay: Fold) -> None:
    red_flag(stay, at(13))
    take(stay, at(13.1))
    stay.reads(None, at(13.2), answers=[("feeling", "worse")])
    assert stay.alert(SYMPTOM).state is AlertState.ACKNOWLEDGED
    assert len(about(stay)) == 1


def test_contact_before_it_re_opened_does_not_count_for_what_is_new(stay: Fold) -> None:
    red_flag(stay, at(13))
    alert = take(stay, at(13.1))
    stay.takes(ContactMade(alert.id, "nurse-3", Channel.PHONE, True), at(13.2))
    red_flag(stay, at(13.3), CONFUSED)
    assert take(stay, at(13.4)).contact_by == at(14.4)


def test_a_late_alert_for_review_has_no_ladder_until_something_current_joins_it(
    stay: Fold,
) -> None:
    stay.reads(97, at(13))
    stay.reads(91, at(12.2), at(13.1))
    alert = stay.alert()
    assert (alert.review, alert.step_at, alert.respond_by) == (True, None, None)
    stay.waits(at(16))
    assert about(stay, AlertClass.PHYSIOLOGICAL) == []
    stay.reads(91, at(16))
    assert not stay.alert().review
    assert about(stay, AlertClass.PHYSIOLOGICAL) == [("ward_nurse", at(16))]


def test_an_acknowledged_review_waits_for_no_contact(stay: Fold) -> None:
    stay.reads(97, at(13))
    stay.reads(91, at(12.2), at(13.1))
    alert = stay.alert()
    stay.takes(Acknowledged(alert.id, "nurse-3", alert.version), at(13.2))
    assert stay.alert().contact_by is None


# Whatever happens: a history is a list of (minutes until it happens, what happens)

SPO2 = st.sampled_from([70.0, 86, 88, 91, 92, 93, 94, 95, 97, 99])
WHAT = st.one_of(
    st.tuples(st.just("reads"), SPO2, st.sampled_from([0, 0, 0, 20, 300])),
    st.tuples(st.just("says"), st.sampled_from([COLLAPSE, CONFUSED, ("feeling", "worse")])),
    st.sampled_from([
        ("unreadable",), ("acknowledges",), ("takes over",), ("reaches",), ("does not reach",),
        ("resolves",), ("pauses",), ("unpauses",), ("moves",), ("limits",), ("ends",), ("dies",),
        ("waits",),
    ]),
)  # fmt: skip
GAP = st.sampled_from([0.5, 1, 4, 5, 10, 15, 60, 61, 300, 1_440])
HISTORY = st.lists(st.tuples(GAP, WHAT), max_size=25)


def happens(stay: Fold, what: tuple[Any, ...], now: datetime) -> None:
    """Do one thing to a stay; a person whom the rules refuse has done nothing."""
    alert = next(iter(stay.state.alerts), None)
    given: Any = None
    match what[0]:
        case "reads":
            stay.reads(what[1], now - minutes(what[2]), now)
            return
        case "says":
            stay.reads(None, now, answers=[what[1]])
            return
        case "waits":
            stay.waits(now)
            return
        case "unreadable":
            given = UnreadableArrived("a message could not be read")
        case "pauses":
            given = Paused("nurse-3", PauseReason.IN_HOSPITAL, now + 8 * HOUR)
        case "unpauses":
            given = Unpaused("nurse-3")
        case "moves":
            given = ZoneChanged("nurse-3", "moved", "Asia/Kolkata")
        case "limits":
            given = LimitsChanged("nurse-3", "lower", {"red_max": 88, "amber_max": 90})
        case "ends" | "dies":
            reason = EndReason.DIED if what[0] == "dies" else EndReason.MOVED_AREA
            given = Ended("nurse-3", reason, "seen", "yes", True)
    if given is None and alert is not None:
        given = {
            "acknowledges": Acknowledged(alert.id, "nurse-3", alert.version),
            "takes over": Acknowledged(alert.id, "nurse-4", alert.version, take_over=True),
            "reaches": ContactMade(alert.id, "nurse-3", Channel.PHONE, True),
            "does not reach": ContactMade(alert.id, "nurse-3", Channel.PHONE, False),
            "resolves": Resolved(
                alert.id, "nurse-3", alert.version, AlertOutcome.ADVICE, True, True, False, "seen"
            ),
        }[what[0]]
    if given is None:
        stay.waits(now)
        return
    try:
        stay.takes(given, now)
    except NotAllowedError:
        stay.waits(now)


@settings(max_examples=300, deadline=None)
@given(HISTORY)
def test_what_holds_for_every_history(history: list[tuple[float, tuple[Any, ...]]]) -> None:
    stay, now = Fold(), at(11)
    for gap, what in history:
        now += timedelta(minutes=gap)
        happens(stay, what, now)
        _every_alert_that_rings_has_a_next_step(stay)
        _every_deadline_lies_ahead(stay, now)
    happens(stay, ("waits",), now + 30 * HOUR)
    _no_software_closes_an_opened_red(stay)
    assert max(Counter(m.key for m in stay.messages).values(), default=1) == 1
    _the_ledger_of_an_alert_never_goes_backwards(stay)
    _nothing_is_said_about_what_has_ended(stay)


def _every_alert_that_rings_has_a_next_step(stay: Fold) -> None:
    for alert in stay.state.alerts:
        rings = alert.state in (AlertState.PROVISIONAL, AlertState.OPEN) and not alert.review
        assert (alert.step_at is not None) is rings, alert
        if alert.state is AlertState.ACKNOWLEDGED:
            # Whoever has it, something reminds them: it cannot be forgotten.
            assert alert.owner is not None
            reminded = (alert.contact_by, alert.shift_ends_at, alert.resume_at)
            assert any(when is not None for when in reminded), alert


def _every_deadline_lies_ahead(stay: Fold, now: datetime) -> None:
    ahead = [deadline.at for deadline in deadlines(stay.state, COH)]
    assert all(when > now for when in ahead)
    assert stay.state.next_at == min(ahead, default=None)


def _no_software_closes_an_opened_red(stay: Fold) -> None:
    for entry in stay.entries:
        before, after = entry.before, entry.after
        if before is None or after is None or entry.by != WARD or before.level is not Level.RED:
            continue
        if before.state is not AlertState.PROVISIONAL:
            assert (after.in_play, after.level) == (True, Level.RED), entry
        else:
            assert after.state is not AlertState.RESOLVED, entry


def _the_ledger_of_an_alert_never_goes_backwards(stay: Fold) -> None:
    last: dict[Any, datetime] = {}
    for entry in stay.entries:
        assert entry.at <= entry.noticed_at
        assert entry.at >= last.get(entry.alert_id, entry.at), entry
        last[entry.alert_id] = entry.at


def _nothing_is_said_about_what_has_ended(stay: Fold) -> None:
    ended = {a.id: a.resolved_at for a in stay.alerts.values() if a.resolved_at is not None}
    for message in stay.messages:
        if message.alert_id in ended:
            assert message.at <= ended[message.alert_id]


def test_a_ladder_that_was_not_looked_at_for_a_night_takes_every_step_once(stay: Fold) -> None:
    often, seldom = Fold(), Fold()
    for one in (often, seldom):
        red_flag(one, at(13))
    for n in range(1, 600):
        often.waits(at(13) + n * minutes(1))
    often.waits(at(24))
    seldom.waits(at(24))
    assert [replace(m) for m in often.messages] == seldom.messages
    assert often.taken == seldom.taken
