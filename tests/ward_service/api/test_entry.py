"""The telephone and paper over HTTP: the same questions, read back, kept once, and what to say."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from tests.factories import NOON, Home, a_home, a_reading, a_ward, an_admission, minutes
from tests.ward_service.api.test_api import PASSWORD, signed_in
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.entry import EnteredView, FormView
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import Level, Vital
from ward_service.enrolment.enrolment import add_gateway
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

HOUR = timedelta(hours=1)
RED_FLAG = {"question": "red_flags", "answer": "blue_lips"}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    opened = a_ward(tmp_path)
    opened.clock = demo_clock(real_clock().wall(), NOON, 1.0)
    add_account(opened, "nurse-3", "Nurse 3", PASSWORD)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward, at=NOON - 48 * HOUR)


@pytest.fixture
def client(ward: Ward, home: Home) -> TestClient:
    made = TestClient(create_app(ward), raise_server_exceptions=False)
    made.headers.update(signed_in(made))
    return made


def the_stay(ward: Ward) -> EpisodeRow:
    with ward.sessions() as session:
        return session.scalars(select(EpisodeRow).order_by(EpisodeRow.admitted_at)).first()  # type: ignore[return-value]


def at(ward: Ward) -> str:
    return f"/episodes/{the_stay(ward).id}"


def told(values: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"spoke": "patient", "values": values, **more}


def keeps(
    client: TestClient, ward: Ward, values: dict[str, str], key: str = "one-call", **more: Any
) -> Any:
    """Check, read back, keep: as the form does it."""
    given = told(values, **more)
    checked = client.post(f"{at(ward)}/readings/check", json=given).json()
    given["read_back"] = checked["read_back"]
    return client.post(f"{at(ward)}/readings", json=given, headers={"Idempotency-Key": key})


def count(ward: Ward, row: Any) -> int:
    with ward.sessions() as session:
        return session.scalar(select(func.count()).select_from(row)) or 0


# What is asked


def test_the_form_asks_red_flags_first_and_free_words_last_in_the_pathways_words(
    client: TestClient, ward: Ward
) -> None:
    form = FormView.model_validate(client.get(f"{at(ward)}/form").json())
    assert [question.id for question in form.questions] == [
        "red_flags",
        "feeling",
        "amber_symptoms",
        "other",
    ]
    first, *_, last = form.questions
    assert (first.red_flags, first.several, last.answers) == (True, True, ())
    assert first.said == "Do you have any of these now?"
    assert [asked.vital for asked in form.vitals] == [
        Vital.SPO2,
        Vital.PULSE_RATE,
        Vital.TEMPERATURE,
    ]
    oxygen = form.vitals[0]
    assert (oxygen.called, oxygen.unit, oxygen.low, oxygen.high, oxygen.needed) == (
        "Oxygen",
        "%",
        50,
        100,
        True,
    )
    assert "Rest for at least five minutes" in form.technique
    assert (form.pathway, form.signed) == ("covid-oximetry-at-home@3", False)


def test_every_pathway_has_a_form_and_consciousness_is_chosen(
    client: TestClient, ward: Ward
) -> None:
    add_gateway(ward, "home-77", NOON)
    given = an_admission("home-77").model_copy(
        update={"pathway": "covid-virtual-ward", "home_oxygen": False, "pregnant": False}
    )
    id_ = admit(ward, given, NOON).episode_id
    form = FormView.model_validate(client.get(f"/episodes/{id_}/form").json())
    [awake] = [asked for asked in form.vitals if asked.vital is Vital.CONSCIOUSNESS]
    assert [choice.typed for choice in awake.choices] == list("ACVPU")


# What it would mean


def test_a_check_reads_back_and_says_the_level_and_keeps_nothing(
    client: TestClient, ward: Ward
) -> None:
    given = told(
        {"spo2": "٩١٪", "pulse_rate": "104 bpm", "temperature": "37,2"},
        answers=[{"question": "feeling", "answer": "worse"}],
    )
    checked = client.post(f"{at(ward)}/readings/check", json=given).json()
    assert checked["read_back"] == "Oxygen 91 per cent, pulse 104, temperature 37.2."
    assert checked["answered"] == ["How do you feel compared with yesterday? Worse"]
    assert (checked["level"], checked["problems"], checked["questions"]) == ("red", [], [])
    assert [f["words"] for f in checked["findings"]] == ["SpO2 91 % <= 92 %", "says: Worse"]
    assert (count(ward, ReadingRow), the_stay(ward).inputs) == (0, 0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"spo2": "72", "pulse_rate": "97"}, "did you swap the two numbers?"),
        ({"spo2": "49"}, "Oxygen 49: is that what the device showed?"),
        ({"spo2": "97", "temperature": "372"}, "Or was it 37.2?"),
    ],
)
def test_the_unlikely_is_asked_about_and_can_be_kept_all_the_same(
    client: TestClient, ward: Ward, values: dict[str, str], said: str
) -> None:
    checked = client.post(f"{at(ward)}/readings/check", json=told(values)).json()
    assert said in " ".join(checked["questions"])
    assert keeps(client, ward, values).status_code == 201  # a low one is never set aside


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (told({"spo2": "104"}), "it cannot be 104"),
        (told({"spo2": "ninety"}), "in digits"),
        (told({}, answers=[{"question": "weather", "answer": "fine"}]), "no question weather"),
        (told({}, answers=[{"question": "feeling", "answer": "purple"}]), "no such answer"),
        (
            told({}, answers=[RED_FLAG, {"question": "red_flags", "answer": "none"}]),
            "cannot both be",
        ),
        (
            told(
                {},
                answers=[
                    {"question": "feeling", "answer": "same"},
                    {"question": "feeling", "answer": "worse"},
                ],
            ),
            "Choose one",
        ),
    ],
)
def test_what_cannot_be_is_explained_and_never_kept(
    client: TestClient, ward: Ward, given: dict[str, Any], said: str
) -> None:
    checked = client.post(f"{at(ward)}/readings/check", json=given).json()
    assert said in " ".join(checked["problems"])
    answer = client.post(
        f"{at(ward)}/readings", json=given, headers={"Idempotency-Key": "one-call-a"}
    )
    assert (answer.status_code, count(ward, ReadingRow)) == (422, 0)
    assert said in answer.json()["detail"]


def test_a_reading_that_came_from_the_device_is_asked_about_when_it_is_told_too(
    client: TestClient, ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(97, at=NOON))], NOON)
    at_noon = told({"spo2": "97", "pulse_rate": "72"}, measured_at=NOON.isoformat())
    checked = client.post(f"{at(ward)}/readings/check", json=at_noon).json()
    assert "kept already, from the device at home" in checked["questions"][0]
    other = told({"spo2": "96", "pulse_rate": "72"}, measured_at=NOON.isoformat())
    assert client.post(f"{at(ward)}/readings/check", json=other).json()["questions"] == []


# Kept, and what to say


def test_what_was_not_read_back_is_not_kept(client: TestClient, ward: Ward) -> None:
    checked = client.post(f"{at(ward)}/readings/check", json=told({"spo2": "97"})).json()
    for said in ("", checked["read_back"]):  # never, and then a changed number
        given = told({"spo2": "91"}, read_back=said)
        answer = client.post(
            f"{at(ward)}/readings", json=given, headers={"Idempotency-Key": "call-again"}
        )
        assert answer.status_code == 409
        assert "read the numbers back" in answer.json()["detail"]
    assert count(ward, ReadingRow) == 0


def test_a_first_red_is_measured_again_and_a_second_one_is_999(
    client: TestClient, ward: Ward
) -> None:
    before = (NOON - minutes(3)).isoformat()
    first = EnteredView.model_validate(
        keeps(client, ward, {"spo2": "91"}, measured_at=before).json()
    )
    assert (first.level, first.script.level, first.script.call) == (Level.RED, Level.RED, None)
    assert first.script.text_ids == ("repeat.red",)
    assert "92 %" in first.script.said[0].words  # this person's own number
    assert first.script.said[-1].words.endswith("Do this even if your oxygen number looks normal.")
    assert "measure again now" in first.script.first  # within a minute
    [alert] = first.alerts
    assert (alert.level, alert.state) == (Level.RED, "provisional")
    second = EnteredView.model_validate(keeps(client, ward, {"spo2": "90"}, "second-call").json())
    assert (second.script.call, second.script.text_ids) == ("999", ("advice.red",))
    assert second.script.first.startswith("RED. Tell them to call 999 now.")
    assert second.alerts[0].state == "open"


def test_a_red_of_the_device_and_a_red_by_phone_are_two_reds(
    client: TestClient, ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(90, at=NOON - minutes(4)))], NOON - minutes(4))
    entered = EnteredView.model_validate(keeps(client, ward, {"spo2": "91"}).json())
    assert entered.script.call == "999"


def test_a_red_flag_is_999_whatever_the_number(client: TestClient, ward: Ward) -> None:
    answer = keeps(client, ward, {"spo2": "98"}, answers=[RED_FLAG])
    entered = EnteredView.model_validate(answer.json())
    assert (entered.script.call, entered.script.text_ids) == ("999", ("advice.red_flag",))
    assert [alert.alert_class for alert in entered.alerts] == ["symptom"]


def test_the_same_call_sent_again_has_the_same_answer_and_changes_nothing(
    client: TestClient, ward: Ward
) -> None:
    first = keeps(client, ward, {"spo2": "91"})
    again = keeps(client, ward, {"spo2": "91"})
    assert (first.status_code, again.json()) == (201, first.json())
    assert (count(ward, ReadingRow), count(ward, AlertRow)) == (
        1,
        len({a["id"] for a in first.json()["alerts"]}) + _silent(ward),
    )


def _silent(ward: Ward) -> int:
    with ward.sessions() as session:
        missing = select(func.count()).where(AlertRow.alert_class == "missing")
        return session.scalar(missing) or 0


def test_who_typed_and_who_spoke_are_shown_with_the_reading(client: TestClient, ward: Ward) -> None:
    keeps(client, ward, {"spo2": "97", "temperature": "37.2"}, spoke="carer")
    [shown] = client.get(f"{at(ward)}/readings").json()["readings"]
    assert shown["values"] == {"spo2": 97, "temperature": 37.2}
    assert (shown["source"], shown["entered_by"], shown["spoke"]) == (
        "staff_phone",
        "nurse-3",
        "carer",
    )


# Paper


def a_row(when: Any, spo2: str, **more: Any) -> dict[str, Any]:
    day, time = when.date().isoformat(), f"{when:%H:%M}"
    return {"day": day, "at": time, "values": {"spo2": spo2}, **more}


def enters(
    client: TestClient, ward: Ward, rows: list[dict[str, Any]], key: str = "diary-of-1"
) -> Any:
    headers = {"Idempotency-Key": key}
    return client.post(f"{at(ward)}/diary", json={"rows": rows}, headers=headers)


def test_a_diary_is_kept_by_measurement_and_calls_nobody_for_what_is_over(
    client: TestClient, ward: Ward
) -> None:
    rows = [
        a_row(NOON - 2 * HOUR, "97"),
        a_row(NOON - 20 * HOUR, "88%"),
        a_row(NOON - 7 * HOUR, "96"),
    ]
    answer = enters(client, ward, rows)
    assert answer.status_code == 201, answer.text
    assert [row["level"] for row in answer.json()["rows"]] == ["red", "green", "green"]
    [alert] = answer.json()["alerts"]
    assert (alert["level"], alert["review"], alert["late"]) == ("red", True, True)
    process_due_deadlines(ward, NOON + HOUR)
    with ward.sessions() as session:
        about = select(func.count()).where(MessageRow.alert_id == UUID(alert["id"]))
        assert session.scalar(about) == 0
    before = the_stay(ward).version
    assert enters(client, ward, rows, "diary-of-2").json() == answer.json()
    assert (count(ward, ReadingRow), the_stay(ward).version) == (3, before)


def test_what_is_wrong_is_said_row_by_row_and_nothing_is_kept(
    client: TestClient, ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(95, None, at=NOON - 3 * HOUR))], NOON - 3 * HOUR)
    rows = [
        a_row(NOON - 2 * HOUR, "97"),
        a_row(NOON + 2 * HOUR, "97"),
        a_row(NOON - 90 * HOUR, "97"),
        a_row(NOON - 4 * HOUR, "104"),
        a_row(NOON - 3 * HOUR, "95"),
        a_row(NOON - 5 * HOUR, "9.7"),
        a_row(NOON - 2 * HOUR, "97"),
        {"day": "2026-11-24", "at": "08:00"},
    ]
    answer = enters(client, ward, rows)
    assert answer.status_code == 422
    said = {(row["row"], row["question"]): row["words"] for row in answer.json()["rows"]}
    assert set(said) == {
        (2, False), (3, False), (4, False), (5, True), (6, True), (7, False), (8, False)
    }  # fmt: skip
    assert said[2, False] == "24 Nov 2026 14:00 lies in the future."
    assert "before this stay began" in said[3, False]
    assert "cannot be 104" in said[4, False]
    assert "kept already, from the device at home" in said[5, True]
    assert "Or was it 97?" in said[6, True]
    assert said[7, False] == "This is row 1 again. Leave it out."
    assert count(ward, ReadingRow) == 1
    sure = [rows[0], rows[4] | {"sure": True}, rows[5] | {"sure": True}]
    assert enters(client, ward, sure).status_code == 201
    assert count(ward, ReadingRow) == 4


def test_the_time_of_a_diary_is_that_of_the_persons_own_clock(
    client: TestClient, ward: Ward
) -> None:
    zone = {"zone": "Asia/Kolkata", "reason": "she stays with her son"}
    client.post(f"{at(ward)}/zone", json=zone, headers={"Idempotency-Key": "zone-of-her"})
    enters(client, ward, [{"day": "2026-11-24", "at": "09:00", "values": {"spo2": "97"}}])
    [kept] = client.get(f"{at(ward)}/readings").json()["readings"]
    assert kept["measured_at"] == "2026-11-24T03:30:00Z"


def test_there_is_no_form_of_nobody(client: TestClient) -> None:
    assert client.get(f"/episodes/{new_id(NOON)}/form").status_code == 404
