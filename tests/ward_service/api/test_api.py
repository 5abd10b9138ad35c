"""The ward's HTTP door, over a real database, as the dashboard uses it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.event import listen, remove
from sqlalchemy.orm import Session

from tests.factories import NOON, Home, a_home, a_reading, a_ward, an_admission, minutes
from ward_service import passwords
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.http.board import BoardView
from ward_service.contract.ids import new_id
from ward_service.contract.messages import AdviceGiven, Status, Trouble
from ward_service.contract.vocabulary import Level, TroubleCode
from ward_service.domain.plan import read_plan
from ward_service.enrolment.enrolment import add_gateway
from ward_service.errors import TooManyTriesError
from ward_service.homes.plans import PlanSender
from ward_service.pipeline import dispatch_batch, process_due_deadlines, take_batch
from ward_service.store.connect import engine_of
from ward_service.store.tables.runtime import AccountRow, SessionRow
from ward_service.store.tables.stays import ActRow
from ward_service.ward import Ward

PASSWORD = "correct horse battery"
ENDED = {
    "outcome": "advice",
    "response_needed": True,
    "response_completed": True,
    "management_changed": False,
}


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    opened.clock = demo_clock(real_clock().wall(), NOON, 1.0)
    for who in ("nurse-3", "nurse-4"):
        add_account(opened, who, f"Nurse {who[-1]}", PASSWORD)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


@pytest.fixture
def client(ward: Ward) -> TestClient:
    return TestClient(create_app(ward), raise_server_exceptions=False)


def signed_in(client: TestClient, who: str = "nurse-3") -> dict[str, str]:
    answer = client.post("/session", json={"username": who, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def acting(headers: dict[str, str], version: int, key: str = "one-intention") -> dict[str, str]:
    return headers | {"If-Match": f'"{version}"', "Idempotency-Key": key}


def the_alert(client: TestClient, headers: dict[str, str]) -> Any:
    [patient] = client.get("/triage", headers=headers).json()["patients"]
    return patient["alerts"][0]


# Who may ask


def test_every_route_but_sign_in_and_health_asks_who_you_are(client: TestClient) -> None:
    open_to_all = {
        ("post", "/session"),
        ("get", "/health"),
        ("post", "/enrolments"),  # the code is the proof
        ("post", "/gateways/{gateway_id}/renewals"),  # the signature is
    }
    asked = 0
    for path, operations in client.app.openapi()["paths"].items():  # type: ignore[attr-defined]
        url = path.replace("{alert_id}", str(new_id(NOON))).replace(
            "{episode_id}", str(new_id(NOON))
        )
        for method in operations:
            if (method, path) not in open_to_all:
                answer = client.request(method, url)
                assert answer.status_code == 401, f"{method} {path}"
                assert answer.headers["content-type"] == "application/problem+json"
                asked += 1
    assert asked >= 9


def test_a_wrong_password_and_a_stranger_are_refused_alike(client: TestClient) -> None:
    answers = [
        client.post("/session", json={"username": who, "password": "wrong wrong wrong"})
        for who in ("nurse-3", "nobody-at-all")
    ]
    assert [a.status_code for a in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_guessing_locks_the_account_even_for_the_right_password(client: TestClient) -> None:
    for _ in range(5):
        client.post("/session", json={"username": "nurse-3", "password": "wrong wrong wrong"})
    answer = client.post("/session", json={"username": "nurse-3", "password": PASSWORD})
    assert answer.status_code == 429
    assert "Try again in" in answer.json()["detail"]


def test_signing_out_ends_the_session_everywhere(client: TestClient) -> None:
    headers = signed_in(client)
    assert client.get("/session", headers=headers).json()["name"] == "Nurse 3"
    assert client.delete("/session", headers=headers).status_code == 204
    assert client.get("/triage", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("background", "alive"), [({}, 200), ({"X-Homeward-Background": "1"}, 401)]
)
def test_a_screen_that_only_refreshes_does_not_keep_a_session_alive(
    client: TestClient, ward: Ward, background: dict[str, str], alive: int
) -> None:
    headers = signed_in(client)
    for _ in range(2):  # ten minutes twice: longer than the fifteen that nobody acts
        with ward.sessions.begin() as session:
            row = session.query(SessionRow).one()
            row.last_act_at -= timedelta(minutes=10)
        answer = client.get("/triage", headers=headers | background)
    assert answer.status_code == alive


# The list


def test_the_list_says_whom_to_call_first_and_why(
    client: TestClient, ward: Ward, home: Home
) -> None:
    homes = [home, *(a_home(ward, f"home-{n:02d}") for n in range(2, 5))]
    readings = [a_reading(97), a_reading(93), a_reading(91)]
    batch = [h.sends(r) for h, r in zip(homes, readings, strict=False)]
    take_batch(ward, batch, NOON)
    take_batch(ward, [homes[0].sends_bytes(b"nonsense", new_id(NOON))], NOON)
    process_due_deadlines(ward, NOON + minutes(61))
    board = BoardView.model_validate(client.get("/triage", headers=signed_in(client)).json())
    assert [line.place for line in board.patients] == [
        "red",
        "never_reported",
        "amber",
        "technical",
    ]
    red, never, amber, _ = board.patients
    assert red.why == ("SpO2 91 % <= 92 %",)
    assert amber.why == ("SpO2 93 % <= 94 %",)
    assert never.latest == ()
    assert never.overdue_since is not None
    [spo2, _] = red.latest
    assert (spo2.value, spo2.measured_at) == (91, NOON)
    assert (board.use, board.unsigned) == ("demo", True)


def test_silence_does_not_clear_red(client: TestClient, ward: Ward, home: Home) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    process_due_deadlines(ward, NOON + timedelta(days=2))
    [line] = client.get("/triage", headers=signed_in(client)).json()["patients"]
    assert line["place"] == "red_and_overdue"


def test_somebody_without_any_reading_is_not_called_green(
    client: TestClient, ward: Ward, home: Home
) -> None:
    well = a_home(ward, "home-02")
    take_batch(ward, [well.sends(a_reading(97))], NOON)
    first, second = client.get("/triage", headers=signed_in(client)).json()["patients"]
    assert (first["level"], second["level"]) == (None, "green")
    assert first["reason"].startswith("no reading yet")


def test_a_number_is_stale_when_the_pathway_says_so(
    client: TestClient, ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(97))], NOON)
    headers = signed_in(client)
    stale = []
    for hours in (15, 17):
        ward.clock = demo_clock(ward.clock.wall(), NOON + timedelta(hours=hours), 1.0)
        [line] = client.get("/triage", headers=headers).json()["patients"]
        stale.append(line["latest"][0]["stale"])
    assert stale == [False, True]


def test_the_version_moves_with_every_reading_and_only_then(
    client: TestClient, ward: Ward, home: Home
) -> None:
    headers = signed_in(client)

    def version() -> int:
        found: int = client.get("/triage/version", headers=headers).json()["version"]
        return found

    before = version()
    assert version() == before
    take_batch(ward, [home.sends(a_reading(97))], NOON)
    assert version() > before
    assert client.get("/triage", headers=headers).json()["version"] == version()


# Acting


def test_taking_an_alert_says_whose_it_is(client: TestClient, ward: Ward, home: Home) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    headers = signed_in(client)
    alert = the_alert(client, headers)
    url = f"/alerts/{alert['id']}/acknowledge"
    done = client.post(url, headers=acting(headers, alert["version"]))
    assert (done.status_code, done.json()["owner"]) == (200, "nurse-3")
    ledger = client.get(f"/alerts/{alert['id']}", headers=headers).json()["ledger"]
    assert [entry["what"] for entry in ledger] == ["opened", "called", "acknowledged"]


def test_three_quick_clicks_are_one_act(client: TestClient, ward: Ward, home: Home) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    headers = signed_in(client)
    alert = the_alert(client, headers)
    url = f"/alerts/{alert['id']}/acknowledge"
    answers = [client.post(url, headers=acting(headers, alert["version"])) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 200]
    assert len({a.json()["version"] for a in answers}) == 1


def test_the_second_clinician_is_told_who_was_first(
    client: TestClient, ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    first, second = signed_in(client), signed_in(client, "nurse-4")
    alert = the_alert(client, first)
    url = f"/alerts/{alert['id']}/acknowledge"
    client.post(url, headers=acting(first, alert["version"]))
    refused = client.post(url, headers=acting(second, alert["version"]))
    assert refused.status_code == 412
    assert refused.json()["alert"]["owner"] == "nurse-3"


def test_a_red_is_resolved_with_a_note_and_an_outcome(
    client: TestClient, ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    headers = signed_in(client)
    alert = the_alert(client, headers)
    taken = client.post(
        f"/alerts/{alert['id']}/acknowledge", headers=acting(headers, alert["version"])
    ).json()
    url = f"/alerts/{alert['id']}/resolve"
    key = acting(headers, taken["version"], "another-intention")
    assert client.post(url, headers=key, json=ENDED | {"note": ""}).status_code == 422
    done = client.post(url, headers=key, json=ENDED | {"note": "Seen at home."}).json()
    assert (done["state"], done["outcome"]) == ("resolved", "advice")


def test_no_clinician_is_told_done_before_it_is_kept(
    client: TestClient, ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends(a_reading(91))], NOON)
    headers = signed_in(client)
    alert = the_alert(client, headers)

    acted: list[object] = []

    def note_act(*written: object) -> None:
        acted.append(written)

    def disk_full(_: Session) -> None:
        if acted:
            raise OSError

    listen(ActRow, "after_insert", note_act)
    listen(Session, "before_commit", disk_full)
    try:
        url = f"/alerts/{alert['id']}/acknowledge"
        answer = client.post(url, headers=acting(headers, alert["version"]))
    finally:
        remove(Session, "before_commit", disk_full)
        remove(ActRow, "after_insert", note_act)
    assert answer.status_code == 500
    assert the_alert(client, headers)["state"] == "provisional"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 422),
        ({"If-Match": "latest", "Idempotency-Key": "one-intention"}, 400),
        ({"If-Match": '"1"', "Idempotency-Key": "x"}, 422),
    ],
)
def test_an_act_without_what_was_seen_is_refused(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    url = f"/alerts/{new_id(NOON)}/acknowledge"
    assert client.post(url, headers=signed_in(client) | headers).status_code == status


# Admitting, and what was kept


def test_an_admission_says_when_the_first_reading_is_due(client: TestClient, home: Home) -> None:
    headers = signed_in(client)
    admission = an_admission(home.gateway, slot=2).model_dump(mode="json")
    admitted = client.post("/episodes", headers=headers, json=admission)
    assert admitted.status_code == 201
    assert admitted.json()["first_due_at"] == "2026-11-24T13:00:00Z"
    assert client.post("/episodes", headers=headers, json=admission).status_code == 409


def test_a_refusal_repeats_nothing_of_what_was_typed(client: TestClient, home: Home) -> None:
    admission = an_admission().model_dump(mode="json") | {"nhs_number": "Ann Smith"}
    answer = client.post("/episodes", headers=signed_in(client), json=admission)
    assert answer.status_code == 422
    assert "nhs_number" in answer.json()["detail"]
    assert "Smith" not in answer.text


def test_readings_are_paged_by_receipt_so_that_late_ones_are_not_missed(
    client: TestClient, ward: Ward, home: Home
) -> None:
    at = [NOON, NOON - minutes(30), NOON + minutes(1)]
    for measured in at:
        take_batch(ward, [home.sends(a_reading(97, at=measured))], NOON + minutes(2))
    headers = signed_in(client)
    [line] = client.get("/triage", headers=headers).json()["patients"]
    url = f"/episodes/{line['episode_id']}/readings"
    first = client.get(url, headers=headers, params={"limit": 2}).json()
    rest = client.get(url, headers=headers, params={"after": first["next_after"]}).json()
    assert (first["total"], len(rest["readings"]), rest["next_after"]) == (3, 1, None)
    assert [r["late"] for r in first["readings"]] == [False, True]


def test_what_was_told_at_home_is_shown_in_the_words_and_numbers_of_then(
    client: TestClient, ward: Ward, home: Home
) -> None:
    headers = signed_in(client)
    [line] = client.get("/triage", headers=headers).json()["patients"]
    [due] = PlanSender(ward).plans_to_send(NOON)
    number = read_plan(due.message.payload).number
    told = AdviceGiven(plan_number=number, level=Level.RED, text_ids=("swap.ask", "repeat.red"))
    unknown = told.model_copy(update={"plan_number": number + 1})
    plain = AdviceGiven(plan_number=None, level=None, text_ids=("safety_net",))
    readings = [
        a_reading(91).model_copy(update={"advice": advice})
        for advice in (told, unknown, plain, None)
    ]
    take_batch(ward, [home.sends(reading) for reading in readings], NOON)
    changed = {"reason": "as agreed", "parameters": {"red_max": 88, "amber_max": 90}}
    url = f"/episodes/{line['episode_id']}"
    answer = client.post(
        f"{url}/limits", headers=headers | {"Idempotency-Key": "new-limits"}, json=changed
    )
    assert answer.status_code == 200, answer.text
    page = client.get(f"{url}/readings", headers=headers).json()["readings"]
    views = [reading["told"] for reading in page]
    assert (views[0]["level"], views[0]["plan_number"]) == ("red", number)
    assert views[0]["words"][0].startswith("Two numbers may stand in each other's place")
    assert "If it is still 92 % or lower" in views[0]["words"][1]  # the limit when it was told
    assert (views[1]["words"], views[1]["text_ids"]) == ([], ["swap.ask", "repeat.red"])
    assert (views[2]["plan_number"], views[2]["words"]) == (None, [])
    assert views[3] is None


def test_what_was_doubted_and_quarantined_is_counted(
    client: TestClient, ward: Ward, home: Home
) -> None:
    batch = [
        home.sends(a_reading(101, 130)),
        home.sends(a_reading(-3)),
        home.sends(a_reading(72, 97)),
        home.sends(a_reading(97, at=NOON + timedelta(days=3))),
        home.sends(a_reading(97, at=NOON - timedelta(days=365))),
        home.sends_bytes(b"{", new_id(NOON)),
    ]
    take_batch(ward, batch, NOON)
    counts = client.get("/data-quality", headers=signed_in(client)).json()
    assert (counts["readings"], counts["doubtful"], counts["time_doubtful"]) == (5, 5, 2)
    assert counts["quarantined_by_reason"] == {"not JSON": 1}
    assert counts["doubts"] == {
        "spo2_above_belief": 1,
        "spo2_below_belief": 1,
        "looks_swapped": 1,
        "time_doubtful": 2,
    }


def test_homes_are_listed_by_who_needs_a_look_first_and_name_nobody(
    client: TestClient, ward: Ward, home: Home
) -> None:
    others = {name: a_home(ward, name) for name in ("home-02", "home-03", "home-04", "home-05")}
    add_gateway(ward, "home-06", NOON)  # nobody lives there
    now, earlier = ward.clock.now(), NOON - timedelta(hours=1)
    low = (Trouble(code=TroubleCode.BATTERY_LOW, slot=1),)
    dispatch_batch(ward, [home.is_online(earlier)], earlier)
    dispatch_batch(ward, [others["home-04"].is_online(now), others["home-05"].is_online(now)], now)
    dispatch_batch(ward, [others["home-03"].is_online(now, troubles=low, plans={1: 4})], now)
    sent = [others["home-05"].sends(a_reading(97)) for _ in range(3)]
    dispatch_batch(ward, [sent[0], sent[2]], now - timedelta(minutes=16))
    answer = client.get("/gateways", headers=signed_in(client))
    found = answer.json()["homes"]
    assert [one["gateway"] for one in found] == [
        "home-03", "home-05", "home-02", "home-01", "home-04", "home-06",
    ]  # fmt: skip
    trouble, missing, never, quiet, well, empty = found
    assert (missing["missing"], missing["quiet"]) == (1, False)
    assert (
        trouble["troubles"][0]["words"]
        == "the battery of a device at home is low: ask for a new one"
    )
    assert trouble["plans"] == {"1": 4}
    assert (never["online"], never["quiet"]) == (None, True)
    assert (quiet["online"], quiet["quiet"]) == (True, True)
    assert (well["quiet"], len(well["holders"]), empty["holders"]) == (False, 1, [])
    assert "Invented" not in answer.text


def test_an_ignored_status_is_counted(client: TestClient, ward: Ward, home: Home) -> None:
    dispatch_batch(ward, [home.says(Status(online=True), NOON, key=b"x" * 32)], NOON)
    counts = client.get("/data-quality", headers=signed_in(client)).json()
    assert counts["statuses_ignored"] == 1


def test_health_says_when_nobody_watches(client: TestClient) -> None:
    health = client.get("/health").json()
    assert not health["well"]
    assert "not watching for silence" in health["words"]


def test_a_new_password_ends_the_sessions_that_the_old_one_began(
    ward: Ward, client: TestClient
) -> None:
    headers = signed_in(client, "nurse-3")
    add_account(ward, "nurse-3", "Nurse 3", "another invented password")
    assert client.get("/session", headers=headers).status_code == 401


def test_while_a_password_is_checked_readings_do_not_wait(
    ward: Ward, home: Home, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checking one is slow on purpose: whoever tries many must not keep the ward from its work."""
    checking, done = Event(), Event()
    verify = passwords.is_right

    def slowly(account: AccountRow | None, password: str) -> bool:
        checking.set()
        assert done.wait(20)
        return verify(account, password)

    monkeypatch.setattr("ward_service.api.sessions.is_right", slowly)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(signed_in, client)
        assert checking.wait(20)
        with ward.sessions() as session:
            if session.get_bind().dialect.name == "sqlite":
                session.execute(text("PRAGMA busy_timeout = 1000"))
            session.execute(text("UPDATE account SET name = name"))
            session.commit()
        done.set()
        assert asked.result()


def test_a_right_password_is_too_late_once_others_have_locked_the_account(ward: Ward) -> None:
    wall = ward.clock.wall()
    with ward.unit_of_work() as store:
        for _ in range(passwords.TRIES):
            passwords.note_try(store, "nurse-3", False, wall)
    with ward.unit_of_work() as store, pytest.raises(TooManyTriesError):
        passwords.note_try(store, "nurse-3", True, wall)
