"""A replay as a clinician asks for it: at the command line, and over HTTP."""

import json
from datetime import timedelta
from pathlib import Path
from threading import Lock

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from tests.factories import NOON, Home, a_home, a_reading, a_ward
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.cli.main import app
from ward_service.contract.clock import VARIABLE, demo_clock, real_clock
from ward_service.pathways.load import SHIPPED
from ward_service.pipeline import take_batch
from ward_service.replay import request as ask
from ward_service.ward import Ward

FILE = SHIPPED / "covid-oximetry-at-home.yaml"
DAYS = {"from": "2026-11-24", "to": "2026-11-25"}
PASSWORD = "correct horse battery"


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    opened = a_ward(tmp_path)
    opened.clock = demo_clock(real_clock().wall(), NOON + timedelta(hours=2), 1.0)
    add_account(opened, "nurse-3", "Nurse 3", PASSWORD)
    return opened


@pytest.fixture
def home(ward: Ward) -> Home:
    made = a_home(ward)
    take_batch(ward, [made.sends(a_reading(91))], NOON)
    return made


@pytest.fixture
def client(ward: Ward) -> TestClient:
    made = TestClient(create_app(ward), raise_server_exceptions=False)
    given = {"username": "nurse-3", "password": PASSWORD}
    made.headers["Authorization"] = f"Bearer {made.post('/session', json=given).json()['token']}"
    return made


def test_somebody_who_is_signed_in_may_replay_a_text_or_a_version(
    client: TestClient, home: Home
) -> None:
    for candidate in (
        {"text": FILE.read_text()},
        {"pathway": "covid-oximetry-at-home"},
        {"pathway": "covid-oximetry-at-home@3"},
    ):
        answer = client.post("/replays", json=candidate | DAYS)
        assert answer.status_code == 200, answer.text
        report = answer.json()
        assert (report["whole"]["live"], report["whole"]["candidate"]) == (1, 1)
    del client.headers["Authorization"]
    assert client.post("/replays", json=DAYS | {"pathway": "x"}).status_code == 401


def test_what_cannot_be_replayed_is_refused_in_a_sentence(
    client: TestClient, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**given: str) -> tuple[int, str]:
        answer = client.post("/replays", json=DAYS | given)
        return answer.status_code, answer.json()["detail"]

    assert refused() == (
        400,
        "Give the text of a pathway, or the id of one. Nothing was replayed.",
    )
    assert refused(pathway="nobody@9")[0] == 404
    assert "not a whole pathway" in refused(text="id: half")[1]
    assert refused(pathway="covid-oximetry-at-home", to="2026-11-20")[0] == 400
    monkeypatch.setattr(ask, "AT_MOST", 0)
    status, said = refused(pathway="covid-oximetry-at-home")
    assert (status, said) == (
        400,
        "These 1 stays have 1 readings; here at most 0 are replayed. Ask for less time, or run: "
        "ward-service replay",
    )
    busy = Lock()
    busy.acquire()
    monkeypatch.setattr(ask, "_ONE_AT_A_TIME", busy)
    assert refused(pathway="covid-oximetry-at-home")[0] == 409


def test_the_command_says_it_as_text_or_as_json(
    ward: Ward, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEWARD_USE", "demo")
    monkeypatch.setenv(VARIABLE, ward.clock.word())
    days = ("--from", DAYS["from"], "--to", DAYS["to"])
    said = CliRunner().invoke(app, ["replay", "--pathway", str(FILE), *days])
    assert said.exit_code == 0, said.output
    assert "covid-oximetry-at-home@3 over stays of covid-oximetry-at-home@3" in said.output
    assert "0 alerts more, 0 fewer" in said.output
    assert "Assumed:" in said.output
    as_json = CliRunner().invoke(
        app, ["replay", "--pathway", "covid-oximetry-at-home", *days, "--json"]
    )
    assert json.loads(as_json.stdout)["whole"]["live"] == 1
    nothing = CliRunner().invoke(app, ["replay", "--pathway", "no-such-file.yaml", *days])
    assert nothing.exit_code == 1
    assert "There is no file and no pathway version called no-such-file.yaml." in nothing.output
