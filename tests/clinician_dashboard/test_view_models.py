"""The words that the ward list and the patient's page say. Plain Python: no screen needed."""

from datetime import date, timedelta
from typing import Any

import pytest

from clinician_dashboard.view_models import chart
from clinician_dashboard.view_models.outcomes import taken_words
from clinician_dashboard.view_models.patient import (
    alert_text,
    most_urgent_first,
    reading_rows,
    told_words,
)
from clinician_dashboard.view_models.ward_list import (
    counts,
    leads,
    signed_words,
    status_line,
    triage_rows,
    use_words,
)
from clinician_dashboard.view_models.words import age, clock_time, nhs_number, plain
from clinician_dashboard.ward_api.ward_api import RefusedError
from tests.factories import NOON, an_nhs_number, minutes
from ward_service.contract.http.alerts import AlertView, FindingView, LedgerEntryView
from ward_service.contract.http.board import (
    BandView,
    BoardView,
    HealthView,
    PatientLine,
    Place,
    PointView,
)
from ward_service.contract.http.pathways import PathwayView
from ward_service.contract.http.readings import ObservationView, ReadingView, ToldView
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import (
    AlertClass,
    AlertState,
    Level,
    Source,
    Vital,
)

BANDS = (
    BandView(low=None, high=92, level=Level.RED),
    BandView(low=93, high=94, level=Level.AMBER),
    BandView(low=95, high=None, level=Level.GREEN),
)


def an_alert(**more: Any) -> AlertView:
    found = FindingView(level=Level.RED, words="SpO2 91 % <= 92 %", at=NOON)
    given: dict[str, Any] = {
        "id": new_id(NOON),
        "episode_id": new_id(NOON),
        "version": 3,
        "alert_class": AlertClass.PHYSIOLOGICAL,
        "level": Level.RED,
        "state": AlertState.OPEN,
        "opened_at": NOON,
        "noticed_at": NOON,
        "pathway": "covid-oximetry-at-home@1",
        "findings": (found,),
    }
    return AlertView(**(given | more))


def an_observation(**more: Any) -> ObservationView:
    given: dict[str, Any] = {
        "vital": Vital.SPO2,
        "value": 97,
        "level": Level.GREEN,
        "measured_at": NOON,
        "received_at": NOON,
        "source": Source.BLE,
    }
    return ObservationView(**(given | more))


def a_line(**more: Any) -> PatientLine:
    given: dict[str, Any] = {
        "episode_id": new_id(NOON),
        "version": 1,
        "place": Place.GREEN,
        "reason": "in range, nothing due",
        "family_name": "Invented",
        "given_name": "Pat",
        "birth_date": date(1950, 1, 1),
        "age": 76,
        "sex": "female",
        "nhs_number": an_nhs_number(1),
        "pathway": "covid-oximetry-at-home@1",
        "admitted_at": NOON - timedelta(days=3),
        "day_of_stay": 3,
        "level": Level.GREEN,
        "overdue_since": None,
        "never_reported": False,
        "last_reading_at": NOON,
        "last_received_at": NOON,
        "waiting_since": None,
        "why": (),
        "alerts": (),
        "latest": (an_observation(),),
        "spo2": (PointView(measured_at=NOON, value=97),),
        "spo2_bands": BANDS,
    }
    return PatientLine(**(given | more))


def a_board(*lines: PatientLine, later: timedelta = timedelta(0), **health: Any) -> BoardView:
    now = NOON + later
    return BoardView(
        as_of=now,
        version=7,
        use="demo",
        unsigned=True,
        health=HealthView(**({"now": now, "use": "demo", "well": True} | health)),
        counts={place: sum(line.place is place for line in lines) for place in Place},
        patients=lines,
    )


def a_pathway(**more: Any) -> PathwayView:
    given: dict[str, Any] = {
        "id": "covid-oximetry-at-home",
        "version": 1,
        "title": "COVID Oximetry @home",
        "current": True,
        "sha256": "0" * 64,
        "signed_by": None,
        "signed_at": None,
    }
    return PathwayView(**(given | more))


SIGNED = a_pathway(signed_by="Dr Invented, clinical lead", signed_at=NOON)


