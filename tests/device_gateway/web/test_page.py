"""Somebody types a reading, is told at once what to do, and sees what becomes of it."""

import re
from datetime import timedelta

import pytest

from device_gateway.spool.file import SpoolFullError
from tests.device_gateway.web.conftest import (
    CARERS_CODE,
    House,
    a_reading_typed,
    comes_in,
)
from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Level, Outcome, Source, Vital

NOT_WITH_THEM = "Not with your team yet. They cannot see it."


def test_a_reading_is_typed_judged_by_the_plan_and_kept_before_anything_else(house: House) -> None:
    comes_in(house.client)
    shown = a_reading_typed(house.client, "91%", " 104 ", feeling="worse", call_me="yes")
    assert "This is low. Read this now" in shown
    assert "If it is still 92 % or lower" in shown  # this person's own number, from the plan
    assert NOT_WITH_THEM in shown
    [reading] = house.readings()
    assert reading.source is Source.PATIENT
    assert {o.vital: o.value for o in reading.observations} == {
        Vital.SPO2: 91,
        Vital.PULSE_RATE: 104,
    }
    assert {(a.question, a.answer) for a in reading.answers} == {
        ("red_flags", "none"),
        ("feeling", "worse"),
        ("amber_symptoms", "none"),
    }
    assert reading.call_me
    assert reading.advice is not None
    assert (reading.advice.level, reading.advice.plan_number) == (Level.RED, 1)


def test_a_red_flag_is_answered_at_once_and_sent_without_a_number(house: House) -> None:
    comes_in(house.client)
    shown = a_reading_typed(house.client, flags="blue_lips")
    assert "Call 999 now, or go to A&amp;E" in shown
    assert shown.index('href="tel:999"') < shown.index("What you told us can be an emergency")
    [reading] = house.readings()
    assert reading.observations == ()
    assert reading.advice is not None
    assert reading.advice.text_ids[0] == "advice.red_flag"
    assert "Now measure your oxygen" in shown


def test_none_of_these_beside_a_red_flag_takes_nothing_back(house: House) -> None:
    comes_in(house.client)
    screen = house.client.post("/reading").url.path
    answer = house.client.post(screen, data={"answer": ["none", "collapse"]})
    assert answer.url.path.startswith("/sent/")
    assert [a.answer for a in house.readings()[0].answers] == ["collapse"]


def test_what_became_of_it_is_said_in_the_persons_own_time(house: House) -> None:
    comes_in(house.client)
    a_reading_typed(house.client)
    [reading] = house.readings()
    state = f"/sent/{reading.reading_id}/state"
    assert house.client.get(state).json() == {"received": "", "seen": ""}
    later = house.hand.at + timedelta(minutes=2)
    kept = Receipt(reading_id=reading.reading_id, outcome=Outcome.KEPT)
    house.home.spool.settle([kept], later)
    assert house.client.get(state).json()["received"] == "Received by your team at 12:02"
    seen = kept.model_copy(update={"seen_at": later + timedelta(hours=2)})
    house.home.spool.settle([seen], later)
    shown = house.client.get(f"/sent/{reading.reading_id}").text
    assert "Seen by a clinician at 14:02" in shown
    assert NOT_WITH_THEM not in shown
    house.plan(zone="Asia/Karachi")
    assert "Seen by a clinician at 19:02" in house.client.get(f"/sent/{reading.reading_id}").text


def test_what_the_ward_could_not_file_is_said(house: House) -> None:
    comes_in(house.client)
    a_reading_typed(house.client)
    [reading] = house.readings()
    refused = Receipt(
        reading_id=reading.reading_id, outcome=Outcome.QUARANTINED, reason="nobody has this slot"
    )
    house.home.spool.settle([refused], house.hand.at)
    shown = house.client.get(f"/sent/{reading.reading_id}").text
    assert "could not file it. Ring them" in shown
    assert "nobody has this slot" not in shown


def test_the_carers_door_says_that_a_carer_typed_it(house: House) -> None:
    comes_in(house.client, CARERS_CODE)
    a_reading_typed(house.client)
    assert house.readings()[0].source is Source.CARER


