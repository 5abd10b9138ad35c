"""With no network the patient still gets the right advice at once, whatever breaks.

docs/understand/design.md#promise-9.
"""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from device_gateway.advise import adviser as advising
from device_gateway.advise.adviser import Adviser, Measured
from device_gateway.advise.safety_net import safety_net
from device_gateway.capture.capture import Capture
from device_gateway.cli.main import app
from device_gateway.config.homes_file import Broker
from device_gateway.home import Home, open_home
from device_gateway.spool.file import SpoolError, SpoolFullError
from device_gateway.spool.records import Outgoing
from device_gateway.spool.spool import Spool
from tests.device_gateway.conftest import a_place
from tests.factories import COH, NOON, a_reading, minutes
from tests.fakes.playback import take_frames
from tests.ward_service.domain.test_plan import a_stay
from tests.ward_service.domain.test_rules_coverage import PATHWAYS
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.messages import AdviceGiven, Answer, Reading, Trace
from ward_service.contract.plan import Plan
from ward_service.contract.vocabulary import Context, Level, Quality, TroubleCode, Vital
from ward_service.domain.advice import Whom
from ward_service.domain.limits import Limits, limits_at_admission
from ward_service.domain.pathway import Pathway
from ward_service.domain.plan import care_of, rules_of, written

EARLIER = NOON - minutes(600)
R, A, G = Level.RED, Level.AMBER, Level.GREEN
SPOT_CHECK = 0x2A5E
NET = "Do this even if your oxygen number looks normal."


def a_plan(
    number: int = 1,
    pathway: Pathway = COH,
    limits: Limits | None = None,
    since: datetime = EARLIER,
) -> bytes:
    state = replace(a_stay(pathway, limits), admitted_at=since)
    care = care_of(state, pathway, language="en", use="demo", signed=False)
    return written(Plan(number=number, care=care))


def own(**parameters: float) -> Limits:
    return limits_at_admission(COH).changed(parameters)


def newer_than_this_program(payload: bytes, number: int) -> bytes:
    doc = json.loads(payload) | {"number": number}
    doc["care"]["rules"]["findings"][0]["conditions"][0] = {"kind": "rhythm_is", "irregular": True}
    return json.dumps(doc).encode()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "home-01.spool") as opened:
        yield opened


@pytest.fixture
def adviser(spool: Spool) -> Adviser:
    made = Adviser(spool)
    assert made.take_plan(1, a_plan(), NOON)
    return made


def takes(
    adviser: Adviser, spool: Spool, reading: Measured, now: datetime | None = None
) -> AdviceGiven:
    """Advise about a reading and keep it, as a home does."""
    at = reading.started_at if isinstance(reading, Trace) else reading.measured_at
    told = adviser.advised(reading, 1, now or at)
    payload = told.model_dump_json(exclude_defaults=True).encode()
    spool.add([Outgoing(told.reading_id, now or at, payload, 1, measured_at=at)])
    assert told.advice is not None
    return told.advice


def at(minute: float, spo2: float | None = 97, **more: Any) -> Reading:
    return a_reading(spo2, at=NOON + minutes(minute), **more)


# With a plan


def test_a_reading_is_judged_by_the_plan_and_says_what_was_told(
    adviser: Adviser, spool: Spool
) -> None:
    assert takes(adviser, spool, at(0, 97)) == AdviceGiven(
        plan_number=1, level=G, text_ids=("advice.green",)
    )
    assert takes(adviser, spool, at(60, 91)).text_ids == ("repeat.red",)
    told = adviser.told(1, NOON + minutes(60))
    assert told is not None
    assert (told.at, told.advice.retake_after) == (NOON + minutes(60), minutes(1))
    assert "If it is still 92 % or lower" in told.words[0]
    assert told.words[-1].endswith(NET)


@pytest.mark.parametrize(
    ("reviewed", "said"),
    [((), "If it is still 92 % or lower"), (("en-x-easy",), "Is it still 92 % or lower?")],
)
def test_words_beside_which_nothing_stands_are_those_that_somebody_reviewed(
    spool: Spool, reviewed: tuple[str, ...], said: str
) -> None:
    pathway = replace(COH, reviewed=frozenset(reviewed))
    state = replace(a_stay(pathway, None), admitted_at=EARLIER)
    care = care_of(state, pathway, language="en-x-easy", use="demo", signed=False)
    adviser = Adviser(spool)
    adviser.take_plan(1, written(Plan(number=1, care=care)), NOON)
    takes(adviser, spool, at(60, 91))
    told = adviser.told(1, NOON + minutes(60))
    assert told is not None
    assert said in told.words[0]
    assert takes(adviser, spool, at(62, 92)).text_ids == ("advice.red",)