@pytest.mark.parametrize(
    ("use", "unsigned", "by", "said"),
    [
        ("demo", True, ["Dr A, lead"], "DEMO USE: UNSIGNED pathway, not for care"),
        ("shadow", False, [], "SHADOW USE: UNSIGNED pathway, not for care"),
        ("demo", False, ["Dr A, lead"], "DEMO USE: pathway signed by Dr A, lead, not for care"),
        ("live", False, ["A", "B"], "LIVE USE: pathway signed by A and B"),
    ],
)
def test_who_signed_the_rules_is_said_and_that_nobody_did(
    use: str, unsigned: bool, by: list[str], said: str
) -> None:
    assert use_words(use, unsigned, by) == said


def test_only_who_signed_what_somebody_stays_under_is_named() -> None:
    other = a_pathway(id="copd-88-92", signed_by="Dr Other, lead", signed_at=NOON)
    assert leads(a_board(a_line()), (SIGNED, other)) == ["Dr Invented, clinical lead"]
    assert leads(a_board(a_line()), (a_pathway(), other)) == []


def test_rules_are_unsigned_until_the_ward_says_otherwise() -> None:
    assert "UNSIGNED" in status_line(a_board().health, "")["use"]


def test_a_stay_says_who_signed_its_version() -> None:
    assert signed_words(a_line(signed=True), (SIGNED,)) == (
        "covid-oximetry-at-home@1: signed by Dr Invented, clinical lead, 24 Nov 2026"
    )
    for line, pathways in ((a_line(), (SIGNED,)), (a_line(signed=True), ())):
        assert signed_words(line, pathways) == "covid-oximetry-at-home@1: UNSIGNED, not for care"


def test_what_is_past_its_time_is_said_in_words_on_the_list() -> None:
    alert = an_alert(respond_by=NOON - minutes(1))
    [row] = triage_rows(a_board(a_line(alerts=(alert,), past_deadline=True)))
    assert row["late"] == "PAST ITS TIME: to be taken by 11:59"
    [row] = triage_rows(a_board(a_line(alerts=(an_alert(),), past_deadline=True)))
    assert row["late"] == "PAST ITS TIME"
    soon = an_alert(respond_by=NOON + minutes(1))
    [row] = triage_rows(a_board(a_line(alerts=(soon,))))
    assert (row["due"], row["late"]) == ("take by 12:01", "")


def test_a_pause_is_said_beside_what_is_in_play() -> None:
    paused = a_line(alerts=(an_alert(),), paused_until=NOON + timedelta(hours=20))
    [row] = triage_rows(a_board(paused))
    assert row["state"] == "New"
    assert row["paused"] == "PAUSED until tomorrow 08:00: nothing is expected"


def test_the_order_is_the_wards() -> None:
    lines = [a_line(family_name=name) for name in "CAB"]
    assert [row["name"] for row in triage_rows(a_board(*lines))] == ["C, Pat", "A, Pat", "B, Pat"]


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (timedelta(seconds=30), "now"),
        (minutes(5), "5 min"),
        (minutes(65), "1 h 5 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(hours=52), "2 d 4 h"),
    ],
)
def test_a_number_is_never_shown_without_its_age(later: timedelta, said: str) -> None:
    [row] = triage_rows(a_board(a_line(), later=later))
    assert (row["spo2"]["value"], row["spo2"]["age"]) == ("97 %", said)


def test_a_stale_or_doubtful_number_says_so() -> None:
    doubted = an_observation(stale=True, doubtful=True, late=True, time_doubtful=True)
    [row] = triage_rows(a_board(a_line(latest=(doubted,))))
    assert row["spo2"]["stale"]
    assert row["spo2"]["marks"] == "doubtful, late, time doubtful"


def test_who_never_reported_has_no_number_and_no_line() -> None:
    never = a_line(
        place=Place.NEVER_REPORTED,
        level=None,
        latest=(),
        spo2=(),
        last_reading_at=None,
        never_reported=True,
    )
    [row] = triage_rows(a_board(never))
    assert (row["word"], row["spo2"], row["last"]) == ("NEVER REPORTED", None, "never")
    assert row["spark"]["words"] == "no SpO2 yet"


def test_what_could_not_be_judged_is_not_called_in_range() -> None:
    [row] = triage_rows(a_board(a_line(level=None)))
    assert (row["word"], row["shape"]) == ("Not known", "○")


@pytest.mark.parametrize("place", list(Place))
def test_every_place_has_a_shape_and_a_word_beside_its_colour(place: Place) -> None:
    [row] = triage_rows(a_board(a_line(place=place)))
    assert row["shape"]
    assert row["word"]


def test_an_act_carries_the_alert_and_the_version_that_was_seen() -> None:
    alert = an_alert()
    [row] = triage_rows(a_board(a_line(place=Place.RED, alerts=(alert,), waiting_since=NOON)))
    assert (row["alert"], row["version"], row["action"]) == (str(alert.id), 3, "Take")


