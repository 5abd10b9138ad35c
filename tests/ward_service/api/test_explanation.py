"""GET /alerts/{id}/explanation, as a screen asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.factories import NOON, Home, a_home, a_reading, a_ward
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.http.explanation import ExplanationView
from ward_service.contract.ids import new_id
from ward_service.pipeline import take_batch
from ward_service.store.connect import engine_of
from ward_service.ward import Ward

PASSWORD = "correct horse battery"


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    opened.clock = demo_clock(real_clock().wall(), NOON, 1.0)
    add_account(opened, "nurse-3", "Nurse 3", PASSWORD)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def client(ward: Ward) -> TestClient:
    return TestClient(create_app(ward), raise_server_exceptions=False)


@pytest.fixture
def headers(client: TestClient) -> dict[str, str]:
    answer = client.post("/session", json={"username": "nurse-3", "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json()['token']}"}


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


def test_an_alert_on_the_list_explains_itself_by_the_rule_that_its_finding_names(
    ward: Ward, client: TestClient, home: Home, headers: dict[str, str]
) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    [patient] = client.get("/triage", headers=headers).json()["patients"]
    [alert] = patient["alerts"]
    assert [finding["rule"] for finding in alert["findings"]] == ["spo2.red"]
    answer = client.get(f"/alerts/{alert['id']}/explanation", headers=headers)
    assert answer.status_code == 200
    explanation = ExplanationView.model_validate(answer.json())
    assert [reason.rule for reason in explanation.findings] == ["spo2.red"]
    assert explanation.findings[0].citations[0].key == "vitals.spo2.bands.standard.0"
    assert [entry.what for entry in explanation.ledger] == ["opened", "called"]
    url = f"/episodes/{patient['episode_id']}/readings"
    [reading] = client.get(url, headers=headers).json()["readings"]
    assert [finding["rule"] for finding in reading["findings"]] == ["spo2.red"]


def test_an_alert_that_is_not_there_is_not_found(
    client: TestClient, headers: dict[str, str]
) -> None:
    answer = client.get(f"/alerts/{new_id(NOON)}/explanation", headers=headers)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "There is no such alert."


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer nobody"}])
def test_signed_out_nothing_is_explained(
    ward: Ward, client: TestClient, home: Home, headers: dict[str, str], given: dict[str, str]
) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    [patient] = client.get("/triage", headers=headers).json()["patients"]
    url = f"/alerts/{patient['alerts'][0]['id']}/explanation"
    assert client.get(url, headers=given).status_code == 401
