"""The ward watches its homes: what they say, what never came from them, and whom it concerns."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.factories import (
    NOON,
    Home,
    a_home,
    a_reading,
    a_ward,
    an_admission,
    minutes,
)
from tests.ward_service.test_determinism import must_be_the_same
from ward_service import worker
from ward_service.contract.ids import new_id
from ward_service.contract.messages import DeviceStatus, Status, Trouble
from ward_service.contract.vocabulary import AlertClass, Outcome, TroubleCode
from ward_service.homes import watch
from ward_service.homes.watch import look_at_gaps
from ward_service.homes.words import WORDS, trouble_words
from ward_service.pipeline import dispatch_batch, process_due_deadlines
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow, LedgerRow
from ward_service.store.tables.homes import (
    HomeStatusRow,
    HomeTroubleRow,
    IgnoredStatusRow,
    SlotRow,
    StreamRow,
)
from ward_service.store.tables.readings import QuarantineRow, ReadingRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

A_QUARTER = minutes(15)
AFTER = NOON + A_QUARTER


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


def status(ward: Ward) -> HomeStatusRow:
    with ward.sessions() as session:
        return session.scalars(select(HomeStatusRow)).one()


def technical(ward: Ward) -> list[str]:
    """The words of every technical finding, in the order in which they joined."""
    query = select(AlertRow).where(AlertRow.alert_class == AlertClass.TECHNICAL)
    with ward.sessions() as session:
        rows = session.scalars(query.order_by(AlertRow.opened_at)).all()
    return [found["finding"]["words"] for row in rows for found in row.findings]


def count(ward: Ward, row: type) -> int:
    with ward.sessions() as session:
        return session.scalar(select(func.count()).select_from(row)) or 0


def readings(home: Home, how_many: int) -> list[Any]:
    return [home.sends(a_reading(97, at=NOON)) for _ in range(how_many)]


def moved_in(ward: Ward, slot: int = 2) -> None:
    """Somebody else gets a place in the same home."""
    admit(ward, an_admission("home-01", slot), NOON - timedelta(hours=1))


def replay_agrees(ward: Ward, until: datetime) -> None:
    """The same alerts come out of what was kept (docs/understand/design.md#promise-6)."""
    process_due_deadlines(ward, until)
    must_be_the_same(ward, until)


# --- what homes say of themselves -----------------------------------------------------------------


def test_what_a_home_says_is_kept_and_the_newest_counts(ward: Ward, home: Home) -> None:
    device = DeviceStatus(model="Nonin 3230", slots=(1,), seen_at=NOON, battery=80)
    more: dict[str, Any] = {"spool_depth": 3, "oldest_at": NOON, "devices": (device,)}
    first = home.is_online(NOON, plans={1: 4}, next_seq=1, clock_ahead_s=1.5, **more)
    assert dispatch_batch(ward, [first], NOON + minutes(1)) == []  # a status has no receipt
    row = status(ward)
    assert (row.online, row.since, row.received_at) == (True, NOON + minutes(1), NOON + minutes(1))
    assert (row.depth, row.oldest_at, row.plans, row.clock_ahead_s) == (3, NOON, {"1": 4}, 1.5)
    assert row.devices is not None
    assert row.devices[0]["model"] == "Nonin 3230"
    dispatch_batch(ward, [home.is_online(NOON + minutes(1))], NOON + minutes(2))
    assert (status(ward).depth, status(ward).since) == (0, NOON + minutes(1))
    with ward.unit_of_work(read_only=True) as store:
        assert store.runtime.heartbeats()["heard"].at == NOON + minutes(2)


def test_a_retained_or_captured_status_is_no_news(ward: Ward, home: Home) -> None:
    """After a restart the broker gives the retained one again; an older one may be replayed."""
    old, new = home.is_online(NOON, spool_depth=9), home.is_online(NOON + minutes(1))
    dispatch_batch(ward, [old, new], NOON + minutes(1))
    for again in (new, old):
        dispatch_batch(ward, [again], NOON + minutes(90))
    row = status(ward)
    assert (row.depth, row.received_at) == (0, NOON + minutes(1))


def test_a_last_will_takes_a_home_offline_though_it_was_signed_before_every_status(
    ward: Ward, home: Home
) -> None:
    will = home.dies(NOON - minutes(1))
    dispatch_batch(ward, [home.is_online(NOON, spool_depth=2)], NOON)
    dispatch_batch(ward, [will], NOON + minutes(7))
    row = status(ward)
    assert (row.online, row.since) == (False, NOON + minutes(7))
    assert (row.depth, row.told_at) == (2, NOON)  # what it said last, and when
    dispatch_batch(ward, [home.is_online(NOON + minutes(9))], NOON + minutes(9))
    dispatch_batch(
        ward, [will], NOON + minutes(10)
    )  # the broker was killed and has its old file again
    assert status(ward).online


def test_a_home_whose_clock_ran_ahead_is_heard_again_when_it_is_put_right(
    ward: Ward, home: Home
) -> None:
    dispatch_batch(ward, [home.is_online(NOON + timedelta(days=300), spool_depth=5)], NOON)
    dispatch_batch(ward, [home.is_online(NOON + minutes(2))], NOON + minutes(2))
    assert status(ward).depth == 0


def test_an_unsigned_status_is_counted_and_ignored(ward: Ward, home: Home) -> None:
    forged = home.says(Status(online=False, sent_at=NOON), NOON, key=b"x" * 32)
    stranger = Home("home-98", "00" * 32).is_online(NOON)
    unknown = home.is_online(NOON)
    changed = type(unknown)(unknown.topic, unknown.properties, b"", b'{"online": false}')
    dispatch_batch(ward, [forged, stranger, changed, home.sends(a_reading(97))], NOON)
    assert (count(ward, HomeStatusRow), count(ward, ReadingRow)) == (0, 1)
    with ward.sessions() as session:
        rows = session.scalars(select(IgnoredStatusRow).order_by(IgnoredStatusRow.gateway_id)).all()
    assert [(row.gateway_id, row.reason, row.times) for row in rows] == [
        ("", "no such gateway, or it was revoked", 1),
        ("home-01", "mac does not match", 2),
    ]
    with ward.unit_of_work(read_only=True) as store:
        assert store.homes.statuses_ignored() == 3


def test_the_hook_is_called_when_a_home_comes_online_and_not_each_minute(
    ward: Ward, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    online: list[str] = []
    monkeypatch.setattr(watch, "came_online", lambda _, gateway_id, *__: online.append(gateway_id))
    dispatch_batch(ward, [home.is_online(NOON), home.is_online(NOON + minutes(1))], NOON)
    assert online == ["home-01"]
    dispatch_batch(ward, [home.dies(NOON)], NOON)
    dispatch_batch(ward, [home.is_online(NOON + minutes(2))], NOON)
    assert len(online) == 2
    dispatch_batch(ward, [home.is_online(NOON + minutes(3), stream="a box set up anew")], NOON)
    assert len(online) == 3


def test_a_status_that_breaks_us_takes_neither_readings_nor_other_homes_with_it(
    ward: Ward, home: Home
) -> None:
    other = a_home(ward, "home-02")
    broken = home.is_online(NOON, spool_depth=10**30)  # no database holds that
    batch = [broken, home.sends(a_reading(91)), other.is_online(NOON)]
    [(_, receipt)] = dispatch_batch(ward, batch, NOON)
    assert receipt.outcome is Outcome.KEPT
    assert status(ward).gateway_id == "home-02"


# --- what is wrong at home ------------------------------------------------------------------------


def test_every_code_has_words_that_a_nurse_knows() -> None:
    assert set(WORDS) == set(TroubleCode)
    for code in TroubleCode:
        plain = trouble_words(Trouble(code=code))
        named = trouble_words(Trouble(code=code, device="Nonin 3230", count=5))
        for words in (plain, named):
            assert "{" not in words
            assert not any(jargon in words.lower() for jargon in ("spool", "mqtt", "ble", code))
    assert trouble_words(
        Trouble(code=TroubleCode.POSSIBLY_MISSED, device="Nonin 3230", count=5)
    ) == (
        "the box at home may have missed what Nonin 3230 measured: ask for the numbers "
        "(perhaps 5 readings)"
    )


def test_a_new_trouble_is_told_once_and_to_whom_it_concerns(ward: Ward, home: Home) -> None:
    moved_in(ward)
    hers = Trouble(code=TroubleCode.BATTERY_LOW, slot=2, device="Nonin 3230")
    everybodys = Trouble(code=TroubleCode.RADIO_OFF)
    for n in range(3):
        dispatch_batch(ward, [home.is_online(NOON + minutes(n), troubles=(hers, everybodys))], NOON)
    said = technical(ward)
    assert sorted(said) == sorted(
        [trouble_words(hers), trouble_words(everybodys), trouble_words(everybodys)]
    )
    with ward.sessions() as session:
        second = session.scalars(select(SlotRow).where(SlotRow.slot == 2)).one().episode_id
        words = session.scalars(
            select(HomeTroubleRow.words).where(HomeTroubleRow.episode_id == second)
        ).all()
    assert set(words) == {trouble_words(hers), trouble_words(everybodys)}
    replay_agrees(ward, NOON + minutes(9))


def test_a_trouble_that_comes_and_goes_is_no_storm(ward: Ward, home: Home) -> None:
    for n in range(40):
        failing = Trouble(code=TroubleCode.DEVICE_FAILING, device="O2Ring", count=n + 1)
        troubles = (failing,) if n % 2 else ()
        at = NOON + minutes(n)
        dispatch_batch(ward, [home.is_online(at, troubles=troubles)], at)
    assert technical(ward) == [trouble_words(failing.model_copy(update={"count": 2}))]
    other = Trouble(code=TroubleCode.DEVICE_FAILING, device="another oximeter")
    at = NOON + minutes(60)
    dispatch_batch(ward, [home.is_online(at, troubles=(failing, other))], at)
    assert len(technical(ward)) == 2
    tomorrow = NOON + timedelta(days=1, minutes=2)
    dispatch_batch(ward, [home.is_online(tomorrow - minutes(1))], tomorrow)
    dispatch_batch(ward, [home.is_online(tomorrow, troubles=(failing,))], tomorrow)
    assert len(technical(ward)) == 3  # a day later it is worth saying again
    replay_agrees(ward, tomorrow)


def test_a_will_forgets_no_trouble_so_that_it_is_not_told_again(ward: Ward, home: Home) -> None:
    low = (Trouble(code=TroubleCode.BATTERY_LOW),)
    dispatch_batch(ward, [home.is_online(NOON, troubles=low)], NOON)
    dispatch_batch(ward, [home.dies(NOON)], NOON)
    dispatch_batch(ward, [home.is_online(NOON + minutes(2), troubles=low)], NOON + minutes(2))
    assert count(ward, HomeTroubleRow) == 1


def test_who_comes_to_a_home_in_trouble_is_told_of_it_and_the_others_not_again(
    ward: Ward, home: Home
) -> None:
    low = (Trouble(code=TroubleCode.BATTERY_LOW),)
    dispatch_batch(ward, [home.is_online(NOON, troubles=low)], NOON)
    admit(ward, an_admission("home-01", 2), NOON + minutes(1))
    for n in (2, 3):
        at = NOON + minutes(n)
        dispatch_batch(ward, [home.is_online(at, troubles=low)], at)
    with ward.sessions() as session:
        second = session.scalars(select(SlotRow).where(SlotRow.slot == 2)).one().episode_id
        told = session.scalars(select(HomeTroubleRow.episode_id).order_by(HomeTroubleRow.at)).all()
    assert (len(told), told[1]) == (2, second)


def test_a_home_with_nobody_in_it_tells_nobody(ward: Ward, home: Home) -> None:
    with ward.sessions.begin() as session:
        session.scalars(select(SlotRow)).one().until = NOON - minutes(1)
    low = (Trouble(code=TroubleCode.BATTERY_LOW),)
    dispatch_batch(ward, [home.is_online(NOON, troubles=low)], NOON)
    assert (count(ward, HomeTroubleRow), technical(ward)) == (0, [])
    assert status(ward).troubles


def test_a_stay_that_breaks_our_code_hides_its_home_from_nobody(ward: Ward, home: Home) -> None:
    moved_in(ward)
    with ward.sessions.begin() as session:
        first = session.scalars(select(SlotRow).where(SlotRow.slot == 1)).one()
        session.get_one(EpisodeRow, first.episode_id).state = {"half": "written"}
    low = (Trouble(code=TroubleCode.BATTERY_LOW),)
    dispatch_batch(ward, [home.is_online(NOON, troubles=low)], NOON)
    assert status(ward).troubles
    assert technical(ward) == [trouble_words(low[0])]


# --- numbers that never came ----------------------------------------------------------------------


def test_a_number_that_is_missing_for_a_quarter_of_an_hour_is_told_with_its_count(
    ward: Ward, home: Home
) -> None:
    moved_in(ward)
    sent = readings(home, 6)
    dispatch_batch(ward, [sent[0], sent[1], sent[5]], NOON)  # 3, 4 and 5 are on their way, or lost
    look_at_gaps(ward, AFTER - timedelta(seconds=1))
    assert technical(ward) == []
    for n in range(3):
        look_at_gaps(ward, AFTER + minutes(n))
    words = "3 readings were made at home and have not come since 12:00: ask for the numbers"
    assert technical(ward) == [words, words]  # once on each who has a place there
    assert count(ward, HomeTroubleRow) == 2
    replay_agrees(ward, AFTER + minutes(9))


def test_what_comes_in_time_is_told_to_nobody(ward: Ward, home: Home) -> None:
    sent = readings(home, 4)
    dispatch_batch(ward, [sent[0], sent[3]], NOON)
    dispatch_batch(ward, [sent[2], sent[1]], AFTER - timedelta(seconds=1))
    look_at_gaps(ward, AFTER + minutes(60))
    assert technical(ward) == []


def test_what_came_after_it_was_told_simply_stops_counting(ward: Ward, home: Home) -> None:
    sent = readings(home, 4)
    dispatch_batch(ward, [sent[0], sent[3]], NOON)
    look_at_gaps(ward, AFTER)
    dispatch_batch(ward, [sent[1], sent[2]], AFTER + minutes(1))
    with ward.unit_of_work(read_only=True) as store:
        numbers, _ = store.streams.newest()["home-01"]
    assert (numbers.missing_by(AFTER + minutes(60)), numbers.upto) == (None, 4)
    look_at_gaps(ward, AFTER + minutes(60))
    assert len(technical(ward)) == 1


def test_a_gap_is_not_told_while_the_home_still_holds_what_is_missing(
    ward: Ward, home: Home
) -> None:
    sent = readings(home, 3)
    dispatch_batch(ward, [sent[0], sent[2]], NOON)
    holds = home.is_online(NOON + minutes(14), spool_depth=1, oldest_at=NOON - minutes(3))
    dispatch_batch(ward, [holds], NOON + minutes(14))
    look_at_gaps(ward, NOON + minutes(300))
    assert technical(ward) == []
    # It holds one still, but one that it took after the gap was seen: the missing one is gone.
    at = NOON + minutes(301)
    newer = home.is_online(at, spool_depth=1, oldest_at=NOON + minutes(20))
    dispatch_batch(ward, [newer], at)
    look_at_gaps(ward, at + minutes(1))
    assert technical(ward) == [
        "1 reading was made at home and has not come since 12:00: ask for the numbers"
    ]


def test_a_home_whose_clock_is_ahead_holds_what_it_holds(ward: Ward, home: Home) -> None:
    sent = readings(home, 3)
    dispatch_batch(ward, [sent[0], sent[2]], NOON)
    ahead = home.is_online(
        NOON + minutes(1), spool_depth=1, oldest_at=NOON + minutes(59), clock_ahead_s=3_600
    )
    dispatch_batch(ward, [ahead], NOON + minutes(1))
    look_at_gaps(ward, AFTER)
    assert technical(ward) == []


def test_what_a_home_says_it_made_and_does_not_hold_is_missing(ward: Ward, home: Home) -> None:
    """The last readings of all were lost: no later one shows it, only the status."""
    sent = readings(home, 3)
    dispatch_batch(ward, [sent[0]], NOON)
    for n in range(20):
        at = NOON + minutes(n)
        dispatch_batch(ward, [home.is_online(at, next_seq=4)], at)
        look_at_gaps(ward, at)
    assert technical(ward) == [
        "2 readings were made at home and have not come since 12:00: ask for the numbers"
    ]


@pytest.mark.parametrize("lost", ["quarantined", "duplicate"])
def test_what_was_quarantined_or_a_duplicate_has_come(ward: Ward, home: Home, lost: str) -> None:
    if lost == "quarantined":
        second = home.sends_bytes(b"not json", new_id(NOON), seq=2)
    else:
        dispatch_batch(ward, [home.sends(a_reading(97, source_key="cuff|1"))], NOON)
        second = home.sends(a_reading(97, source_key="cuff|1"))
    home_sends_third = home.sends_bytes(b"{}", new_id(NOON), seq=3)
    dispatch_batch(
        ward, [home.sends_bytes(b"{}", new_id(NOON), seq=1), second, home_sends_third], NOON
    )
    with ward.sessions() as session:
        row = session.scalars(select(StreamRow)).one()
    assert (row.upto, row.beyond, row.look_at) == (3, None, None)


def test_a_forged_number_fills_no_gap(ward: Ward, home: Home) -> None:
    sent = readings(home, 3)
    dispatch_batch(ward, [sent[0], sent[2]], NOON)
    forged = home.sends_bytes(b"{}", new_id(NOON), key=b"x" * 32, seq=2)
    dispatch_batch(ward, [forged], NOON)
    look_at_gaps(ward, AFTER)
    assert [words for words in technical(ward) if "made at home" in words]


def test_a_box_set_up_anew_begins_a_new_stream_and_is_believed(ward: Ward, home: Home) -> None:
    """R10: its numbers begin at 1 again, and none of them is a duplicate."""
    dispatch_batch(ward, readings(home, 3), NOON)
    anew = Home("home-01", home.key.hex())
    receipts = dispatch_batch(ward, readings(anew, 3), NOON)
    assert {receipt.outcome for _, receipt in receipts} == {Outcome.KEPT}
    look_at_gaps(ward, AFTER)
    assert (technical(ward), count(ward, ReadingRow)) == ([], 6)


def test_one_number_with_two_readings_is_told_and_both_are_kept(ward: Ward, home: Home) -> None:
    """R10: a box that was copied, or whose disk was put back, counts the same numbers again."""
    first, second = a_reading(97), a_reading(91)
    one = home.sends_bytes(first.model_dump_json().encode(), first.reading_id, seq=1)
    other = home.sends_bytes(second.model_dump_json().encode(), second.reading_id, seq=1)
    receipts = dispatch_batch(ward, [one, other], NOON) + dispatch_batch(ward, [one, other], NOON)
    assert [r.outcome for _, r in receipts] == [Outcome.KEPT, Outcome.KEPT] + 2 * [
        Outcome.DUPLICATE
    ]
    assert count(ward, ReadingRow) == 2
    [words] = technical(ward)
    assert "two different messages from this home carry one number" in words
    replay_agrees(ward, NOON + minutes(9))


def test_one_id_with_two_bodies_is_told_and_the_second_is_not_dropped(
    ward: Ward, home: Home
) -> None:
    whole = a_reading(97)
    worse = a_reading(84, reading_id=whole.reading_id)
    one = home.sends_bytes(whole.model_dump_json().encode(), whole.reading_id, seq=1)
    other = home.sends_bytes(worse.model_dump_json().encode(), whole.reading_id, seq=1)
    dispatch_batch(ward, [one], NOON)
    [(_, receipt)] = dispatch_batch(ward, [other], NOON)
    assert receipt.outcome is Outcome.QUARANTINED
    with ward.sessions() as session:
        kept = session.scalars(select(QuarantineRow)).one()
    assert b"84" in kept.payload
    [words] = technical(ward)
    assert "two different messages" in words


def test_what_was_quarantined_and_can_be_filed_now_is_no_second_message(
    ward: Ward, home: Home
) -> None:
    """Its receipt was lost, so it comes again under its number; by now somebody has the place."""
    home.slot = 2
    message = home.sends(a_reading(97))
    dispatch_batch(ward, [message], NOON)
    moved_in(ward)
    [(_, receipt)] = dispatch_batch(ward, [message], NOON)
    assert receipt.outcome is Outcome.KEPT
    assert technical(ward) == []


# --- what nobody claimed --------------------------------------------------------------------------


def test_a_reading_that_nobody_claimed_is_told_to_everybody_who_may_have_measured(
    ward: Ward, home: Home
) -> None:
    moved_in(ward)
    elsewhere = a_home(ward, "home-02")
    reading = a_reading(85)
    body = reading.model_dump_json().encode()
    message = home.sends_bytes(body, reading.reading_id, claimed=False)
    receipts = dispatch_batch(ward, [message, message, elsewhere.sends(a_reading(97))], NOON)
    assert [(r.outcome, r.reason) for _, r in receipts[:2]] == 2 * [
        (Outcome.QUARANTINED, "nobody said whose it was")
    ]
    words = technical(ward)
    assert len(words) == 2
    assert "nobody said whose it was. It may be this person's: ask" in words[0]
    with ward.sessions() as session:
        kept = session.scalars(select(QuarantineRow)).one()
        told = set(session.scalars(select(HomeTroubleRow.episode_id)))
        there = set(
            session.scalars(select(SlotRow.episode_id).where(SlotRow.gateway_id == "home-01"))
        )
    assert (kept.times, kept.payload) == (2, body)
    assert told == there
    replay_agrees(ward, NOON + minutes(9))


# --- the clock ------------------------------------------------------------------------------------


def test_the_worker_looks_at_gaps_on_its_clock(ward: Ward, home: Home) -> None:
    sent = readings(home, 3)
    dispatch_batch(ward, [sent[0], sent[2]], NOON)
    worker.tick(ward, AFTER)
    assert len(technical(ward)) == 1


def test_a_home_that_goes_offline_calls_nobody(ward: Ward, home: Home) -> None:
    """It is shown. Whether somebody is overdue is a matter of their plan."""
    dispatch_batch(ward, [home.is_online(NOON), *readings(home, 1)], NOON)
    dispatch_batch(ward, [home.dies(NOON)], NOON + minutes(1))
    look_at_gaps(ward, NOON + minutes(90))
    process_due_deadlines(ward, NOON + minutes(90))
    with ward.sessions() as session:
        assert set(session.scalars(select(LedgerRow.what))) == {"admitted"}