def test_what_is_taken_says_by_whom_and_offers_no_second_take() -> None:
    taken = an_alert(state=AlertState.ACKNOWLEDGED, owner="nurse-3", acknowledged_at=NOON)
    [row] = triage_rows(a_board(a_line(place=Place.RED, alerts=(taken,))))
    assert (row["state"], row["state_about"], row["action"]) == ("Taken", "nurse-3 12:00", "")
    assert not row["unowned"]


def test_where_one_alert_is_taken_the_button_says_which_other_it_takes() -> None:
    taken = an_alert(state=AlertState.ACKNOWLEDGED, owner="nurse-3", acknowledged_at=NOON)
    silence = an_alert(alert_class=AlertClass.MISSING, level=Level.OVERDUE)
    line = a_line(place=Place.RED_AND_OVERDUE, alerts=(taken, silence), waiting_since=NOON)
    [row] = triage_rows(a_board(line))
    assert (row["state"], row["action"], row["alert"]) == ("Taken", "Take overdue", str(silence.id))


def test_the_same_surname_is_warned_of() -> None:
    rows = triage_rows(a_board(a_line(), a_line(given_name="Sam")))
    assert all("another patient has this surname" in row["about"] for row in rows)


def test_a_gap_stays_a_gap_and_time_is_the_axis() -> None:
    points = tuple(
        PointView(measured_at=NOON - timedelta(hours=h), value=v)
        for h, v in ((72, 97), (68, 96), (4, 91), (0, 90))
    )
    [row] = triage_rows(a_board(a_line(spo2=points)))
    runs = row["spark"]["runs"]
    assert [len(run) for run in runs] == [2, 2]
    assert runs[0][1][0] == pytest.approx(4 / 72, abs=0.001)
    assert row["spark"]["words"] == "SpO2 from 97 to 90, lowest 90"


def test_a_doubtful_point_of_the_sparkline_is_marked_and_said() -> None:
    points = tuple(
        PointView(measured_at=NOON - timedelta(hours=h), value=v, doubtful=v == 74)
        for h, v in ((8, 97), (4, 74), (0, 96))
    )
    [row] = triage_rows(a_board(a_line(spo2=points)))
    [run] = row["spark"]["runs"]
    assert row["spark"]["doubtful"] == [run[1]]
    assert row["spark"]["words"] == "SpO2 from 97 to 96, lowest 74, 1 doubtful"


def test_many_reasons_are_cut_and_said_to_be() -> None:
    [row] = triage_rows(a_board(a_line(why=("a", "b", "c", "d", "e"))))
    assert row["why"] == ["a", "b", "c", "and 2 more"]


def test_whom_to_ring_is_said_before_why() -> None:
    ring = "Ring ward nurse on 07700 900123: red alert 3F2A9C"
    [row] = triage_rows(a_board(a_line(to_ring=(ring,), why=("a", "b", "c", "d"))))
    assert row["why"] == [ring, "a", "b", "c", "and 1 more"]


def test_the_counts_leave_nobody_out() -> None:
    board = a_board(*(a_line(place=place) for place in Place))
    numbers = [int(part.split(" ")[0]) for part in counts(board).split(", ")]
    assert sum(numbers) == len(Place)


def test_a_ward_that_hears_nobody_says_since_when() -> None:
    board = a_board(
        well=False, words="The ward is not receiving readings", quiet_since=NOON - minutes(12)
    )
    line = status_line(board.health, "Nurse 3")
    assert line["trouble"].startswith("The ward is not receiving readings since 11:48")
    assert status_line(a_board().health, "Nurse 3")["trouble"] == ""


def test_a_ward_that_was_down_says_from_when_to_when() -> None:
    board = a_board(blind_from=NOON - minutes(90), blind_until=NOON - minutes(30))
    assert status_line(board.health, "")["blind"] == "The ward was down from 10:30 to 11:30."


def test_a_refusal_says_who_was_first() -> None:
    alert = an_alert(state=AlertState.ACKNOWLEDGED, owner="nurse-4", acknowledged_at=NOON)
    words = taken_words(RefusedError("changed", alert))
    assert words == "Somebody was first: taken by nurse-4 at 12:00. Nothing was changed."
    assert taken_words(RefusedError("No.")) == "No. Nothing was changed."


