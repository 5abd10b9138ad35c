"""What people do to alerts and to a stay: nothing but a person resolves, and a red needs a note."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.factories import NOON
from tests.ward_service.domain.fold import HOUR, SECOND, Fold
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertOutcome,
    AlertState,
    EndReason,
    PauseReason,
    Spo2Target,
)
from ward_service.domain.alerts import (
    LEADS_TO,
    LIFE,
    AlertEvent,
    NotAllowedError,
    NoteNeededError,
    SeenOldError,
)
from ward_service.domain.inputs import (
    Acknowledged,
    Ended,
    LimitsChanged,
    Paused,
    Resolved,
    Unpaused,
    ZoneChanged,
)


def at(hour: float, day: int = 24) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC) + hour * HOUR


@pytest.fixture
def stay() -> Fold:
    return Fold()


def a_red(stay: Fold) -> Fold:
    stay.reads(91, at(12))
    return stay.waits(at(12.1))


def an_end(stay: Fold, note: str, version: int | None = None) -> Resolved:
    alert = stay.alert()
    seen = alert.version if version is None else version
    return Resolved(alert.id, "nurse-3", seen, AlertOutcome.ED, True, True, True, note)


# Resolving


@pytest.mark.parametrize("note", ["", " ", "\n\t"])
def test_a_red_is_resolved_by_a_person_with_a_note_only(stay: Fold, note: str) -> None:
    a_red(stay)
    with pytest.raises(NoteNeededError):
        stay.takes(an_end(stay, note), at(13))
    assert stay.state.alert(AlertClass.PHYSIOLOGICAL) is not None
    stay.takes(an_end(stay, "Went to A&E."), at(13))
    ended = stay.alert()
    assert (ended.state, ended.outcome, ended.resolved_at) == (
        AlertState.RESOLVED, AlertOutcome.ED, at(13),
    )  # fmt: skip
    # NICE's four questions are answered by it.
    answers = (ended.response_needed, ended.response_completed, ended.management_changed)
    assert answers == (True, True, True)
    assert stay.entries[-1].words == "ed: Went to A&E."


def test_an_amber_needs_no_note(stay: Fold) -> None:
    stay.reads(93, at(12))
    stay.waits(at(13.1))
    stay.takes(an_end(stay, ""), at(13.2))
    assert stay.alert().state is AlertState.RESOLVED


def test_a_provisional_alert_cannot_be_resolved_but_taken(stay: Fold) -> None:
    stay.reads(91, at(12))
    with pytest.raises(NotAllowedError):
        stay.takes(an_end(stay, "seen"), at(12) + SECOND)
    alert = stay.alert()
    stay.takes(Acknowledged(alert.id, "nurse-3", alert.version), at(12) + SECOND)
    assert stay.alert().confirm_by is None
    stay.reads(99, at(12.1))  # a person has it: no reading withdraws it any more
    assert stay.alert().state is AlertState.ACKNOWLEDGED


def test_who_saw_an_older_one_resolves_nothing(stay: Fold) -> None:
    a_red(stay)
    with pytest.raises(SeenOldError):
        stay.takes(an_end(stay, "seen", stay.alert().version - 1), at(13))


def test_an_alert_that_has_ended_takes_no_acts_and_the_next_is_another(stay: Fold) -> None:
    a_red(stay)
    first = stay.alert()
    stay.takes(an_end(stay, "seen"), at(13))
    with pytest.raises(SeenOldError):
        stay.takes(Acknowledged(first.id, "nurse-4", first.version), at(13.1))
    stay.reads(91, at(14))
    assert stay.alert().id != first.id


def test_nothing_follows_what_is_withdrawn_or_resolved() -> None:
    left = {state for state, _ in LIFE if state is not None}
    assert set(AlertState) - left == {AlertState.RESOLVED, AlertState.WITHDRAWN}
    withdrawn_from = {was for (was, _), to in LIFE.items() if to is AlertState.WITHDRAWN}
    assert withdrawn_from == {AlertState.PROVISIONAL}


def test_a_stay_may_end_in_every_state_of_its_alerts_and_by_no_other_way() -> None:
    """Ending a stay is a row of the table: no alert is set to another state by hand before it."""
    ends = {was for was, event in LIFE if event is AlertEvent.STAY_ENDED}
    assert ends == {AlertState.PROVISIONAL, AlertState.OPEN, AlertState.ACKNOWLEDGED}
    by_hand = {was for was, event in LIFE if event is AlertEvent.RESOLVED}
    assert by_hand == {AlertState.OPEN, AlertState.ACKNOWLEDGED}, "no person resolves a provisional"


def test_an_event_leads_to_one_state_wherever_it_comes_from() -> None:
    assert all(LEADS_TO[event] is to for (_, event), to in LIFE.items())
    assert set(LEADS_TO) == set(AlertEvent), "and each event is in the table"


def test_a_provisional_alert_ends_with_its_stay_in_one_move() -> None:
    stay = Fold()
    stay.reads(90, at(12))
    before = stay.alert()
    assert before.state is AlertState.PROVISIONAL
    stay.takes(Ended("nurse-3", EndReason.WITHDREW, "seen", "yes", True), at(12) + SECOND)
    [entry] = [e for e in stay.entries if e.alert_id == before.id and e.what == "resolved"]
    assert entry.before is not None
    assert entry.after is not None
    assert entry.before.state is AlertState.PROVISIONAL
    assert entry.after.version == entry.before.version + 1
    assert (entry.after.confirm_by, entry.after.step_at) == (None, None)


# The stay


def test_a_stay_with_a_red_in_play_does_not_end_without_a_note(stay: Fold) -> None:
    a_red(stay)
    with pytest.raises(NoteNeededError):
        stay.takes(Ended("nurse-3", EndReason.WITHDREW, "", "yes", True), at(13))
    assert stay.state.ended_at is None


@pytest.mark.parametrize(("device", "gp"), [("", True), ("yes", None)])
def test_an_end_says_what_the_pathway_must_know_but_not_of_a_death(
    stay: Fold, device: str, gp: bool | None
) -> None:
    with pytest.raises(NoteNeededError):
        stay.takes(Ended("nurse-3", EndReason.WITHDREW, "went away", device, gp), at(13))
    stay.takes(Ended("nurse-3", EndReason.DIED, "told by their daughter", device, gp), at(13))
    assert stay.state.end_reason is EndReason.DIED


def test_limits_change_with_a_reason_and_within_bounds_only(stay: Fold) -> None:
    for wrong in (
        LimitsChanged("nurse-3", "", {"red_max": 88}),
        LimitsChanged("nurse-3", "lower", {"red_max": 79}),
        LimitsChanged("nurse-3", "lower", {"red_max": 94}),  # amber ends there
        LimitsChanged("nurse-3", "lower", {"no_such": 1}),
    ):
        with pytest.raises(NotAllowedError):
            stay.takes(wrong, at(12))
        assert stay.state.limits.number == 1
    stay.takes(LimitsChanged("nurse-3", "lower", {"red_max": 88}), at(12))
    assert (stay.state.limits.number, stay.state.limits.get("red_max")) == (2, 88)
    assert stay.entries[-1].words == "red_max 92 -> 88; lower"


@pytest.mark.parametrize("second", ["", "nurse-3"])
def test_the_range_88_to_92_needs_a_second_person(stay: Fold, second: str) -> None:
    to_88_92 = LimitsChanged("nurse-3", "COPD", {}, Spo2Target.RANGE_88_92, confirmed_by=second)
    with pytest.raises(NotAllowedError, match="needs a second person"):
        stay.takes(to_88_92, at(12))


def test_changed_limits_touch_no_alert_that_is_open(stay: Fold) -> None:
    before = a_red(stay).waits(at(13)).alert()
    stay.takes(LimitsChanged("nurse-3", "lower", {"red_max": 88, "amber_max": 90}), at(13))
    assert stay.state.alert(AlertClass.PHYSIOLOGICAL) == before


@pytest.mark.parametrize(
    "wrong",
    [
        Paused("nurse-3", PauseReason.OTHER, NOON),
        Unpaused("nurse-3"),
        ZoneChanged("nurse-3", "moved", "Europe/Atlantis"),
        ZoneChanged("nurse-3", " ", "Europe/Paris"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(stay: Fold, wrong: Any) -> None:
    before = stay.waits(NOON).state
    with pytest.raises(NotAllowedError):
        stay.takes(wrong, NOON)
    assert stay.state == before
