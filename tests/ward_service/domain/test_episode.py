"""The fold: the life of an alert, silence, and that it does not matter when somebody looked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import COH, NOON, minutes
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    Context,
    Level,
    Quality,
    Vital,
)
from ward_service.domain.alerts import AlertInPlay, NoteNeededError, SeenOldError
from ward_service.domain.episode import begin, next_deadline, step
from ward_service.domain.inputs import (
    Acknowledged,
    Input,
    ReadingArrived,
    Resolved,
    TimePassed,
    UnreadableArrived,
)
from ward_service.domain.state import Entry, EpisodeState, Step

EPISODE = derived_id(NOON, "an episode")
AT_ONCE = COH.confirmation.repeat_within[Level.RED]
WITHIN_THE_HOUR = COH.confirmation.repeat_within[Level.AMBER]
GAP = COH.confirmation.minimum_gap
FURTHER = COH.parameters["further_fall"].default or 0.0


@dataclass
class Stay:
    """One stay under way, with everything that was ever written of it."""

    state: EpisodeState = field(default_factory=lambda: begin(NOON - minutes(60), COH))
    alerts: dict[UUID, AlertInPlay] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    count: int = 0

    def takes(self, happened: Input, now: datetime) -> Step:
        done = step(EPISODE, self.state, happened, now, COH)
        self.state = done.state
        self.alerts |= done.changed
        self.entries += done.entries
        return done

    def reads(
        self,
        spo2: float | None,
        measured: datetime,
        received: datetime | None = None,
        *,
        pulse: float | None = 72,
        quality: Sequence[Quality] = (),
        context: Context = Context.REST,
        slot: int = 1,
    ) -> Step:
        self.count += 1
        values = {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse}
        reading = ReadingArrived(
            reading_id=derived_id(measured, self.count),
            measured_at=measured,
            values={vital: value for vital, value in values.items() if value is not None},
            context=context,
            quality=tuple(quality),
            slot=slot,
        )
        return self.takes(reading, received or measured)

    def waits(self, until: datetime) -> Step:
        return self.takes(TimePassed(), until)

    @property
    def physiological(self) -> AlertInPlay:
        [*_, latest] = [
            a for a in self.alerts.values() if a.alert_class is AlertClass.PHYSIOLOGICAL
        ]
        return latest

    def what(self) -> list[str]:
        return [entry.what for entry in self.entries]


@pytest.fixture
def stay() -> Stay:
    return Stay()


# The life of a physiological alert


def test_a_red_is_provisional_and_on_the_list_at_once(stay: Stay) -> None:
    stay.reads(91, NOON)
    alert = stay.physiological
    assert (alert.state, alert.level) == (AlertState.PROVISIONAL, Level.RED)
    assert [f.finding.words for f in alert.findings] == ["SpO2 91 % <= 92 %"]
    assert alert.pathway == "covid-oximetry-at-home@3"
    assert next_deadline(stay.state, COH) == NOON + AT_ONCE


def test_no_repeat_in_time_confirms(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.waits(NOON + AT_ONCE)
    assert stay.physiological.state is AlertState.OPEN
    assert stay.entries[-1].at == NOON + AT_ONCE


def test_a_repeat_in_range_withdraws_and_shows_both_readings(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.reads(96, NOON + GAP)
    assert stay.physiological.state is AlertState.WITHDRAWN
    words = [f.finding.words for f in stay.physiological.findings]
    assert words == ["SpO2 91 % <= 92 %", "SpO2 96 % > 94 %"]
    assert stay.what() == ["opened", "called", "withdrawn"]


@pytest.mark.parametrize(
    ("why_not", "kwargs"),
    [
        ("too soon", {"measured": NOON + GAP - timedelta(seconds=1)}),
        ("poor signal", {"measured": NOON + GAP, "quality": (Quality.POOR_SIGNAL,)}),
        ("after exertion", {"measured": NOON + GAP, "context": Context.EXERTION}),
        ("another place in the home", {"measured": NOON + GAP, "slot": 2}),
        ("measured before the red", {"measured": NOON - minutes(2), "received": NOON + GAP}),
        ("its time cannot be believed", {"measured": NOON + minutes(90), "received": NOON + GAP}),
        ("pulse not believable", {"measured": NOON + GAP, "pulse": 0}),
    ],
)
def test_a_repeat_that_cannot_be_trusted_withdraws_nothing(
    stay: Stay, why_not: str, kwargs: dict[str, object]
) -> None:
    stay.reads(91, NOON)
    stay.reads(97, **kwargs)  # type: ignore[arg-type]
    before = stay.physiological.state
    stay.waits(NOON + AT_ONCE)
    after = stay.physiological.state
    assert (before, after) == (AlertState.PROVISIONAL, AlertState.OPEN), why_not


def test_a_repeat_in_red_opens(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.reads(92, NOON + GAP)
    assert (stay.physiological.state, stay.physiological.level) == (AlertState.OPEN, Level.RED)


def test_a_repeat_in_amber_leaves_an_open_amber(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.reads(93, NOON + GAP)
    assert (stay.physiological.state, stay.physiological.level) == (AlertState.OPEN, Level.AMBER)


def test_a_doubtful_amber_does_not_lower_a_provisional_red(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.reads(93, NOON + GAP, quality=(Quality.LOW_PERFUSION,))
    alert = stay.physiological
    assert (alert.state, alert.level) == (AlertState.PROVISIONAL, Level.RED)


def test_a_second_provisional_red_within_a_day_opens_at_once(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.reads(96, NOON + GAP)
    stay.reads(92, NOON + timedelta(hours=24))
    assert stay.physiological.state is AlertState.OPEN


def test_a_second_provisional_red_after_a_day_is_provisional_again(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.reads(96, NOON + GAP)
    stay.reads(92, NOON + GAP + timedelta(hours=24, seconds=1))
    assert stay.physiological.state is AlertState.PROVISIONAL


def test_an_amber_that_turns_red_is_red_at_once_and_asked_for_at_once(stay: Stay) -> None:
    stay.reads(94, NOON)
    assert next_deadline(stay.state, COH) == NOON + WITHIN_THE_HOUR
    stay.reads(90, NOON + minutes(10))
    alert = stay.physiological
    assert (alert.state, alert.level) == (AlertState.PROVISIONAL, Level.RED)
    assert next_deadline(stay.state, COH) == NOON + minutes(10) + AT_ONCE


def test_an_opened_red_is_never_withdrawn_by_readings(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.waits(NOON + AT_ONCE)
    for n in range(1, 200):
        stay.reads(99, NOON + AT_ONCE + minutes(n))
    assert stay.physiological.state is AlertState.OPEN


def test_one_alert_per_class_and_more_findings_join_it(stay: Stay) -> None:
    stay.reads(92, NOON)
    for n in range(1, 300):
        stay.reads(92 - n / 10, NOON + timedelta(seconds=n))
    assert len(stay.alerts) == 1
    # A finding joins for a further fall of the pathway's step, not for each of 300 readings.
    assert 5 <= len(stay.physiological.findings) <= 12


def test_a_doubtful_low_reading_is_a_provisional_red(stay: Stay) -> None:
    stay.reads(-3, NOON)
    alert = stay.physiological
    assert (alert.state, alert.level) == (AlertState.PROVISIONAL, Level.RED)
    assert alert.findings[0].finding.doubtful


# People


def taken(stay: Stay, by: str = "nurse-3") -> None:
    stay.waits(NOON + minutes(19))
    alert = stay.physiological
    stay.takes(Acknowledged(alert.id, by, alert.version), NOON + minutes(20))


def an_end(alert: AlertInPlay, note: str = "Spoke to them; seen today.") -> Resolved:
    return Resolved(
        alert.id, "nurse-3", alert.version, AlertOutcome.ADVICE, True, True, False, note
    )


def test_an_acknowledged_alert_has_its_owner(stay: Stay) -> None:
    stay.reads(91, NOON)
    taken(stay)
    assert (stay.physiological.state, stay.physiological.owner) == (
        AlertState.ACKNOWLEDGED,
        "nurse-3",
    )


def test_who_saw_an_older_version_must_look_again(stay: Stay) -> None:
    stay.reads(91, NOON)
    seen = stay.physiological
    stay.reads(88, NOON + minutes(2))
    with pytest.raises(SeenOldError, match="changed since you saw it"):
        stay.takes(Acknowledged(seen.id, "nurse-4", seen.version), NOON + minutes(3))


def test_who_comes_second_is_told_and_written_down_and_the_owner_stays(stay: Stay) -> None:
    stay.reads(91, NOON)
    seen = stay.physiological
    taken(stay)
    done = stay.takes(Acknowledged(seen.id, "nurse-4", seen.version), NOON + minutes(21))
    assert done.refused == "nurse-3 has this alert already. You can take it over."
    assert (stay.physiological.owner, stay.entries[-1].by) == ("nurse-3", "nurse-4")
    assert stay.what()[-1] == "came second"


def test_the_same_value_again_does_not_re_open_an_acknowledged_alert(stay: Stay) -> None:
    stay.reads(91, NOON)
    taken(stay)
    stay.reads(90, NOON + minutes(30))
    assert stay.physiological.state is AlertState.ACKNOWLEDGED


def test_a_further_fall_re_opens_an_acknowledged_alert(stay: Stay) -> None:
    stay.reads(91, NOON)
    taken(stay)
    stay.reads(91 - FURTHER, NOON + minutes(30))
    assert (stay.physiological.state, stay.physiological.owner) == (AlertState.OPEN, None)
    assert stay.what()[-2:] == ["re-opened", "called"]


def test_a_higher_level_re_opens_an_acknowledged_alert(stay: Stay) -> None:
    stay.reads(93, NOON)
    taken(stay)
    stay.reads(92, NOON + minutes(30))
    assert (stay.physiological.state, stay.physiological.level) == (AlertState.OPEN, Level.RED)


def test_a_red_is_not_resolved_without_a_note(stay: Stay) -> None:
    stay.reads(91, NOON)
    taken(stay)
    with pytest.raises(NoteNeededError):
        stay.takes(an_end(stay.physiological, note="  "), NOON + minutes(30))
    stay.takes(an_end(stay.physiological), NOON + minutes(30))
    assert stay.physiological.state is AlertState.RESOLVED
    assert stay.state.alerts == ()


# Late, and wrong clocks


def test_a_late_red_opens_and_is_said_to_be_late(stay: Stay) -> None:
    stay.reads(91, NOON, NOON + minutes(40))
    alert = stay.physiological
    assert (alert.state, alert.late, alert.review) == (AlertState.OPEN, True, False)
    assert alert.findings[0].at == NOON


def test_a_late_red_after_a_later_reading_in_range_opens_for_review(stay: Stay) -> None:
    stay.reads(97, NOON + minutes(30))
    stay.reads(91, NOON, NOON + minutes(40))
    alert = stay.physiological
    assert (alert.state, alert.late, alert.review) == (AlertState.OPEN, True, True)


def test_a_later_but_doubtful_reading_makes_no_review_of_a_late_red(stay: Stay) -> None:
    stay.reads(97, NOON + minutes(30), quality=(Quality.POOR_SIGNAL,))
    stay.reads(91, NOON, NOON + minutes(40))
    assert not stay.physiological.review


@pytest.mark.parametrize(
    "measured",
    [
        NOON + COH.clock_tolerance + timedelta(seconds=1),
        NOON + timedelta(days=400),
        NOON - timedelta(days=365),
    ],
)
def test_a_wrong_clock_hides_no_red(stay: Stay, measured: datetime) -> None:
    done = stay.reads(91, measured, NOON)
    assert done.judged is not None
    assert (done.judged.time_doubtful, done.judged.judged_at) == (True, NOON)
    assert stay.physiological.level is Level.RED
    assert stay.state.alert(AlertClass.TECHNICAL) is not None


def test_a_reading_of_doubtful_time_fills_no_due_time(stay: Stay) -> None:
    stay.reads(97, NOON + timedelta(days=1), NOON)
    assert stay.state.never_reported


# Silence


def test_who_never_reported_is_overdue_from_the_first_agreed_time(stay: Stay) -> None:
    first = stay.state.expected_at
    stay.waits(first - timedelta(seconds=1))
    assert stay.state.overdue_since is None
    stay.waits(first)
    assert stay.state.overdue_since == first
    assert stay.state.alert(AlertClass.MISSING) is None


def test_the_first_reading_is_chased_an_hour_after_it_was_due(stay: Stay) -> None:
    stay.waits(stay.state.expected_at + COH.missing.first_chase_after)
    alert = stay.state.alert(AlertClass.MISSING)
    assert alert is not None
    assert alert.findings[0].finding.words.startswith("never reported")


def test_silence_does_not_clear_red(stay: Stay) -> None:
    stay.reads(91, NOON)
    stay.waits(NOON + timedelta(days=3))
    assert stay.physiological.state is AlertState.OPEN
    assert stay.state.overdue_since is not None


def test_a_good_reading_ends_the_silence_and_a_doubtful_one_does_not(stay: Stay) -> None:
    first = stay.state.expected_at
    stay.waits(first)
    stay.reads(97, first + minutes(5), quality=(Quality.POOR_SIGNAL,))
    stay.reads(101, first + minutes(6), pulse=130)
    assert stay.state.overdue_since == first
    stay.reads(97, first + minutes(7))
    assert stay.state.overdue_since is None
    assert stay.state.alert(AlertClass.MISSING) is None


def test_an_old_reading_that_arrives_late_does_not_end_todays_silence(stay: Stay) -> None:
    stay.reads(97, NOON)
    tomorrow = NOON + timedelta(days=1)
    stay.waits(tomorrow)
    since = stay.state.overdue_since
    assert since is not None
    stay.reads(97, NOON + minutes(30), tomorrow + minutes(1))
    assert stay.state.overdue_since == since


def test_the_alert_is_dated_by_its_deadline_however_late_it_was_noticed(stay: Stay) -> None:
    first = stay.state.expected_at
    stay.waits(first + timedelta(hours=5))
    alert = stay.state.alert(AlertClass.MISSING)
    assert alert is not None
    chased = first + COH.missing.first_chase_after
    assert (alert.opened_at, alert.noticed_at) == (chased, first + timedelta(hours=5))


def test_a_ward_that_was_blind_lets_homes_catch_up_first(stay: Stay) -> None:
    first = stay.state.expected_at
    back = first + timedelta(hours=3)
    blind_from = first - minutes(10)
    held = step(EPISODE, stay.state, TimePassed(), back, COH, absence_until=blind_from)
    assert held.state.overdue_since is None


# What cannot be read


def test_what_cannot_be_read_is_said_once_and_counted_by_reason(stay: Stay) -> None:
    for n in range(5):
        stay.takes(UnreadableArrived("not JSON"), NOON + minutes(n))
    stay.takes(UnreadableArrived("not a reading"), NOON + minutes(9))
    alert = stay.state.alert(AlertClass.TECHNICAL)
    assert alert is not None
    assert [f.finding.words for f in alert.findings] == ["not JSON", "not a reading"]


# What must hold for every history

VALUES = st.one_of(st.integers(85, 100).map(float), st.sampled_from([-3.0, 40.0, 92.5, 101.0]))
HISTORY = st.lists(
    st.tuples(VALUES, st.integers(1, 200), st.booleans()), min_size=1, max_size=40
)  # value, minutes since the one before, poor signal


def told(history: list[tuple[float, int, bool]], looks_per_gap: int, seed: int = 0) -> Stay:
    """Fold a history, with somebody looking at the clock some times between two readings."""
    stay, now, chance = Stay(), NOON, Random(seed)
    for spo2, gap, poor in history:
        for moment in sorted(chance.uniform(0, gap) for _ in range(looks_per_gap)):
            stay.waits(now + minutes(moment))
        now += minutes(gap)
        stay.reads(spo2, now, quality=(Quality.POOR_SIGNAL,) if poor else ())
    stay.waits(now + timedelta(days=1))
    return stay


def without_noticing(stay: Stay) -> list[tuple[object, ...]]:
    return [(e.alert_id, e.at, e.by, e.what, e.words) for e in stay.entries]


@settings(max_examples=200)
@given(HISTORY, st.integers(0, 1000))
def test_it_does_not_matter_when_the_worker_looked(
    history: list[tuple[float, int, bool]], seed: int
) -> None:
    assert without_noticing(told(history, 0)) == without_noticing(told(history, 3, seed))


@settings(max_examples=200)
@given(HISTORY)
def test_no_red_is_closed_unless_a_person_or_a_trusted_repeat_did(
    history: list[tuple[float, int, bool]],
) -> None:
    stay = told(history, 1)
    opened = {e.alert_id for e in stay.entries if e.what in ("confirmed", "re-opened")}
    for alert in stay.alerts.values():
        if alert.alert_class is AlertClass.PHYSIOLOGICAL:
            assert alert.state is not AlertState.RESOLVED
            assert not (alert.state is AlertState.WITHDRAWN and alert.id in opened)


@settings(max_examples=200)
@given(HISTORY)
def test_every_worrying_reading_leaves_an_alert_that_shows_it_or_worse(
    history: list[tuple[float, int, bool]],
) -> None:
    stay, now = Stay(), NOON
    for spo2, gap, poor in history:
        now += minutes(gap)
        stay.reads(spo2, now, quality=(Quality.POOR_SIGNAL,) if poor else ())
        if spo2 <= 92:
            alert = stay.state.alert(AlertClass.PHYSIOLOGICAL)
            assert alert is not None
            assert alert.level is Level.RED
