"""Several people in one home: whose a reading is, and what becomes of nobody's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from device_gateway.capture.attribution import (
    HELP_AFTER,
    MEASURING_FOR,
    RED_WAITS,
    SAID_AFTERWARDS,
    WAITS,
    ClaimError,
)
from device_gateway.capture.capture import Capture
from device_gateway.config.devices_file import Paired
from device_gateway.decode import plx
from device_gateway.decode.blood_pressure import MEASUREMENT
from device_gateway.decode.plx import SPOT_CHECK, Pair, PlxFrame
from device_gateway.home import Home
from device_gateway.spool.records import NOBODY
from tests.device_gateway.streams import (
    CUFF,
    HERS,
    NOON,
    SECOND,
    SHARED,
    a_home,
    hears,
    readings,
    sent,
    spo2,
    traces,
)
from tests.fakes.adviser import ByTheRules
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Reading, Trace
from ward_service.contract.vocabulary import Level, Quality, TroubleCode, Vital

# Captured, as listed in docs/reference/device-layouts.md#frames, vectors 10 to 12; in all 14
# records of this real memory there are the users 0 and 1. Vector 14, of user 1, is the maker's own
# example.
OF_USER_0 = (
    "1e790057000000e60701010002006200000000",
    "1e87006d000000ea0704020e32005000000000",
    "1e68004a000000ea0707160b15004f00000000",
)
OF_USER_1 = ("1e75004d000000df07010e0a37004800010000",)
UNKNOWN_USER = "1e68004a000000ea0707160b15004f00ff0000"
UNSHARED_CUFF = CUFF.model_copy(update={"slots": (2,), "users": {}})
NO_USERS = CUFF.model_copy(update={"users": {}})


def record(hex_: str, at: datetime = NOON) -> Capture:
    return Capture(MEASUREMENT, bytes.fromhex(hex_), at, family="blood_pressure")


def cuff_of_now(at: datetime, user: int = 255) -> Capture:
    """A record that the cuff made at a moment, in whole minutes, by whoever."""
    when = at.year.to_bytes(2, "little") + bytes([at.month, at.day, at.hour, at.minute, 0])
    head = bytes.fromhex("1e68004a000000")
    return record((head + when + bytes.fromhex("4f00") + bytes([user, 0, 0])).hex(), at)


def spot(value: float, at: datetime = NOON) -> Capture:
    frame = PlxFrame(Pair(value, 72), device_time=at.replace(tzinfo=None))
    return Capture(SPOT_CHECK, plx.encode(SPOT_CHECK, frame), at, family="plx")


def waiting(home: Home) -> list[UUID]:
    return [one.reading_id for one in home.waiting()]


@pytest.mark.parametrize(
    ("device", "slot"), [(HERS, 1), (HERS.model_copy(update={"slots": (7,)}), 7)]
)
def test_a_device_of_one_person_is_theirs(tmp_path: Path, device: Paired, slot: int) -> None:
    home = a_home(tmp_path)
    home.hear(device, [spot(97)])
    assert [found for found, _ in sent(home)] == [slot]


def test_a_dump_of_a_shared_cuff_is_filed_by_the_users_it_names(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.hear(CUFF, [record(hex_) for hex_ in (*OF_USER_0, *OF_USER_1)])
    assert [slot for slot, _ in sent(home)] == [1, 1, 1, 2]
    pressures = [
        next(o.value for o in one.observations if o.vital is Vital.SYSTOLIC_BP)
        for one in readings(home)
    ]
    assert pressures == [121, 135, 104, 117]
    keys = [one.source_key for one in readings(home)]
    home.hear(CUFF, [record(hex_, NOON + timedelta(days=1)) for hex_ in (*OF_USER_0, *OF_USER_1)])
    again = [one.source_key for one in readings(home)[4:]]
    assert again == keys  # the same to the ward, which changes nothing
    assert None not in keys
    assert len(set(keys)) == 4


def test_a_user_whom_nobody_mapped_is_asked_about_and_not_guessed(tmp_path: Path) -> None:
    one_user = CUFF.model_copy(update={"slots": (1,), "users": {0: 1}})
    home = a_home(tmp_path)
    home.hear(one_user, [record(OF_USER_1[0]), record(UNKNOWN_USER)])
    assert sent(home) == []
    assert len(home.waiting()) == 2
    home.hear(UNSHARED_CUFF, [record(OF_USER_1[0])])
    assert [slot for slot, _ in sent(home)] == [2]  # nobody else has that one


def test_a_memory_that_comes_again_is_asked_about_once(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    dump = [record(hex_) for hex_ in (*OF_USER_0, UNKNOWN_USER)]
    for _ in range(3):
        home.hear(NO_USERS, dump)
    assert len(home.waiting()) == 4
    [first, *rest] = waiting(home)
    home.claim([first], 1, NOON)
    home.tick(NOON + WAITS)
    for _ in range(2):
        home.hear(NO_USERS, dump)
    assert home.waiting() == []
    assert [slot for slot, _ in sent(home)] == [1, *[NOBODY] * len(rest)]


def test_who_says_that_they_measure_has_what_is_measured_then(tmp_path: Path) -> None:
    home = a_home(tmp_path, ByTheRules())
    home.measuring(2, NOON)
    home.hear(SHARED, [spot(97, NOON + MEASURING_FOR - SECOND)])
    home.hear(NO_USERS, [cuff_of_now(NOON + timedelta(minutes=1))])
    home.hear(SHARED, [spot(96, NOON + MEASURING_FOR)])
    home.hear(HERS, [spot(95, NOON + SECOND)])  # not shared: it is hers whoever says what
    assert [slot for slot, _ in sent(home)] == [2, 2, 1]
    assert [one.values[Vital.SPO2] for one in home.waiting()] == [96]


def test_a_cuff_names_its_user_before_anybody_says_anything(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.measuring(2, NOON)
    home.hear(CUFF, [cuff_of_now(NOON, user=0)])
    assert [slot for slot, _ in sent(home)] == [1]


def test_what_she_says_now_does_not_make_old_readings_hers(tmp_path: Path) -> None:
    """A cuff sends its whole memory, the husband's too, in the minute in which she measures."""
    home = a_home(tmp_path)
    home.measuring(2, NOON)
    now = cuff_of_now(NOON - SAID_AFTERWARDS)
    home.hear(NO_USERS, [record(UNKNOWN_USER), *map(record, OF_USER_0), now])
    assert [slot for slot, _ in sent(home)] == [2]
    assert len(home.waiting()) == 4


