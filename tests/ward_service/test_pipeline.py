"""The story over a real database: all or nothing, never twice, and one bad reading blocks none."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.event import listen, remove
from sqlalchemy.orm import Session

from tests.factories import (
    NOON,
    Home,
    a_home,
    a_reading,
    a_ward,
    an_admission,
    minutes,
)
from ward_service.contract.envelope import Envelope
from ward_service.contract.ids import new_id
from ward_service.contract.messages import topic
from ward_service.contract.vocabulary import AlertClass, AlertState, Level, Outcome, Quality
from ward_service.domain.episode import step
from ward_service.domain.inputs import Acknowledged, ReadingArrived
from ward_service.enrolment.enrolment import add_gateway
from ward_service.errors import OutdatedError, StorageDownError
from ward_service.ingest.message import ArrivedMessage
from ward_service.pipeline import process_due_deadlines, take_batch, write_due
from ward_service.stays.acts import act
from ward_service.stays.admission import admit
from ward_service.store.connect import connect, engine_of
from ward_service.store.tables.alerts import AlertRow, LedgerRow
from ward_service.store.tables.homes import SlotRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import QuarantineRow, ReadingRow
from ward_service.store.tables.runtime import BlindRow
from ward_service.store.tables.stays import DueRow, EpisodeRow
from ward_service.ward import Ward


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


def count(ward: Ward, row: type) -> int:
    with ward.sessions() as session:
        return session.scalar(select(func.count()).select_from(row)) or 0


def the_alerts(ward: Ward) -> list[AlertRow]:
    with ward.sessions() as session:
        return list(session.scalars(select(AlertRow).order_by(AlertRow.opened_at)))


def quarantined(ward: Ward) -> list[str]:
    with ward.sessions() as session:
        return list(session.scalars(select(QuarantineRow.reason).order_by(QuarantineRow.id)))


def test_a_red_reading_is_kept_judged_and_alerted_in_one_breath(ward: Ward, home: Home) -> None:
    reading = a_reading(91)
    [(gateway, receipt)] = take_batch(ward, [home.sends(reading)], NOON)
    assert (gateway, receipt.reading_id, receipt.outcome) == (
        "home-01",
        reading.reading_id,
        Outcome.KEPT,
    )
    [alert] = the_alerts(ward)
    assert (alert.state, alert.level) == (AlertState.PROVISIONAL, Level.RED)
    assert alert.findings[0]["finding"]["words"] == "SpO2 91 % <= 92 %"
    assert alert.pathway == "covid-oximetry-at-home@3"
    with ward.sessions() as session:
        lines = list(session.scalars(select(LedgerRow.what).order_by(LedgerRow.id)))
        calls = list(session.scalars(select(MessageRow.to)))
    assert (lines, calls) == (["admitted", "opened", "called"], ["ward_nurse"])
    with ward.sessions() as session:
        kept = session.scalars(select(ReadingRow)).one()
    assert (kept.spo2, kept.level, kept.seq) == (91, Level.RED, 1)


def test_a_redelivered_reading_changes_nothing_and_is_receipted_again(
    ward: Ward, home: Home
) -> None:
    message = home.sends(a_reading(91))
    outcomes = [take_batch(ward, [message, message], NOON), take_batch(ward, [message], NOON)]
    assert [[r.outcome for _, r in batch] for batch in outcomes] == [
        [Outcome.KEPT, Outcome.DUPLICATE],
        [Outcome.DUPLICATE],
    ]
    assert (count(ward, ReadingRow), count(ward, AlertRow), count(ward, LedgerRow)) == (1, 1, 3)


def test_a_stored_record_that_is_sent_again_under_a_new_id_is_a_duplicate(
    ward: Ward, home: Home
) -> None:
    first, again = (a_reading(91, source_key="cuff|2a5e|0161") for _ in range(2))
    assert first.reading_id != again.reading_id
    take_batch(ward, [home.sends(first)], NOON)
    [(_, receipt)] = take_batch(ward, [home.sends(again)], NOON)
    assert receipt.outcome is Outcome.DUPLICATE
    assert count(ward, ReadingRow) == 1


def test_a_failure_leaves_neither_reading_nor_alert_nor_receipt(ward: Ward, home: Home) -> None:
    def disk_full(_: Session) -> None:
        raise OSError

    listen(Session, "before_commit", disk_full)
    try:
        with pytest.raises(OSError, match=r"^$"):
            take_batch(ward, [home.sends(a_reading(91))], NOON)
    finally:
        remove(Session, "before_commit", disk_full)
    assert (count(ward, ReadingRow), count(ward, AlertRow), count(ward, QuarantineRow)) == (0, 0, 0)


def test_when_storage_is_down_nothing_is_promised(
    ward: Ward, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = home.sends(a_reading(91))
    elsewhere = connect("postgresql://nobody@127.0.0.1:1/nowhere?connect_timeout=2")
    monkeypatch.setattr(ward, "sessions", elsewhere)
    with pytest.raises(StorageDownError):
        take_batch(ward, [message], NOON)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"not json at all", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[]", "not a reading: model_type"),
        (b'{"reading_id": 7}', "not a reading: missing, uuid_type"),
    ],
)
def test_what_cannot_be_read_is_kept_counted_receipted_and_told_to_people(
    ward: Ward, home: Home, payload: bytes, reason: str
) -> None:
    id_ = new_id(NOON)
    message = home.sends_bytes(payload, id_)
    receipts = take_batch(ward, [message, home.sends(a_reading(97)), message], NOON)
    assert [r.outcome for _, r in receipts] == [
        Outcome.QUARANTINED,
        Outcome.KEPT,
        Outcome.QUARANTINED,
    ]
    assert receipts[0][1].reading_id == id_
    with ward.sessions() as session:
        kept = session.scalars(select(QuarantineRow)).one()
    assert (kept.payload, kept.reason, kept.times) == (payload, reason, 2)
    [technical] = the_alerts(ward)
    assert technical.alert_class is AlertClass.TECHNICAL
    assert kept.episode_id == technical.episode_id


def test_the_reason_repeats_nothing_from_the_payload(ward: Ward, home: Home) -> None:
    payload = a_reading(97).model_dump_json().replace("spo2", "Ann Smith").encode()
    take_batch(ward, [home.sends_bytes(payload, new_id(NOON))], NOON)
    assert quarantined(ward) == ["not a reading: enum"]


def test_a_gateway_cannot_speak_for_another_and_a_forgery_gets_no_receipt(
    ward: Ward, home: Home
) -> None:
    other = Home("home-02", add_gateway(ward, "home-02", NOON))
    genuine = a_reading(88)
    forged = a_reading(99, reading_id=genuine.reading_id)
    message = home.sends_bytes(forged.model_dump_json().encode(), forged.reading_id, key=other.key)
    # A receipt here would make the home forget the genuine red that it still holds.
    assert take_batch(ward, [message], NOON) == []
    assert quarantined(ward) == ["mac does not match"]
    [(_, receipt)] = take_batch(ward, [home.sends(genuine)], NOON)
    assert receipt.outcome is Outcome.KEPT


def test_a_reading_that_names_no_slot_is_nobodys(ward: Ward, home: Home) -> None:
    reading = a_reading(88)
    payload, name = reading.model_dump_json().encode(), topic("home-01", "readings")
    envelope = Envelope(NOON, correlation=reading.reading_id.bytes)
    properties = tuple(envelope.properties(name, payload, home.key))
    message = ArrivedMessage(name, properties, reading.reading_id.bytes, payload)
    [(_, receipt)] = take_batch(ward, [message], NOON)
    assert (receipt.outcome, receipt.reason) == (
        Outcome.QUARANTINED,
        "nobody said whose it was",
    )


def test_a_gateway_that_nobody_knows_gets_no_receipt(ward: Ward) -> None:
    stranger = Home("home-99", "00" * 32)
    assert take_batch(ward, [stranger.sends(a_reading(88))], NOON) == []
    assert quarantined(ward) == ["no such gateway, or it was revoked"]


def test_a_slot_with_nobody_in_it_is_quarantined_with_its_receipt(ward: Ward, home: Home) -> None:
    home.slot = 7
    [(_, receipt)] = take_batch(ward, [home.sends(a_reading(88))], NOON)
    assert (receipt.outcome, receipt.reason) == (Outcome.QUARANTINED, "nobody has this slot")
    assert count(ward, ReadingRow) == 0


def test_a_reading_that_breaks_our_code_is_quarantined_and_its_neighbours_are_kept(
    ward: Ward, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = step
    breaks_us = a_reading(88)

    def broken(*given: Any, **named: Any) -> Any:
        happened = given[2]
        if isinstance(happened, ReadingArrived) and happened.reading_id == breaks_us.reading_id:
            raise KeyError("Ann Smith")
        return whole(*given, **named)

    monkeypatch.setattr("ward_service.stays.stay.step", broken)
    batch = [home.sends(r) for r in (a_reading(97), breaks_us, a_reading(96))]
    outcomes = [r.outcome for _, r in take_batch(ward, batch, NOON)]
    assert outcomes == [Outcome.KEPT, Outcome.QUARANTINED, Outcome.KEPT]
    assert quarantined(ward) == ["our fault: KeyError"]
    assert count(ward, ReadingRow) == 2
    assert [a.alert_class for a in the_alerts(ward)] == [AlertClass.TECHNICAL]


def test_a_stay_that_breaks_our_code_loses_nothing_and_blocks_nobody(
    ward: Ward, home: Home
) -> None:
    well = a_home(ward, "home-02")
    with ward.sessions.begin() as session:
        broken = session.scalars(select(SlotRow).where(SlotRow.gateway_id == "home-01")).one()
        session.get_one(EpisodeRow, broken.episode_id).state = {"half": "written"}
    batch = [home.sends(a_reading(88)), well.sends(a_reading(97))]
    outcomes = [r.outcome for _, r in take_batch(ward, batch, NOON)]
    assert outcomes == [Outcome.QUARANTINED, Outcome.KEPT]
    assert quarantined(ward) == ["our fault: ValidationError"]


def test_a_reading_belongs_to_whoever_had_the_slot_when_it_was_measured(ward: Ward) -> None:
    home = a_home(ward, at=NOON - timedelta(days=3))
    with ward.sessions.begin() as session:
        first = session.scalars(select(SlotRow)).one()
        first.until = NOON - timedelta(days=1)
        session.get_one(EpisodeRow, first.episode_id).ended_at = first.until
    second = admit(ward, an_admission("home-01"), NOON - timedelta(hours=2))
    before, now = a_reading(96, at=NOON - timedelta(days=2)), a_reading(95)
    between = a_reading(94, at=NOON - timedelta(hours=12))
    receipts = take_batch(ward, [home.sends(r) for r in (before, now, between)], NOON)
    with ward.sessions() as session:
        whose = dict(session.execute(select(ReadingRow.spo2, ReadingRow.episode_id)).all())
    assert whose == {96: first.episode_id, 95: second.episode_id}
    assert receipts[2][1].outcome is Outcome.QUARANTINED
    assert quarantined(ward) == [
        "its time fits nobody who had this slot: a person must decide whose it is"
    ]


def test_silence_is_looked_at_without_any_arrival(ward: Ward, home: Home) -> None:
    process_due_deadlines(ward, NOON + minutes(119))
    assert the_alerts(ward) == []
    process_due_deadlines(ward, NOON + minutes(120) + timedelta(seconds=1))
    [missing] = the_alerts(ward)
    assert (missing.alert_class, missing.opened_at) == (AlertClass.MISSING, NOON + minutes(120))


def test_two_workers_and_a_repeat_look_leave_one_alert(ward: Ward, home: Home) -> None:
    for _ in range(3):
        process_due_deadlines(ward, NOON + timedelta(hours=3))
    assert len(the_alerts(ward)) == 1


def test_a_ward_that_was_blind_waits_for_homes_and_then_judges(ward: Ward, home: Home) -> None:
    back, grace_ends = NOON + timedelta(hours=3), NOON + timedelta(hours=3, minutes=15)
    with ward.unit_of_work() as store:
        store.runtime.note_blindness(
            BlindRow(blind_from=NOON, blind_until=back, grace_until=grace_ends)
        )
    process_due_deadlines(ward, back)
    assert the_alerts(ward) == []
    process_due_deadlines(ward, grace_ends)
    [missing] = the_alerts(ward)
    assert (missing.opened_at, missing.noticed_at) == (NOON + minutes(120), grace_ends)


def test_only_one_of_two_clinicians_gets_the_alert(ward: Ward, home: Home) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    [alert] = the_alerts(ward)
    act(ward, alert.id, Acknowledged(alert.id, "nurse-3", alert.version), "key-of-nurse-3", NOON)
    with pytest.raises(OutdatedError):
        act(ward, alert.id, Acknowledged(alert.id, "nurse-4", alert.version), "key-4", NOON)
    [taken] = the_alerts(ward)
    assert (taken.state, taken.owner) == (AlertState.ACKNOWLEDGED, "nurse-3")


def test_the_same_act_sent_three_times_is_one_act(ward: Ward, home: Home) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    [alert] = the_alerts(ward)
    for _ in range(3):
        act(ward, alert.id, Acknowledged(alert.id, "nurse-3", alert.version), "one-key", NOON)
    with ward.sessions() as session:
        whats = list(session.scalars(select(LedgerRow.what).order_by(LedgerRow.id)))
    assert whats == ["admitted", "opened", "called", "acknowledged"]


def test_acknowledgement_survives_a_restart(
    ward: Ward, home: Home, tmp_path: Path, database_url: str
) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    [alert] = the_alerts(ward)
    act(ward, alert.id, Acknowledged(alert.id, "nurse-3", alert.version), "one-key", NOON)
    again = a_ward(tmp_path, database_url)
    take_batch(again, [home.sends(a_reading(91, at=NOON + minutes(9)))], NOON + minutes(9))
    [taken] = the_alerts(again)
    engine_of(again.sessions).dispose()
    assert (taken.state, taken.owner) == (AlertState.ACKNOWLEDGED, "nurse-3")


def test_what_was_expected_is_written_down_and_filled_by_good_readings_only(
    ward: Ward, home: Home
) -> None:
    at, evening = NOON + minutes(30), NOON + timedelta(hours=5)
    take_batch(ward, [home.sends(a_reading(97, at=at))], at)
    doubtful = a_reading(97, at=evening, quality=[Quality.POOR_SIGNAL])
    take_batch(ward, [home.sends(doubtful)], evening)
    assert write_due(ward, NOON + timedelta(hours=24)) == 3
    assert write_due(ward, NOON + timedelta(hours=24)) == 0
    with ward.sessions() as session:
        rows = session.execute(text("SELECT filled FROM extract_due ORDER BY due_at")).all()
    assert [bool(filled) for (filled,) in rows] == [True, False, False]
    assert count(ward, DueRow) == 3


def test_the_views_of_the_extract_hold_what_the_contract_lists_and_no_identity(
    ward: Ward, home: Home
) -> None:
    from ward_service.contract.extract import COLUMNS
    from ward_service.store.views import VIEWS

    identity = {"family_name", "given_name", "birth_date", "nhs_number", "phone", "payload"}
    with ward.sessions() as session:
        for view, columns in COLUMNS.items():
            found = tuple(session.execute(text(f"SELECT * FROM {view}")).keys())  # noqa: S608
            assert found == columns
            assert not identity & set(found)
            assert "patient" not in VIEWS[view]


def test_somebody_is_admitted_once_and_a_place_is_taken_once(ward: Ward, home: Home) -> None:
    from ward_service.errors import ConflictError, WardError

    with pytest.raises(ConflictError, match="slot"):
        admit(ward, an_admission("home-01"), NOON)
    add_gateway(ward, "home-02", NOON)
    again = an_admission("home-02")
    admit(ward, again, NOON)
    with pytest.raises(ConflictError, match="on the ward already"):
        admit(ward, again.model_copy(update={"slot": 2}), NOON)
    mistyped = again.model_copy(update={"nhs_number": "9990000000", "slot": 3})
    with pytest.raises(WardError, match="mistyped digit"):
        admit(ward, mistyped, NOON)
