"""Whom NEWS2 does not guard: seen over MQTT and HTTP as a nurse sees them (issue 12, rows 1, 7)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.factories import NOON, Home, a_ward, an_admission, minutes
from tests.ward_service.api.test_api import PASSWORD, signed_in
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Observation, Reading
from ward_service.contract.vocabulary import Context, Quality, Source, Vital
from ward_service.enrolment.enrolment import add_gateway
from ward_service.pipeline import take_batch
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.ward import Ward

AN_HOUR = timedelta(hours=1)  # before the first agreed time
DANGERS = [
    (Vital.SYSTOLIC_BP, 75), (Vital.RESPIRATORY_RATE, 6), (Vital.PULSE_RATE, 30),
    (Vital.TEMPERATURE, 34),
]  # fmt: skip


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    opened = a_ward(tmp_path)
    opened.clock = demo_clock(real_clock().wall(), NOON, 1.0)
    add_account(opened, "nurse-3", "Nurse 3", PASSWORD)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def client(ward: Ward) -> TestClient:
    made = TestClient(create_app(ward), raise_server_exceptions=False)
    made.headers.update(signed_in(made))
    return made


def lives_with(ward: Ward, pathway: str, pregnant: bool | None = None) -> Home:
    home = Home("home-01", add_gateway(ward, "home-01", NOON - AN_HOUR))
    admission = an_admission().model_copy(update={"pathway": pathway, "pregnant": pregnant})
    admit(ward, admission, NOON - AN_HOUR)
    return home


def sends(
    ward: Ward,
    home: Home,
    values: dict[Vital, float],
    n: int = 0,
    context: Context = Context.REST,
    quality: tuple[Quality, ...] = (),
) -> None:
    at = NOON + minutes(n)
    reading = Reading(
        reading_id=new_id(at),
        measured_at=at,
        source=Source.BLE,
        context=context,
        quality=quality,
        observations=tuple(Observation(vital=v, value=x) for v, x in values.items()),
    )
    take_batch(ward, [home.sends(reading)], at)


def on_the_list(client: TestClient) -> Any:
    board = client.get("/triage").json()
    [patient] = board["patients"]
    assert board["counts"][patient["place"]] == 1
    return patient


@pytest.mark.parametrize(("vital", "value"), DANGERS)
@pytest.mark.parametrize("pregnant", [True, None])
@pytest.mark.parametrize("quality", [(), (Quality.QUESTIONABLE,)])
def test_a_vital_beyond_its_limit_is_red_on_the_list(
    ward: Ward,
    client: TestClient,
    vital: Vital,
    value: float,
    pregnant: bool | None,
    quality: tuple[Quality, ...],
) -> None:
    home = lives_with(ward, "covid-virtual-ward", pregnant)
    sends(ward, home, {Vital.SPO2: 98, Vital.PULSE_RATE: 72, vital: value}, quality=quality)
    patient = on_the_list(client)
    assert (patient["place"], patient["level"]) == ("red", "red")
    sends(ward, home, {Vital.SPO2: 98}, 2)
    assert on_the_list(client)["place"] == "red"


@pytest.mark.parametrize(("vital", "value"), DANGERS)
def test_a_caller_is_never_told_to_let_them_keep_monitoring(
    ward: Ward, client: TestClient, vital: Vital, value: float
) -> None:
    lives_with(ward, "covid-virtual-ward", None)
    stay = on_the_list(client)["episode_id"]

    def phones(values: dict[str, str], key: str) -> Any:
        given: dict[str, Any] = {"spoke": "patient", "values": values}
        checked = client.post(f"/episodes/{stay}/readings/check", json=given).json()
        given["read_back"] = checked["read_back"]
        kept = client.post(
            f"/episodes/{stay}/readings", json=given, headers={"Idempotency-Key": key}
        )
        assert kept.is_success, kept.text
        return kept.json()["script"]

    for values, key in (
        ({vital: f"{value:g}", "spo2": "98"}, "first-call"),
        ({"spo2": "98"}, "second-call"),
    ):
        script = phones(values, key)
        assert script["level"] == "red"
        assert script["first"].startswith("RED.")
        assert not any("eep monitoring" in said["words"] for said in script["said"])
    assert on_the_list(client)["place"] == "red"


@pytest.mark.parametrize("pathway", ["covid-virtual-ward", "covid-oximetry-at-home"])
def test_eighty_after_exertion_without_its_pair_is_red(
    ward: Ward, client: TestClient, pathway: str
) -> None:
    home = lives_with(ward, pathway)
    sends(ward, home, {Vital.SPO2: 98})
    assert on_the_list(client)["place"] == "green"
    sends(ward, home, {Vital.SPO2: 80}, 2, Context.EXERTION)
    sends(ward, home, {Vital.SPO2: 98}, 5)
    patient = on_the_list(client)
    assert (patient["place"], patient["alerts"][0]["state"]) == ("red", "open")


def test_what_could_not_be_judged_is_counted_apart(ward: Ward, client: TestClient) -> None:
    home = lives_with(ward, "covid-oximetry-at-home")
    sends(ward, home, {Vital.SPO2: 98}, quality=(Quality.POOR_SIGNAL,))
    patient = on_the_list(client)
    assert (patient["place"], patient["level"]) == ("not_judged", None)
    assert "no reading could be judged" in patient["reason"]