def test_a_home_that_restarts_knows_its_plan_and_what_was_measured(
    adviser: Adviser, spool: Spool
) -> None:
    takes(adviser, spool, at(0, 91))
    again = Adviser(spool)
    assert again.numbers() == {1: 1}
    told = again.told(1, NOON + minutes(1))
    assert told is not None
    assert (told.advice.text_ids, told.values[Vital.SPO2]) == (("repeat.red",), 91)
    assert takes(again, spool, at(2, 91)).text_ids == ("advice.red",)


def test_a_clock_that_is_put_back_hides_no_newer_reading_behind_an_older_one(
    adviser: Adviser, spool: Spool
) -> None:
    takes(adviser, spool, at(60, 97))  # an hour ahead
    takes(adviser, spool, at(10, 93))  # put right, and ten minutes later
    for one in (adviser, Adviser(spool)):
        told = one.told(1, NOON + minutes(11))
        assert told is not None
        assert (told.values[Vital.SPO2], told.advice.level) == (93, A)
    late = at(5, 99, reading_id=new_id(NOON + minutes(12)))  # stored by its device until then
    takes(adviser, spool, late, NOON + minutes(12))
    for one in (adviser, Adviser(spool)):
        told = one.told(1, NOON + minutes(13))
        assert told is not None
        assert told.values[Vital.SPO2] == 93


def test_a_clock_that_is_put_back_leaves_the_last_reading_and_fails_safe(
    adviser: Adviser, spool: Spool
) -> None:
    takes(adviser, spool, at(0, 97))
    takes(adviser, spool, at(60, 91))  # an hour ahead
    for one in (adviser, Adviser(spool)):
        told = one.told(1, NOON + minutes(10))
        assert told is not None
        # Nobody knows for how long no repeat has come: it confirms.
        assert (told.values[Vital.SPO2], told.advice.text_ids) == (91, ("advice.red",))
    assert takes(adviser, spool, at(12, 91)).text_ids == ("advice.red",)  # and so does a repeat


def test_the_homes_own_readings_are_the_history_of_medians_and_pairs(
    adviser: Adviser, spool: Spool
) -> None:
    limits = limits_at_admission(COH, baseline_spo2=99)
    adviser.take_plan(1, a_plan(2, limits=limits), NOON)
    for hours in (0, 4):
        assert takes(adviser, spool, at(60 * hours, 95)).level is G
    again = Adviser(spool)  # from what the spool keeps
    trend = takes(again, spool, at(60 * 8, 95))
    assert (trend.level, trend.text_ids) == (A, ("advice.amber",))  # a median of 95, 3 below 99
    rest = at(60 * 12, 98)
    takes(again, spool, rest)
    walked = at(60 * 12 + 5, 94, context=Context.EXERTION)
    fell = takes(again, spool, walked.model_copy(update={"paired_with": rest.reading_id}))
    assert (fell.level, fell.text_ids) == (A, ("advice.amber",))


def test_a_plan_with_new_limits_judges_from_then_on_and_what_was_kept_too(
    adviser: Adviser, spool: Spool
) -> None:
    takes(adviser, spool, at(0, 91))
    assert adviser.take_plan(1, a_plan(2, limits=own(red_max=85, amber_max=88)), NOON)
    told = adviser.told(1, NOON + minutes(1))
    assert told is not None
    assert (told.advice.level, told.plan_number) == (G, 2)
    given = takes(adviser, spool, at(5, 86))
    assert (given.plan_number, given.level, given.text_ids) == (2, A, ("repeat.amber",))
    told = adviser.told(1, NOON + minutes(5))
    assert told is not None
    assert "88 % or lower" in told.words[0]


def test_symptoms_and_a_wish_to_be_called_are_advised_too(adviser: Adviser, spool: Spool) -> None:
    flag = Answer(question="red_flags", answer="blue_lips")
    given = takes(adviser, spool, at(0, 98).model_copy(update={"answers": (flag,)}))
    assert (given.level, given.text_ids) == (R, ("advice.red_flag",))
    wish = at(1, 98).model_copy(update={"call_me": True})
    takes(adviser, spool, wish)
    told = adviser.told(1, NOON + minutes(1))
    assert told is not None
    assert told.advice.call is Whom.WARD


