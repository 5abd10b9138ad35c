"""What a candidate would have changed: nothing when it is the same, and what it says when not."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.factories import COH, NOON, a_home, a_reading, a_ward, minutes
from tests.ward_service.replay.invented import Life
from ward_service.contract.http.pathways import ReplayView
from ward_service.contract.vocabulary import AlertOutcome, AlertState, Channel
from ward_service.domain.episode import Person
from ward_service.domain.inputs import Acknowledged, ContactMade, LimitsChanged, Resolved
from ward_service.domain.limits import limits_at_admission
from ward_service.errors import WardError
from ward_service.pathways.load import SHIPPED, read
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.replay import run
from ward_service.replay.fold import candidate_person
from ward_service.replay.report import say
from ward_service.stays.acts import act, act_on_stay
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

TEXT = (SHIPPED / "covid-oximetry-at-home.yaml").read_text()
RED_92 = 'default: { is: 92, source: "CLINICAL 1.3 [V2 S5, S7, S8, S9]" }'
AMBER_94 = 'default: { is: 94, source: "CLINICAL 1.3 [V2 S5, S7, S9, S22]" }'
DAY = timedelta(days=1)


def changed(*changes: tuple[str, str]) -> str:
    """The shipped pathway as another version, with something else in it."""
    made = TEXT.replace("\nversion: 3\n", "\nversion: 4\n").replace(
        "supersedes: 2", "supersedes: 3"
    )
    for before, after in changes:
        assert made.count(before) >= 1, before
        made = made.replace(before, after)
    return made


def replayed(ward: Ward, candidate: str, until: datetime, processes: int = 0) -> ReplayView:
    asked = run.Asked(candidate, "the candidate", NOON - DAY, until)
    return run.replay(ward.settings.database, asked, processes=processes)


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ward, datetime]]:
    """A ward that was lived through once, for every test that only replays it."""
    opened = a_ward(tmp_path_factory.mktemp("ward"))
    life = Life(opened, seed=9)
    life.admit(30)
    yield opened, life.live(10)
    engine_of(opened.sessions).dispose()


def test_a_candidate_that_is_the_same_changes_nothing(lived: tuple[Ward, datetime]) -> None:
    ward, until = lived
    report = replayed(ward, TEXT, until)
    whole = report.whole
    assert whole.live > 50
    assert (whole.more, whole.fewer, whole.candidate) == (0, 0, whole.live)
    assert (whole.earlier, whole.missed, whole.lowered) == (0, 0, 0)
    assert whole.candidate_calls == whole.live_calls > 100
    assert whole.candidate_night_calls == whole.live_night_calls > 0
    assert whole.candidate_to_patient == whole.live_to_patient > 0
    assert all(row.live == row.candidate for row in (*report.levels, *report.classes))


def test_two_processes_count_what_one_counts(
    lived: tuple[Ward, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    ward, until = lived
    candidate = changed(
        (RED_92, RED_92.replace("92", "95")), (AMBER_94, AMBER_94.replace("94", "96"))
    )
    alone = replayed(ward, candidate, until)
    monkeypatch.setattr(run, "ALONE", 0)
    monkeypatch.setattr(run, "AT_ONCE", 7)
    assert replayed(ward, candidate, until, processes=2) == alone
    assert alone.whole.more > 0


def one_stay(ward: Ward) -> tuple[Any, Any]:
    home = a_home(ward)
    with ward.sessions() as session:
        return home, session.scalars(select(EpisodeRow.id)).one()


def the_alerts(ward: Ward) -> list[AlertRow]:
    with ward.sessions() as session:
        return list(session.scalars(select(AlertRow).order_by(AlertRow.opened_at)))


def close(ward: Ward, alert: AlertRow, at: datetime, changed: bool = False) -> None:
    deed = Acknowledged(alert.id, "nurse-1", alert.version)
    taken = act(ward, alert.id, deed, f"a-{alert.id}", at)
    act(ward, alert.id, ContactMade(alert.id, "nurse-1", Channel.PHONE, True), f"c-{alert.id}", at)
    ended = Resolved(
        alert.id, "nurse-1", taken.version, AlertOutcome.ADVICE, True, True, changed, "seen"
    )
    act(ward, alert.id, ended, f"r-{alert.id}", at + minutes(10))


def test_a_red_that_the_candidate_does_not_see_is_missed(ward: Ward) -> None:
    home, stay = one_stay(ward)
    take_batch(ward, [home.sends(a_reading(92))], NOON)
    process_due_deadlines(ward, NOON + minutes(6))
    report = replayed(
        ward,
        changed((RED_92, RED_92.replace("92", "89")), (AMBER_94, AMBER_94.replace("94", "91"))),
        NOON + minutes(30),
    )
    assert (report.whole.needs, report.whole.missed, report.whole.fewer) == (1, 1, 1)
    [missed] = report.missed
    assert (missed.episode_id, missed.candidate_at, missed.earlier_min) == (stay, None, None)


def test_whom_the_candidate_sees_before_is_caught_earlier_by_so_much(ward: Ward) -> None:
    home, _ = one_stay(ward)
    take_batch(ward, [home.sends(a_reading(95))], NOON)
    later = NOON + minutes(90)
    take_batch(ward, [home.sends(a_reading(91, at=later))], later)
    report = replayed(ward, changed((AMBER_94, AMBER_94.replace("94", "95"))), later + minutes(30))
    assert (report.whole.needs, report.whole.earlier, report.whole.missed) == (1, 1, 0)
    assert report.earlier[0].earlier_min == 90
    assert (report.whole.more, report.whole.fewer) == (0, 0)
    assert any("earlier: stay" in line and "+90 min" in line for line in say(report))


def test_a_red_that_would_only_be_amber_is_said_to_be_lowered(ward: Ward) -> None:
    home, _ = one_stay(ward)
    take_batch(ward, [home.sends(a_reading(92))], NOON)
    process_due_deadlines(ward, NOON + minutes(6))
    report = replayed(ward, changed((RED_92, RED_92.replace("92", "91"))), NOON + minutes(30))
    assert (report.whole.missed, report.whole.lowered, report.whole.more) == (0, 1, 0)


def test_limits_that_a_person_was_given_stand_under_the_candidate(ward: Ward) -> None:
    home, stay = one_stay(ward)
    deed = LimitsChanged("nurse-1", "as agreed", {"red_max": 88.0, "amber_max": 89.0})
    act_on_stay(ward, stay, deed, "limits", NOON)
    later = NOON + minutes(5)
    take_batch(ward, [home.sends(a_reading(91, at=later))], later)
    candidate = changed((RED_92, RED_92.replace("92", "93")))
    assert replayed(ward, candidate, later + DAY / 24).whole.more == 0


def test_a_number_that_was_a_persons_own_from_the_beginning_stays_theirs() -> None:
    candidate = read(changed((RED_92, RED_92.replace("92", "90"))), "candidate").pathway
    own = limits_at_admission(COH).changed({"amber_max": 96.0}, baseline_spo2=97)
    person = candidate_person(Person(limits=own), COH, candidate)
    assert person.limits is not None
    assert (person.limits.get("red_max"), person.limits.get("amber_max")) == (90, 96)
    assert person.limits.baseline_spo2 == 97


def test_who_is_found_later_is_missed_and_by_how_much_is_said(ward: Ward) -> None:
    home, _ = one_stay(ward)
    take_batch(ward, [home.sends(a_reading(92))], NOON)
    process_due_deadlines(ward, NOON + minutes(6))
    later = NOON + minutes(60)
    take_batch(ward, [home.sends(a_reading(88, at=later))], later)
    candidate = changed(
        (RED_92, RED_92.replace("92", "89")), (AMBER_94, AMBER_94.replace("94", "91"))
    )
    report = replayed(ward, candidate, later + minutes(1))
    assert (report.whole.missed, report.whole.fewer, report.whole.more) == (1, 0, 0)
    assert report.missed[0].earlier_min == -60
    assert any("missed: stay" in line and "60 min later" in line for line in say(report))


def test_calls_out_of_hours_are_counted_apart(ward: Ward) -> None:
    home, _ = one_stay(ward)
    night = NOON + timedelta(hours=10)
    take_batch(ward, [home.sends(a_reading(97, at=night - minutes(9)))], night - minutes(8))
    take_batch(ward, [home.sends(a_reading(92, at=night))], night)
    process_due_deadlines(ward, night + minutes(1))
    with ward.sessions() as session:
        calls = session.scalars(select(MessageRow).where(MessageRow.alert_id.is_not(None))).all()
    by_night = [call for call in calls if call.due_at >= night and call.to != "patient"]
    whole = replayed(ward, changed((RED_92, RED_92.replace("92", "91"))), night + minutes(1)).whole
    assert whole.live_night_calls == len(by_night) == 1
    assert whole.candidate_night_calls == 0  # an amber waits for the morning
    assert whole.live_calls == whole.candidate_calls + 1


def test_one_long_alert_is_the_partner_of_one_short_one_only(ward: Ward) -> None:
    home, _ = one_stay(ward)
    for n in range(2):
        at = NOON + n * minutes(60)
        take_batch(ward, [home.sends(a_reading(94, at=at))], at)
        alert = the_alerts(ward)[-1]
        again = at + minutes(2)
        take_batch(ward, [home.sends(a_reading(97, at=again))], again)
        assert the_alerts(ward)[-1].id == alert.id
    assert [alert.state for alert in the_alerts(ward)] == [AlertState.WITHDRAWN] * 2
    candidate = changed((AMBER_94, AMBER_94.replace("94", "97")))  # 97 withdraws nothing there
    whole = replayed(ward, candidate, NOON + minutes(65)).whole
    assert (whole.live, whole.candidate, whole.more, whole.fewer) == (2, 1, 0, 1)


def test_an_alert_that_nobody_had_is_answered_as_usual_so_that_another_can_open(
    ward: Ward,
) -> None:
    home, _ = one_stay(ward)
    for n in range(4):  # one measures at the agreed times, and is amber for the candidate only
        at = NOON + n * DAY
        process_due_deadlines(ward, at)
        take_batch(ward, [home.sends(a_reading(95, at=at))], at)
    report = replayed(
        ward, changed((AMBER_94, AMBER_94.replace("94", "95"))), NOON + 3 * DAY + minutes(90)
    )
    [physiological] = [row for row in report.classes if row.group == "physiological"]
    assert (physiological.live, physiological.candidate, physiological.more) == (0, 4, 4)
    assert any("what the candidate asks for" in line for line in report.assumed)


def test_a_person_who_acts_in_the_live_ward_acts_under_the_candidate_too(ward: Ward) -> None:
    home, _ = one_stay(ward)
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    process_due_deadlines(ward, NOON + minutes(6))
    [alert] = the_alerts(ward)
    close(ward, alert, NOON + minutes(6), changed=True)
    later = NOON + minutes(60)
    take_batch(ward, [home.sends(a_reading(91, at=later))], later)
    report = replayed(ward, changed((RED_92, RED_92.replace("92", "93"))), later + minutes(1))
    assert (report.whole.live, report.whole.candidate, report.whole.more) == (2, 2, 0)
    assert "0 acts found none in play, 0 its rules" in " ".join(report.assumed)


def test_a_longer_wait_for_silence_opens_fewer_missing_alerts(ward: Ward) -> None:
    one_stay(ward)
    process_due_deadlines(ward, NOON + minutes(200))
    candidate = changed(("first_chase_after: { is: 1 h", "first_chase_after: { is: 3 h"))
    report = replayed(ward, candidate, NOON + minutes(200))
    assert [(row.group, row.live, row.fewer) for row in report.classes] == [("missing", 1, 1)]


def test_missing_is_a_group_and_nobody_is_named(ward: Ward) -> None:
    one_stay(ward)
    report = replayed(ward, TEXT, NOON + minutes(30))
    groups = {(row.of, row.group): row.stays for row in report.groups}
    assert groups["ethnicity", "missing"] == groups["age_band", "65-79"] == 1
    with ward.sessions() as session:
        named = session.execute(text("SELECT family_name, nhs_number FROM patient")).one()
    said = json.dumps(report.model_dump(mode="json")) + "\n".join(say(report))
    assert not any(name in said for name in named)


def test_nurse_shifts_and_patient_days_are_those_of_the_stretch(ward: Ward) -> None:
    one_stay(ward)
    report = replayed(ward, TEXT, NOON + DAY)
    # Two days of service from 08:00 to 20:00: 24 November is half over, and half of 25 comes.
    assert report.nurse_shifts == 2
    assert report.whole.patient_days == pytest.approx(25 / 24, abs=0.01)


def test_nothing_to_replay_is_said_in_a_sentence(ward: Ward) -> None:
    with pytest.raises(WardError, match="Nobody was on a version of covid-oximetry-at-home"):
        replayed(ward, TEXT, NOON + DAY)
    one_stay(ward)
    with pytest.raises(WardError, match="after the beginning"):
        replayed(ward, TEXT, NOON - 2 * DAY)
    asked = run.Asked(TEXT, "candidate", NOON - DAY, NOON + DAY)
    with pytest.raises(WardError, match="at most -1 are replayed"):
        run.replay(ward.settings.database, asked, at_most_readings=-1)


def test_the_pathway_of_the_tests_is_the_one_that_runs() -> None:
    assert COH.name == "covid-oximetry-at-home@3"