def test_a_reading_that_cannot_be_kept_is_said_aloud_and_advised_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    for data in ({"answer": "none"}, {}, {"spo2": "90", "pulse_rate": "99"}, {"skip": "yes"}):
        path = house.client.post(path, data=data).url.path
    for data in ({"answer": "same"}, {"answer": "none"}):
        path = house.client.post(path, data=data).url.path

    def full(*_: object) -> list[int]:
        raise SpoolFullError("full")

    monkeypatch.setattr(house.home.spool, "add", full)
    answer = house.client.post(path)
    assert answer.status_code == 507
    assert "This reading is NOT saved" in answer.text
    assert "If it is still 92 % or lower" in answer.text
    monkeypatch.undo()
    assert "This is low" in house.client.post(path).text  # nothing typed is lost, and it is once
    assert len(house.readings()) == 1


def test_sent_twice_it_is_one_reading(house: House) -> None:
    comes_in(house.client)
    a_reading_typed(house.client)
    [reading] = house.readings()
    again = house.client.post(f"/reading/{reading.reading_id}/last")
    assert again.url.path == f"/sent/{reading.reading_id}"
    assert len(house.readings()) == 1


def test_two_devices_at_once_are_two_readings_and_see_only_their_own_form(house: House) -> None:
    other = house.visitor()
    comes_in(house.client)
    comes_in(other, CARERS_CODE)
    hers, his = house.client.post("/reading").url.path, other.post("/reading").url.path
    assert other.get(hers).url.path == "/"  # nobody types into somebody else's form
    house.client.post(hers, data={"answer": "none"})
    assert other.post(his, data={"answer": "none"}).url.path.endswith("/measure")
    a_reading_typed(house.client)
    a_reading_typed(other)
    assert len({reading.reading_id for reading in house.readings()}) == 2


def test_going_back_shows_what_was_typed_and_the_latest_stands(house: House) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    for data in ({"answer": "none"}, {}, {"spo2": "96", "pulse_rate": "72"}):
        path = house.client.post(path, data=data).url.path
    back = path.replace("/others", "/oximeter")
    assert 'value="96"' in house.client.get(back).text
    house.client.post(back, data={"spo2": "95", "pulse_rate": "70"})
    for data in ({"skip": "yes"}, {"answer": "same"}, {"answer": "none"}, {}):
        path = house.client.post(path, data=data).url.path
    [reading] = house.readings()
    assert [o.value for o in reading.observations] == [95, 70]


def test_a_form_that_lay_too_long_is_begun_anew(house: House) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    house.hand.at += timedelta(minutes=31)
    assert house.client.post(path, data={"answer": "none"}).url.path == "/"
    assert house.readings() == []


def test_the_time_of_a_reading_is_when_its_number_was_typed(house: House) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    for data in ({"answer": "none"}, {}, {"spo2": "96", "pulse_rate": "72"}):
        path = house.client.post(path, data=data).url.path
    measured = house.hand.at
    house.hand.at += timedelta(minutes=20)
    for data in ({"skip": "yes"}, {"answer": "same"}, {"answer": "none"}, {}):
        path = house.client.post(path, data=data).url.path
    assert house.readings()[0].measured_at == measured


@pytest.mark.parametrize(
    ("spo2", "pulse", "says"),
    [
        ("", "72", "Type the number."),
        ("ninety", "72", "type it in digits"),
        ("97 72", "72", "these are two numbers"),
        ("104", "104", "it cannot be 104"),
    ],
)
def test_what_cannot_be_is_explained_at_its_field_and_in_the_summary(
    house: House, spo2: str, pulse: str, says: str
) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    for data in ({"answer": "none"}, {}):
        path = house.client.post(path, data=data).url.path
    shown = house.client.post(path, data={"spo2": spo2, "pulse_rate": pulse}).text
    assert shown.count(says) == 2
    assert 'aria-invalid="true"' in shown
    assert "<title>Error:" in shown


