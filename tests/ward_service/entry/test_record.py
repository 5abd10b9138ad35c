"""What staff type enters at *record*: kept once, judged like any other, and replayed the same."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.factories import NOON, Home, a_home, a_reading, a_ward, minutes
from tests.ward_service.test_determinism import must_be_the_same
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Answer, Reading
from ward_service.contract.vocabulary import EndReason, Level, Source, Speaker
from ward_service.domain.inputs import Ended
from ward_service.entry.record import record_diary, record_reading
from ward_service.errors import ConflictError, NotFoundError, WardError
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.stays.acts import act_on_stay
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

KEY = "one-intention"
HOUR = timedelta(hours=1)


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward, at=NOON - 20 * HOUR)


def the_stay(ward: Ward) -> EpisodeRow:
    with ward.sessions() as session:
        return session.scalars(select(EpisodeRow)).one()


def a_page(spo2: float, at: datetime, *answers: tuple[str, str]) -> Reading:
    given = tuple(Answer(question=q, answer=a) for q, a in answers)
    page = a_reading(spo2, at=at, source=Source.PAPER)
    return page.model_copy(update={"answers": given})


def told(spo2: float, at: datetime = NOON) -> Reading:
    return a_reading(spo2, at=at, source=Source.STAFF_PHONE)


def kept(ward: Ward) -> list[ReadingRow]:
    with ward.sessions() as session:
        return list(session.scalars(select(ReadingRow).order_by(ReadingRow.received_no)))


def alerts(ward: Ward) -> list[AlertRow]:
    with ward.sessions() as session:
        return list(session.scalars(select(AlertRow).order_by(AlertRow.opened_at)))


def test_a_reading_told_by_phone_is_kept_with_who_typed_it_and_who_spoke(
    ward: Ward, home: Home
) -> None:
    of = the_stay(ward).id
    record_reading(ward, of, told(91), "nurse-3", KEY, NOON, Speaker.CARER)
    [row] = kept(ward)
    assert (row.source, row.gateway_id, row.slot) == (Source.STAFF_PHONE, "", None)
    assert (row.entered_by, row.spoke, row.level) == ("nurse-3", "carer", Level.RED)
    [alert] = [a for a in alerts(ward) if a.alert_class == "physiological"]
    assert (alert.level, alert.state) == (Level.RED, "provisional")


def test_a_double_tap_and_a_lost_answer_change_nothing(ward: Ward, home: Home) -> None:
    of = the_stay(ward).id
    first = record_reading(ward, of, told(91), "nurse-3", KEY, NOON)
    version = the_stay(ward).version
    again = told(91).model_copy(update={"reading_id": new_id(NOON)})  # the page made a new one
    assert record_reading(ward, of, again, "nurse-3", KEY, NOON + minutes(3)) == first
    assert len(kept(ward)) == 1
    assert the_stay(ward).version == version
    other = record_reading(ward, of, told(90, NOON + minutes(2)), "nurse-4", KEY, NOON + minutes(4))
    assert other != first  # another person's intention, by the same name


def test_two_taps_at_one_moment_are_one_reading(ward: Ward, home: Home) -> None:
    of = the_stay(ward).id

    def tap(n: int) -> object:
        return record_reading(ward, of, told(91), "nurse-3", KEY, NOON)

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(tap, range(8)))
    assert len(ids) == 1
    assert len(kept(ward)) == 1


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOON + minutes(6), "in the future"),
        (NOON - timedelta(days=3), "before this stay"),
    ],
)
def test_a_time_that_cannot_be_right_is_refused_in_words(
    ward: Ward, home: Home, at: datetime, said: str
) -> None:
    with pytest.raises(WardError, match=said):
        record_reading(ward, the_stay(ward).id, told(91, at), "nurse-3", KEY, NOON)
    assert kept(ward) == []
    record_reading(ward, the_stay(ward).id, told(91, NOON + minutes(5)), "nurse-3", KEY, NOON)


def test_nobody_and_nothing_are_refused(ward: Ward, home: Home) -> None:
    with pytest.raises(NotFoundError):
        record_reading(ward, new_id(NOON), told(91), "nurse-3", KEY, NOON)
    empty = Reading(reading_id=new_id(NOON), measured_at=NOON, source=Source.STAFF_PHONE)
    with pytest.raises(WardError, match="Nothing was entered"):
        record_reading(ward, the_stay(ward).id, empty, "nurse-3", KEY, NOON)


@pytest.mark.parametrize("reason", [EndReason.RECOVERED_EARLY, EndReason.DIED])
def test_what_was_measured_before_a_stay_ended_is_kept_and_calls_nobody(
    ward: Ward, home: Home, reason: EndReason
) -> None:
    of = the_stay(ward).id
    end = Ended("nurse-3", reason, "the end", "yes", True)
    act_on_stay(ward, of, end, "end-of-stay", NOON - HOUR)
    with pytest.raises(ConflictError, match="had ended when it was measured"):
        record_reading(ward, of, told(88), "nurse-3", KEY, NOON)
    pages = [a_page(88, NOON - 3 * HOUR), a_page(85, NOON - 2 * HOUR)]
    record_diary(ward, of, pages, "nurse-3", NOON)
    process_due_deadlines(ward, NOON + HOUR)
    assert [row.level for row in kept(ward)] == [Level.RED, Level.RED]
    with ward.sessions() as session:
        after = select(func.count()).where(MessageRow.due_at > NOON - HOUR)
        assert session.scalar(after) == 0
    opened = [alert.review for alert in alerts(ward) if alert.alert_class == "physiological"]
    assert opened == ([] if reason is EndReason.DIED else [True])


# A paper diary


def test_a_diary_is_one_step_and_its_pages_are_late_and_from_paper(ward: Ward, home: Home) -> None:
    of = the_stay(ward).id
    pages = [a_page(97, NOON - HOUR), a_page(88, NOON - 9 * HOUR), a_page(97, NOON - 5 * HOUR)]
    record_diary(ward, of, pages, "nurse-3", NOON)
    rows = kept(ward)
    assert {(row.source, row.input_no, row.entered_by, row.spoke) for row in rows} == {
        (Source.PAPER, 1, "nurse-3", None)
    }
    assert all(row.late and row.fills for row in rows)
    [alert] = [a for a in alerts(ward) if a.alert_class == "physiological"]
    assert (alert.level, alert.review, alert.step_at) == (Level.RED, True, None)


def test_a_diary_that_is_entered_again_changes_nothing_and_a_longer_one_only_adds(
    ward: Ward, home: Home
) -> None:
    of = the_stay(ward).id
    pages = [a_page(97, NOON - HOUR), a_page(88, NOON - 9 * HOUR)]
    first = record_diary(ward, of, pages, "nurse-3", NOON)
    version = the_stay(ward).version
    typed_again = [p.model_copy(update={"reading_id": new_id(NOON)}) for p in pages]
    assert record_diary(ward, of, typed_again[::-1], "nurse-4", NOON + HOUR) == first[::-1]
    assert the_stay(ward).version == version
    more = [*typed_again, a_page(96, NOON - 4 * HOUR)]
    record_diary(ward, of, more, "nurse-4", NOON + HOUR)
    assert [row.spo2 for row in kept(ward)] == [97, 88, 96]


def test_a_diary_with_one_page_that_cannot_be_is_not_kept_at_all(ward: Ward, home: Home) -> None:
    pages = [a_page(97, NOON - HOUR), a_page(88, NOON + HOUR)]
    with pytest.raises(WardError, match="in the future"):
        record_diary(ward, the_stay(ward).id, pages, "nurse-3", NOON)
    assert kept(ward) == []


def test_an_old_red_on_paper_pages_nobody_when_a_better_reading_came_by_bluetooth(
    ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(97, at=NOON - HOUR))], NOON - HOUR)
    record_diary(ward, the_stay(ward).id, [a_page(86, NOON - 9 * HOUR)], "nurse-3", NOON)
    process_due_deadlines(ward, NOON + HOUR)
    with ward.sessions() as session:
        [alert] = session.scalars(select(AlertRow).where(AlertRow.level == Level.RED))
        about = select(func.count()).where(MessageRow.alert_id == alert.id)
        assert (alert.review, session.scalar(about)) == (True, 0)


def test_live_and_replayed_are_the_same_with_phone_and_paper(ward: Ward, home: Home) -> None:
    """With the pages folded one by one instead, the old red would have rung in the replay."""
    of = the_stay(ward).id
    take_batch(ward, [home.sends(a_reading(93, at=NOON - 3 * HOUR))], NOON - 3 * HOUR)
    record_reading(ward, of, told(93, NOON - 2 * HOUR), "nurse-3", KEY, NOON - 2 * HOUR)
    pages = [
        a_page(85, NOON - 9 * HOUR, ("red_flags", "blue_lips")),
        a_page(97, NOON - 8 * HOUR, ("red_flags", "none")),
        a_page(89, NOON - 4 * HOUR),
        a_page(96, NOON - HOUR, ("red_flags", "coughing_blood")),
    ]
    record_diary(ward, of, pages, "nurse-3", NOON)
    record_reading(ward, of, told(88, NOON + minutes(1)), "nurse-3", "second", NOON + minutes(2))
    until = NOON + 4 * HOUR
    process_due_deadlines(ward, until)
    must_be_the_same(ward, until)