def test_the_clock_on_the_wall_is_the_wards() -> None:
    summer = NOON.replace(month=7)
    assert clock_time(summer, summer) == "13:00"
    assert clock_time(NOON - timedelta(days=1), NOON) == "yesterday 12:00"
    assert clock_time(NOON + timedelta(days=1), NOON) == "tomorrow 12:00"
    assert clock_time(NOON - timedelta(days=9), NOON) == "15 Nov 12:00"


def test_a_time_that_has_not_come_is_not_called_now() -> None:
    assert age(NOON + minutes(10), NOON) == "in the future"


def test_an_nhs_number_is_written_3_3_4_and_never_breaks() -> None:
    assert nhs_number("9990000018").split("\N{NO-BREAK SPACE}") == ["999", "000", "0018"]


def test_an_alert_tells_its_whole_story() -> None:
    entry = LedgerEntryView(
        at=NOON, noticed_at=NOON, by="ward", what="opened", words="SpO2 91 % <= 92 %"
    )
    text = alert_text(an_alert(ledger=(entry,), late=True), NOON + minutes(3))
    assert "RED (physiological): waiting for somebody; opened 12:00, 3 min ago" in text.headline
    assert text.headline.endswith("[late]")
    assert text.history == ["12:00 · ward · opened · SpO2 91 % <= 92 %"]
    assert (text.may_be_resolved, text.needs_note) == (True, True)


def test_alerts_in_play_stand_before_those_that_have_ended() -> None:
    ended = an_alert(state=AlertState.RESOLVED)
    overdue = an_alert(level=Level.OVERDUE, alert_class=AlertClass.MISSING)
    red = an_alert()
    assert most_urgent_first([ended, overdue, red]) == [red, overdue, ended]


def test_a_reading_says_its_doubts_in_words_and_a_number_its_age() -> None:
    reading = ReadingView(
        reading_id=new_id(NOON),
        measured_at=NOON,
        received_at=NOON + minutes(40),
        source=Source.STAFF_PHONE,
        values={Vital.SPO2: 72, Vital.PULSE_RATE: 97},
        level=Level.RED,
        findings=(),
        doubts=("looks_swapped",),
        late=True,
        time_doubtful=False,
        pathway="covid-oximetry-at-home@1",
    )
    [row] = reading_rows([reading], NOON + minutes(60))
    assert row["values"] == "SpO2 72 %, pulse 97 /min"
    assert (row["age"], row["doubts"]) == ("1 h", "the two numbers look swapped")
    assert (row["arrived"], row["source"]) == ("late, 12:40", "by phone to staff")


def test_what_was_told_at_home_is_said_with_its_plan() -> None:
    told = ToldView(
        level=Level.RED, plan_number=3, text_ids=("repeat.red",), words=("Sit still.", "Call 999.")
    )
    assert told_words(told) == "red: Sit still. Call 999. (plan 3)"
    unknown = told.model_copy(update={"words": (), "level": None})
    assert told_words(unknown) == "not judged: repeat.red, of a plan not known here (plan 3)"
    no_plan = told.model_copy(update={"plan_number": None, "words": ()})
    assert told_words(no_plan) == "no plan was held: when to call 999, and 111"
    assert told_words(None) == ""


def test_the_chart_keeps_gaps_and_says_itself() -> None:
    points = [
        PointView(measured_at=NOON - timedelta(hours=h), value=v) for h, v in ((50, 97), (1, 91))
    ]
    assert [point["run"] for point in chart.points(points)] == [0, 1]
    assert chart.words(points, NOON).startswith("SpO2 from 97 % to 91 %, lowest 91 %")
    assert [band["level"] for band in chart.bands(BANDS)] == ["red", "amber", "green"]


def test_the_chart_says_how_old_it_is_and_what_is_doubtful_in_it() -> None:
    points = [
        PointView(measured_at=NOON - minutes(m), value=v, doubtful=d)
        for m, v, d in ((70, 97, False), (65, 101, True))
    ]
    said = chart.words(points, NOON)
    assert "2 points; age of the last: 1 h 5 min." in said
    assert said.endswith("Hollow: 1 doubtful.")
    assert "Hollow" not in chart.words(points[:1], NOON)


def test_the_charts_clock_has_twenty_four_hours() -> None:
    midnight = NOON.replace(hour=0, minute=43)
    assert f"{midnight:{chart.CLOCK['minutes']}}" == "00:43"


def test_a_name_is_never_markup() -> None:
    assert plain("**B** [x](http://y) :red[z]") == (r"\*\*B\*\* \[x\](http\://y) \:red\[z\]")