@pytest.mark.parametrize(("spo2", "pulse"), [("72", "97"), ("118", "96"), ("٧٢", "٩٧")])
def test_numbers_that_look_swapped_are_asked_about_and_never_swapped_by_us(
    house: House, spo2: str, pulse: str
) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    for data in ({"answer": "none"}, {}):
        path = house.client.post(path, data=data).url.path
    shown = house.client.post(path, data={"spo2": spo2, "pulse_rate": pulse}).text
    assert "Did you swap the two numbers?" in shown
    assert 'href="tel:999"' in shown  # if it is not swapped, it is an emergency
    fields = dict(re.findall(r'name="(spo2|pulse_rate)" value="([^"]*)"', shown)[:2])
    assert fields == {"spo2": pulse, "pulse_rate": spo2}  # what the first button would send


def test_an_unlikely_low_number_that_is_said_to_be_right_is_sent_as_it_is(house: House) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    for data in ({"answer": "none"}, {}):
        path = house.client.post(path, data=data).url.path
    asked = house.client.post(path, data={"spo2": "45", "pulse_rate": "130"})
    assert "Please look again" in asked.text
    assert asked.url.path == path
    numbers = {"spo2": "45", "pulse_rate": "130", "sure": "yes"}
    path = house.client.post(path, data=numbers).url.path
    for data in ({"skip": "yes"}, {"answer": "same"}, {"answer": "none"}, {}):
        path = house.client.post(path, data=data).url.path
    [reading] = house.readings()
    assert reading.observations[0].value == 45
    assert reading.advice is not None
    assert reading.advice.level is Level.RED


def test_a_dangerous_but_likely_number_is_not_asked_about_before_the_advice(house: House) -> None:
    comes_in(house.client)
    assert "This is low" in a_reading_typed(house.client, "84", "110")


def test_who_cannot_get_a_number_is_told_what_to_do_and_it_is_not_green(house: House) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    for data in ({"answer": "none"}, {}, {"skip": "yes"}, {"skip": "yes"}):
        path = house.client.post(path, data=data).url.path
    for data in ({"answer": "same"}, {"answer": "none"}):
        path = house.client.post(path, data=data).url.path
    shown = house.client.post(path).text
    assert "In the range that your team expects" not in shown
    [reading] = house.readings()
    assert reading.observations == ()


def test_the_history_has_each_number_with_its_age_and_what_became_of_it(house: House) -> None:
    comes_in(house.client)
    a_reading_typed(house.client, "91", "88")
    house.hand.at += timedelta(hours=5)
    a_reading_typed(house.client, "96", "80")
    first = house.readings()[0]
    receipt = Receipt(reading_id=first.reading_id, outcome=Outcome.KEPT)
    house.home.spool.settle([receipt], house.hand.at)
    shown = house.client.get("/readings").text
    table = shown[shown.index("<tbody>") :]
    assert table.index("96 %") < table.index("91 %")  # the newest first
    assert "5 hours ago" in shown
    assert "just now" in shown
    assert "received at 17:00" in shown
    assert "not sent yet" in shown
    assert shown.count("<rect ") == 1  # the red one has a shape of its own


def test_a_number_from_before_the_clock_was_put_back_is_not_called_new(house: House) -> None:
    comes_in(house.client)
    a_reading_typed(house.client, "91", "88")
    house.hand.at -= timedelta(minutes=1)  # within what any clock may be off
    assert "just now" in _table(house)
    house.hand.at -= timedelta(minutes=59)
    shown = _table(house)
    assert "before the clock was put back" in shown
    assert "just now" not in shown


def _table(house: House) -> str:
    shown = house.client.get("/readings").text
    return shown[shown.index("<tbody>") : shown.index("</tbody>")]


def test_nothing_on_any_screen_names_an_illness_or_a_person(house: House) -> None:
    shown = [house.client.get("/in").text, comes_in(house.client)]
    shown.append(a_reading_typed(house.client))
    shown += [house.client.get(path).text for path in ("/readings", "/help", "/")]
    for text in shown:
        assert not re.search(r"covid|copd|oximetry @home|patient name", text, re.IGNORECASE)


def test_an_unsigned_plan_is_said_to_be_a_trial_on_every_screen(house: House) -> None:
    assert "No clinical lead has signed" in comes_in(house.client)
    house.plan(signed=True)
    assert "No clinical lead has signed" not in house.client.get("/").text