def test_what_has_no_certain_time_is_not_hers_by_her_word(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.measuring(2, NOON)
    home.hear(NO_USERS, [record("06 7800 5000 0000 00000000000000 0000")])
    assert sent(home) == []
    [one] = home.spool.unclaimed()
    assert Quality.CLOCK_NOT_SET in Reading.model_validate_json(one.payload).quality


def test_somebody_who_has_nothing_to_do_with_a_device_cannot_be_its_owner(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.measuring(3, NOON)
    home.hear(SHARED, [spot(97)])
    [one] = home.waiting()
    assert one.slots == (1, 2)
    with pytest.raises(ClaimError, match="not slot 3's, only 1, 2; it still waits"):
        home.claim([one.reading_id], 3, NOON)
    assert waiting(home) == [one.reading_id]


def test_a_claimed_reading_is_judged_then_and_keeps_its_time(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    home.hear(SHARED, [spot(90)])
    assert adviser.advised_on == []
    later = NOON + timedelta(minutes=1)
    [id_] = waiting(home)
    home.claim([id_], 2, later)
    [(slot, reading)] = sent(home)
    assert isinstance(reading, Reading)
    assert (slot, reading.reading_id, reading.measured_at) == (2, id_, NOON)
    assert reading.advice is not None
    assert reading.advice.level is Level.RED
    assert [(to, now) for to, _, now in adviser.advised_on] == [(2, later)]
    assert [kept.reading_id for kept in home.spool.kept(2, NOON)] == [id_]
    with pytest.raises(ClaimError, match="nothing waits under this id"):
        home.claim([id_], 1, later)


def test_of_several_claimed_none_is_given_if_one_cannot_be(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.hear(SHARED, [spot(97)])
    with pytest.raises(ClaimError, match="nothing waits"):
        home.claim([*waiting(home), new_id(NOON)], 1, NOON)
    assert len(home.waiting()) == 1


@pytest.mark.parametrize(("value", "plan", "waits"), [(97, True, WAITS), (90, True, RED_WAITS)])
def test_what_nobody_claims_goes_without_a_slot_a_red_one_soon(
    tmp_path: Path, value: float, plan: bool, waits: timedelta
) -> None:
    home = a_home(tmp_path, ByTheRules())
    home.hear(SHARED, [spot(value)])
    assert [one.goes_at for one in home.waiting()] == [NOON + waits]
    home.tick(NOON + waits - SECOND)
    assert sent(home) == []
    home.tick(NOON + waits)
    [(slot, reading)] = sent(home)
    assert isinstance(reading, Reading)
    assert (slot, reading.measured_at, reading.advice) == (NOBODY, NOON, None)
    assert home.waiting() == []
    home.tick(NOON + 2 * waits)
    assert len(sent(home)) == 1


def test_a_reading_that_is_red_for_one_of_them_does_not_wait(tmp_path: Path) -> None:
    rules = ByTheRules().rules_of_slot[1]
    low = (rules[0], rules[1].changed({"red_max": 85, "amber_max": 88}))
    home = a_home(tmp_path, ByTheRules(plans={1: low, 2: rules}))
    home.hear(SHARED, [spot(91)])  # red for 2 alone
    home.hear(SHARED.model_copy(update={"slots": (1, 3)}), [spot(91)])  # 3 has no plan
    assert [one.goes_at - NOON for one in home.waiting()] == [RED_WAITS, WAITS]


def test_without_plans_nothing_is_known_to_be_red(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.hear(SHARED, [spot(70)])
    assert [one.goes_at for one in home.waiting()] == [NOON + WAITS]


def test_a_clock_that_went_back_does_not_make_nobodys_reading_wait(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.hear(SHARED, [spot(97)])
    home.tick(NOON - timedelta(hours=1))
    assert [slot for slot, _ in sent(home)] == [NOBODY]


def test_what_waits_survives_a_restart_and_what_was_said_does_not(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.hear(SHARED, [spot(97)])
    home.measuring(2, NOON)
    home.spool.close()
    home = a_home(tmp_path)
    home.hear(SHARED, [spot(96, NOON + SECOND)])
    assert len(home.waiting()) == 2  # asked again: the safe side


# --- a live stream of a shared oximeter -----------------------------------------------------------


def test_a_stream_is_hers_who_said_so_until_it_is_over(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.measuring(2, NOON)
    at = hears(home, [97] * 20, NOON + SECOND, SHARED)
    home.measuring(1, at)  # somebody else says it while she still measures
    at = hears(home, [97] * 20, at, SHARED)
    at = hears(home, [None] * 6, at, SHARED)  # and now her finger has gone
    at = hears(home, [93] * 10, at, SHARED)
    home.parted(SHARED, at)
    assert [slot for slot, _ in sent(home)] == [2, 1]
    assert set(traces(home)[0].samples[Vital.SPO2][:40]) == {97}


def test_a_stream_that_comes_again_much_later_is_another_persons_perhaps(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.measuring(2, NOON)
    at = hears(home, [97] * 20, NOON, SHARED)
    hears(home, [91] * 70, at + timedelta(hours=1), SHARED)  # and nobody noticed that it parted
    assert [slot for slot, _ in sent(home)] == [2]
    assert len(home.waiting()) == 1


def test_who_says_so_but_does_not_measure_has_nothing_of_what_comes_later(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.measuring(2, NOON)
    at = hears(home, [None] * 10, NOON, SHARED)
    hears(home, [97] * 10, NOON + MEASURING_FOR, SHARED)
    home.parted(SHARED, at + MEASURING_FOR)
    [(slot, nothing)] = sent(home)
    assert isinstance(nothing, Trace)
    assert (slot, set(nothing.samples[Vital.SPO2])) == (2, {None})  # hers, and no value
    assert [one.values[Vital.SPO2] for one in home.waiting()] == [97]


def test_saying_it_a_moment_late_makes_the_whole_measurement_hers(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    at = hears(home, [97] * 5, NOON, SHARED)
    home.measuring(2, at)
    at = hears(home, [97] * 5, at, SHARED)
    home.parted(SHARED, at)
    [(slot, trace)] = sent(home)
    assert isinstance(trace, Trace)
    assert (slot, len(trace.samples[Vital.SPO2])) == (2, 10)


def test_claiming_one_minute_of_a_stream_that_goes_on_claims_the_stream(tmp_path: Path) -> None:
    adviser = ByTheRules()
    home = a_home(tmp_path, adviser)
    at = hears(home, [97] * 150, NOON, SHARED)
    ids = waiting(home)
    assert len(ids) == 2
    home.claim(ids[:1], 2, at)
    at = hears(home, [97] * 10, at, SHARED)
    home.parted(SHARED, at)
    assert home.waiting() == []
    assert [slot for slot, _ in sent(home)] == [2, 2, 2]
    assert [trace.advice and trace.advice.level for trace in traces(home)] == [Level.GREEN] * 3
    at = hears(home, [97] * 10, at + timedelta(hours=1), SHARED)
    home.parted(SHARED, at)
    assert len(home.waiting()) == 1  # the next measurement is asked about anew


def test_claiming_one_measurement_claims_no_other(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    at = hears(home, [*[97] * 10, *[None] * 6], NOON, SHARED)
    hears(home, [*[91] * 10, *[None] * 6], at, SHARED)  # the next finger, on the same link
    [hers, _] = waiting(home)
    home.claim([hers], 2, at)
    assert [slot for slot, _ in sent(home)] == [2]
    assert [one.values[Vital.SPO2] for one in home.waiting()] == [91]


def test_a_held_red_of_nobody_is_asked_about_at_once_and_does_not_wait_long(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path, ByTheRules())
    at = hears(home, [91] * 35, NOON, SHARED)
    [one] = home.waiting()
    assert (one.values[Vital.SPO2], one.goes_at - one.measured_at) == (91, RED_WAITS)
    home.tick(at + RED_WAITS)
    slots = [slot for slot, _ in sent(home)]
    assert slots
    assert set(slots) == {NOBODY}
    assert spo2(readings(home)[0]) == 91


def test_nothing_seen_by_nobody_is_nothing(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    at = hears(home, [None] * 70, NOON, SHARED)
    home.parted(SHARED, at)
    assert (home.waiting(), sent(home)) == ([], [])


def test_the_users_of_a_device_are_told_in_its_time_zone_free_bytes() -> None:
    """The helper makes what a cuff makes: a record with its own time and user."""
    at = datetime(2026, 7, 22, 11, 21, tzinfo=UTC)
    assert cuff_of_now(at, user=0).frame.hex() == OF_USER_0[2]


def test_what_nobody_answers_for_ten_minutes_is_told_before_it_goes_unclaimed(
    tmp_path: Path,
) -> None:
    home = a_home(tmp_path)
    home.hear(SHARED, [spot(97)])
    whose = home._whose
    assert whose.unanswered(NOON + HELP_AFTER - SECOND) == []
    assert len(whose.unanswered(NOON + HELP_AFTER)) == 1
    [trouble] = home.report().troubles  # on the clock of today that was long ago
    assert (trouble.code, trouble.count, trouble.slot) == (TroubleCode.UNCLAIMED, 1, None)
    [waiting] = home.waiting()
    home.claim([waiting.reading_id], 1, NOON)
    assert home.report().troubles == ()