def test_a_minute_of_samples_is_advised_by_the_reading_that_stands_for_it(
    adviser: Adviser, spool: Spool
) -> None:
    trace = Trace(
        reading_id=new_id(NOON),
        started_at=NOON,
        interval_s=1,
        samples={Vital.SPO2: (88.0,) * 40 + (97.0,) * 20},
    )
    given = takes(adviser, spool, trace, NOON + minutes(1))
    assert (given.level, given.text_ids) == (R, ("advice.red",))  # held: it needs no repeat
    told = Adviser(spool).told(1, NOON + minutes(2))
    assert told is not None
    assert told.advice.level is R


def test_every_shipped_pathway_advises_at_home(spool: Spool) -> None:
    for slot, pathway in enumerate(PATHWAYS.values(), 1):
        adviser = Adviser(spool)
        adviser.take_plan(slot, a_plan(slot, pathway), NOON)
        flag = Answer(question="red_flags", answer="collapse")
        reading = at(0, 70).model_copy(update={"answers": (flag,)})
        given = adviser.advised(reading, slot, NOON).advice
        assert given is not None
        assert (given.plan_number, given.level) == (slot, R)


# What is late or old


def test_a_late_reading_does_not_stand_in_the_place_of_a_newer_one(
    adviser: Adviser, spool: Spool
) -> None:
    takes(adviser, spool, at(0, 97))
    late = takes(adviser, spool, at(-120, 91, quality=[Quality.STORED]), NOON + minutes(1))
    assert (late.level, late.text_ids) == (R, ("repeat.red",))
    told = adviser.told(1, NOON + minutes(1))
    assert told is not None
    assert (told.advice.level, told.late) == (G, False)


def test_a_late_reading_that_is_the_newest_says_so_and_reassures_nobody(
    adviser: Adviser, spool: Spool
) -> None:
    assert takes(adviser, spool, at(-120, 97), NOON) == AdviceGiven(
        plan_number=1, level=None, text_ids=("safety_net",)
    )
    told = adviser.told(1, NOON)
    assert told is not None
    assert (told.late, told.at) == (True, NOON - minutes(120))


def test_a_repeat_that_does_not_come_confirms_and_an_old_number_tells_nothing(
    adviser: Adviser, spool: Spool
) -> None:
    takes(adviser, spool, at(0, 91))
    past = adviser.told(1, NOON + minutes(6))
    assert past is not None
    assert (past.advice.text_ids, past.advice.call) == (("advice.red",), Whom.EMERGENCY)
    old = adviser.told(1, NOON + COH.stale_after + minutes(1))
    assert old is not None
    assert (old.stale, old.advice.level, old.advice.text_ids) == (True, None, ("safety_net",))


def test_whoever_had_the_slot_before_is_no_history(adviser: Adviser, spool: Spool) -> None:
    takes(adviser, spool, at(0, 91))
    assert adviser.take_plan(1, written(Plan(number=2, ended=True)), NOON + minutes(1))
    assert adviser.told(1, NOON + minutes(1)) is None
    assert adviser.take_plan(1, a_plan(3, since=NOON + minutes(2)), NOON + minutes(2))
    assert adviser.told(1, NOON + minutes(3)) is None
    assert takes(adviser, spool, at(4, 91)).text_ids == ("repeat.red",)  # their first


# Without a plan


def plain(given: AdviceGiven) -> bool:
    return given == AdviceGiven(plan_number=None, level=None, text_ids=("safety_net",))


@pytest.mark.parametrize("spo2", [97, 93, 85, None])
def test_with_no_plan_the_plain_words_fit_any_reading_and_no_number_is_good(
    spool: Spool, spo2: float | None
) -> None:
    adviser = Adviser(spool)
    assert plain(takes(adviser, spool, at(0, spo2)))
    told = adviser.told(1, NOON)
    assert told is not None
    assert told.words == safety_net()
    said = " ".join(told.words)
    assert "111" in said
    assert "999" in said
    assert said.endswith(NET)
    assert not any(word in said.lower() for word in ("green", "in range", "fine", "%"))


def test_the_plain_words_are_those_of_the_pathways_and_another_language_falls_back() -> None:
    for pathway in PATHWAYS.values():
        assert safety_net()[-1] == pathway.texts["en"]["safety_net"].strip()
    assert safety_net("tlh") == safety_net("en") == safety_net()


def test_once_the_plan_has_ended_nobody_is_advised_by_it(adviser: Adviser, spool: Spool) -> None:
    adviser.take_plan(1, written(Plan(number=2, ended=True)), NOON)
    assert plain(takes(adviser, spool, at(0, 97)))
    assert adviser.rules(1) is None
    assert plain(takes(Adviser(spool), spool, at(1, 97)))
    assert adviser.numbers() == {1: 2}


def test_another_slot_has_no_plan(adviser: Adviser) -> None:
    given = adviser.advised(at(0, 97), 2, NOON).advice
    assert given is not None
    assert plain(given)


# A plan that is not understood


def test_an_unknown_kind_of_rule_refuses_the_plan_and_the_older_one_stays_in_force(
    adviser: Adviser, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    newer = newer_than_this_program(a_plan(limits=own(red_max=88)), 2)
    with caplog.at_level(logging.WARNING):
        assert not adviser.take_plan(1, newer, NOON)
    assert "plan.refused" in caplog.messages
    assert takes(adviser, spool, at(0, 91)) == AdviceGiven(
        plan_number=1, level=R, text_ids=("repeat.red",)
    )
    [trouble] = adviser.troubles()
    assert (trouble.code, trouble.slot, trouble.since) == (
        TroubleCode.PLAN_NOT_UNDERSTOOD,
        1,
        NOON,
    )
    adviser.take_plan(1, newer, NOON + minutes(5))
    assert [t.since for t in adviser.troubles()] == [NOON]  # since it began
    assert adviser.take_plan(1, a_plan(3), NOON)
    assert adviser.troubles() == ()


def test_a_program_older_than_the_plan_in_its_spool_says_so_and_does_not_judge_by_it(
    adviser: Adviser, spool: Spool
) -> None:
    newer = newer_than_this_program(a_plan(), 9)
    with spool._file.transaction() as db:  # a newer program kept it
        db.execute("update plan set number = 9, payload = ?", (newer,))
    older = Adviser(spool)
    assert plain(takes(older, spool, at(0, 97)))
    assert [t.code for t in older.troubles()] == [TroubleCode.PLAN_NOT_UNDERSTOOD]


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{}", b'{"number": 5}'])
def test_what_is_no_plan_changes_nothing(
    adviser: Adviser, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert not adviser.take_plan(1, payload, NOON)
    assert adviser.numbers() == {1: 1}


def test_an_older_plan_never_comes_back(adviser: Adviser, spool: Spool) -> None:
    assert adviser.take_plan(1, a_plan(3, limits=own(red_max=88)), NOON)
    for number in (1, 2, 3):
        assert not adviser.take_plan(1, a_plan(number), NOON)
    held = adviser.plan(1)
    assert held is not None
    assert rules_of(held)[1].get("red_max") == 88
    assert Adviser(spool).numbers() == {1: 3}


# What breaks


def test_what_breaks_in_judging_keeps_no_reading_from_the_spool(
    adviser: Adviser,
    spool: Spool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("SpO2 91 of Ann Smith")

    monkeypatch.setattr(advising, "judge", breaks)
    with caplog.at_level(logging.ERROR):
        assert plain(takes(adviser, spool, at(0, 91)))
    assert spool.depth() == 1
    [record] = [r for r in caplog.records if r.getMessage() == "advice.broke_us"]
    assert record.__dict__["error"] == "KeyError"
    assert not any("Smith" in str(vars(r)) for r in caplog.records)


def test_one_kept_reading_that_breaks_us_hides_no_other(adviser: Adviser, spool: Spool) -> None:
    takes(adviser, spool, at(0, 91))
    spool.add([Outgoing(uuid4(), NOON, b"not JSON", 1, measured_at=NOON + minutes(1))])
    assert takes(Adviser(spool), spool, at(2, 91)).text_ids == ("advice.red",)


def test_a_full_disk_keeps_no_plan_from_being_in_force(
    adviser: Adviser, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> bool:
        raise SpoolFullError("full")

    monkeypatch.setattr(spool, "keep_plan", full)
    assert adviser.take_plan(1, a_plan(2, limits=own(red_max=88)), NOON)
    assert takes(adviser, spool, at(0, 91)).level is A


def test_readings_with_a_receipt_are_forgotten_after_a_while(
    adviser: Adviser, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []
    monkeypatch.setattr(spool, "forget_kept", lambda before: asked.append(before))
    for minute in (0, 1, 59, 61):
        takes(adviser, spool, at(minute))
    assert asked == [NOON - advising.KEPT_FOR, NOON + minutes(61) - advising.KEPT_FOR]


# Through a home


SFLOAT_91 = bytes.fromhex("00" + "5b00" + "4800")  # PLX spot check: SpO2 91 %, pulse 72 /min


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = open_home(a_place(), Broker(host="127.0.0.1", port=1), tmp_path, real_clock(), Event())
    made.adviser.take_plan(1, a_plan(), NOON)
    yield made
    made.spool.close()


def test_a_frame_is_advised_before_it_is_spooled_and_the_ward_is_told(home: Home) -> None:
    take_frames(home, [Capture(SPOT_CHECK, SFLOAT_91, NOON)])
    take_frames(home, [Capture(SPOT_CHECK, SFLOAT_91, NOON + minutes(2))])
    sent = [Reading.model_validate_json(held.payload) for held in home.spool.after(0, 10)]
    assert [reading.advice and reading.advice.text_ids for reading in sent] == [
        ("repeat.red",),
        ("advice.red",),
    ]
    assert len(home.spool.kept(1, NOON)) == 2


def test_a_full_spool_still_advises(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise SpoolFullError("full")

    monkeypatch.setattr(home.spool, "add", full)
    with pytest.raises(SpoolFullError):
        take_frames(home, [Capture(SPOT_CHECK, SFLOAT_91, NOON)])
    told = home.adviser.told(1, NOON)
    assert told is not None
    assert told.advice.text_ids == ("repeat.red",)


# In words, at the command line


@pytest.fixture
def said(
    tmp_path: Path,
    write_homes: Callable[[int, int], tuple[Path, dict[str, bytes]]],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., str]:
    """Return what `device-gateway advice` prints at a moment."""
    path, _ = write_homes(1, 1)

    def say(now: datetime, *more: str, code: int = 0) -> str:
        clock = demo_clock(real_clock().wall(), now, 0.001)
        monkeypatch.setattr("device_gateway.cli.advice.read_clock", lambda: clock)
        options = ["advice", "--homes", str(path), "--spool-dir", str(tmp_path), *more]
        done = CliRunner().invoke(app, options)
        assert done.exit_code == code, done.output
        return done.output

    return say


def test_the_command_says_the_last_reading_its_age_and_what_to_do(
    home: Home, said: Callable[..., str]
) -> None:
    """The home is running meanwhile: its spool is locked, and is only looked at."""
    take_frames(home, [Capture(SPOT_CHECK, SFLOAT_91, NOON)])
    first = said(NOON + timedelta(seconds=20))
    assert "home-01, slot 1: COVID Oximetry @home" in first
    assert "UNSIGNED, for demo use only" in first
    assert "SpO2 91 %, pulse 72 /min, 20 s ago\nRED\nMeasure again in 40 s.\nThis reading" in first
    late = said(NOON + minutes(6), "--slot", "1")
    assert "6 min ago\nRED\nCall 999.\nThis is in your red range." in late
    old = said(NOON + minutes(60 * 49))
    assert "2 days ago\nThis is too old to tell how you are now. Please measure." in old
    assert "RED" not in old
    for words in (first, late, old):
        assert NET in words
    other = said(NOON, "--slot", "7")
    assert "slot 7: no plan is held\nNo reading is known.\nWe cannot tell" in other


def test_the_command_does_not_call_new_what_a_wrong_clock_dated(
    home: Home, said: Callable[..., str]
) -> None:
    take_frames(home, [Capture(SPOT_CHECK, SFLOAT_91, NOON + minutes(60))])
    assert "SpO2 91 %, pulse 72 /min, before the clock was put back\nRED\nCall 999." in said(NOON)


def test_the_command_says_when_there_is_no_spool(said: Callable[..., str]) -> None:
    assert "cannot be read" in said(NOON, code=4)


def test_the_command_refuses_an_environment_that_it_cannot_use(
    said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEWARD_RESEND_AFTER_S", "soon")
    assert said(NOON, code=2) == "cannot use the value of HOMEWARD_RESEND_AFTER_S\n"


def test_what_is_only_looked_at_is_not_changed(spool: Spool, tmp_path: Path) -> None:
    with Spool(spool.path, look_only=True) as looking:
        assert looking.depth() == 0
        with pytest.raises(SpoolError):
            looking.add([Outgoing(uuid4(), NOON, b"{}")])
    with pytest.raises(SpoolError):
        Spool(tmp_path / "none.spool", look_only=True)
    assert not (tmp_path / "none.spool").exists()
