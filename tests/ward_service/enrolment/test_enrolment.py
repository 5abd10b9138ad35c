"""A code gives one home one key, once; a key gives its successor; and nothing else gives any."""

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from tests.factories import NOON, Home, a_reading, a_ward, an_admission
from tests.services import free_port
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.contract.clock import Clock
from ward_service.contract.enrolment import (
    ALPHABET,
    AT_HEADER,
    MAC_HEADER,
    Enrol,
    Enrolled,
    read_code,
    renewal_path,
    request_mac,
)
from ward_service.enrolment.enrolment import add_gateway, enrol, gateways, invite, revoke
from ward_service.enrolment.rate_limit import Budget
from ward_service.errors import NotFoundError, WardError
from ward_service.ingest.message import ReadingMessage, open_message
from ward_service.pipeline import take_batch
from ward_service.settings import Settings
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.store.tables.base import Base
from ward_service.store.unit_of_work import Store, unit_of_work
from ward_service.ward import Ward

PASSWORD = "correct horse battery"
HERE = "192.0.2.1"  # addresses of the ranges for documentation


class Hands(Clock):
    """A clock whose hands a test moves."""

    def __init__(self, at: datetime) -> None:
        super().__init__(NOON, NOON)
        object.__setattr__(self, "hand", at)

    def now(self) -> datetime:
        return self.wall()

    def wall(self) -> datetime:
        at: datetime = self.__dict__["hand"]
        return at

    def move(self, by: timedelta) -> None:
        self.__dict__["hand"] += by


@pytest.fixture
def clock() -> Hands:
    return Hands(datetime(2026, 11, 24, 12, tzinfo=UTC))


@pytest.fixture
def ward(tmp_path: Path, database_url: str, clock: Hands) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    opened.clock = clock
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def client(ward: Ward) -> TestClient:
    return TestClient(create_app(ward), raise_server_exceptions=False)


def a_nonce() -> str:
    return secrets.token_hex(16)


def ask(ward: Ward, code: str, nonce: str = "", source: str = HERE) -> Enrolled:
    return enrol(ward, Enrol(code=code, nonce=nonce or a_nonce()), source)


def post(client: TestClient, code: str, nonce: str = "") -> httpx.Response:
    body = {"code": code, "nonce": nonce or a_nonce(), "software": "homeward 0.1.0"}
    answer: httpx.Response = client.post("/enrolments", json=body)
    return answer


def opens(ward: Ward, answer: Enrolled) -> bool:
    message = Home(answer.gateway, answer.key).sends(a_reading())
    return isinstance(open_message(message, ward.keys_of), ReadingMessage)


def a_wrong_code(n: int) -> str:
    return f"ZZZZZZ{ALPHABET[n // 32]}{ALPHABET[n % 32]}"


def renewal(
    answer: Enrolled,
    at: datetime,
    nonce: str = "",
    *,
    generation: int | None = None,
    method: str = "POST",
    path: str = "",
) -> dict[str, Any]:
    """Return what a client sends to renew, signed with the key of an answer."""
    asked = {"generation": generation or answer.generation, "nonce": nonce or a_nonce()}
    body = json.dumps(asked).encode()
    to = renewal_path(answer.gateway)
    mac = request_mac(bytes.fromhex(answer.key), method, path or to, at, body)
    headers = {AT_HEADER: at.isoformat(), MAC_HEADER: mac, "Content-Type": "application/json"}
    return {"url": to, "content": body, "headers": headers}


# A code


def test_a_code_makes_a_gateway_whose_readings_are_taken(client: TestClient, ward: Ward) -> None:
    made = invite(ward, None)
    answer = post(client, made.code)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    enrolled = Enrolled.model_validate(answer.json())
    assert (enrolled.gateway, enrolled.generation) == (made.gateway, 1)
    assert enrolled.broker.model_dump(exclude_none=True) == {"host": "127.0.0.1", "port": 1883}
    assert opens(ward, enrolled)
    [line] = gateways(ward)
    assert line.state.startswith("has its key since 24 Nov 2026 12:00")
    assert line.software == "homeward 0.1.0"


@pytest.mark.parametrize(
    "said",
    ["7K3M-9QX1", "7k3m9qx1", " 7K3M 9QXI ", "7k3m-9qxl"],
)
def test_a_code_is_read_as_it_was_meant(said: str) -> None:
    assert read_code(said) == "7K3M9QX1"
    assert read_code("OOOO-IIII") == "00001111"


@pytest.mark.parametrize("said", ["", "7K3M-9QX", "7K3M-9QX11", "7K3M-9QXU", "7K3M-9QX!"])
def test_what_cannot_be_a_code_is_none(said: str) -> None:
    assert read_code(said) is None


def test_used_expired_revoked_unknown_and_of_another_ward_are_one_answer(
    client: TestClient, ward: Ward, clock: Hands, tmp_path: Path, database_url: str
) -> None:
    elsewhere = a_ward(tmp_path / "elsewhere")
    used, expired = invite(ward, "home-01"), invite(ward, "home-02")
    replaced, revoked = invite(ward, "home-03"), invite(ward, "home-04")
    invite(ward, "home-03")
    revoke(ward, "home-04")
    assert post(client, used.code).status_code == 201
    wrong = [used, replaced, revoked, invite(elsewhere, "home-01")]
    answers = [post(client, each.code) for each in wrong]
    clock.move(timedelta(hours=24))
    answers += [post(client, code) for code in (expired.code, "ZZZZ-ZZZZ", "no code")]
    assert {answer.status_code for answer in answers} == {403}
    [said] = {answer.text for answer in answers}
    assert "ask the ward for a new one" in said
    assert answers[0].headers["content-type"] == "application/problem+json"
    engine_of(elsewhere.sessions).dispose()


def test_a_code_works_until_the_last_second_of_its_day(ward: Ward, clock: Hands) -> None:
    made = invite(ward, "home-01")
    clock.move(timedelta(hours=24) - timedelta(seconds=1))
    assert ask(ward, made.code).gateway == "home-01"


def test_an_answer_that_was_lost_is_given_again_to_who_asked_and_nobody_else(
    client: TestClient, ward: Ward, clock: Hands
) -> None:
    made, nonce = invite(ward, "home-01"), a_nonce()
    first = post(client, made.code, nonce)
    assert post(client, made.code, nonce).json() == first.json()
    assert post(client, made.code).status_code == 403
    clock.move(timedelta(hours=24))
    assert post(client, made.code, nonce).status_code == 403


def test_what_a_box_says_of_itself_moves_no_terminal(client: TestClient, ward: Ward) -> None:
    made = invite(ward, "home-01")
    body = {"code": made.code, "nonce": a_nonce(), "software": "\x1b[2Jall well"}
    assert client.post("/enrolments", json=body).status_code == 422
    assert post(client, made.code).status_code == 201


def test_of_two_boxes_with_one_code_one_becomes_the_gateway(ward: Ward) -> None:
    made = invite(ward, "home-01")
    ward.clock.wall()

    def one(n: int) -> bool:
        try:
            ask(ward, made.code, source=f"192.0.2.{n}")
        except WardError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 1


def test_a_code_for_an_enrolled_gateway_replaces_its_key_only_when_it_is_used(
    ward: Ward, clock: Hands
) -> None:
    first = ask(ward, invite(ward, "home-01").code)
    made = invite(ward, "home-01", known=True)
    assert opens(ward, first)
    second = ask(ward, made.code)
    assert (second.generation, second.key != first.key) == (2, True)
    assert opens(ward, second)
    assert opens(ward, first), "what is on its way is still taken"
    clock.move(timedelta(hours=ward.settings.key_overlap_h))
    assert opens(ward, second)
    assert not opens(ward, first)


def test_a_key_that_was_printed_is_replaced_too(ward: Ward) -> None:
    printed = add_gateway(ward, "home-01", NOON)
    answer = ask(ward, invite(ward, "home-01").code)
    assert (answer.generation, answer.key != printed) == (2, True)


def test_rotating_what_is_not_there_is_refused(ward: Ward) -> None:
    with pytest.raises(NotFoundError, match="no gateway home-09"):
        invite(ward, "home-09", known=True)
    assert gateways(ward) == []


@pytest.mark.parametrize("name", ["+", "home/1", "Home-01", "no", "x" * 41])
def test_a_name_that_no_topic_carries_is_refused(ward: Ward, name: str) -> None:
    with pytest.raises(WardError, match="3 to 40 small letters"):
        invite(ward, name)


def test_a_clinician_may_make_a_code_and_nobody_else(client: TestClient, ward: Ward) -> None:
    add_account(ward, "nurse-3", "Nurse 3", PASSWORD)
    assert client.post("/gateways/home-01/invitations").status_code == 401
    token = client.post("/session", json={"username": "nurse-3", "password": PASSWORD}).json()
    headers = {"Authorization": f"Bearer {token['token']}"}
    made = client.post("/gateways/home-01/invitations", headers=headers)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert post(client, made.json()["code"]).json()["gateway"] == "home-01"
    assert client.post("/gateways/HOME/invitations", headers=headers).status_code == 422
    with ward.unit_of_work(read_only=True) as store:
        [by] = store._session.execute(text("SELECT made_by FROM invitation")).scalars()
    assert by == "nurse-3"


# Guessing


def test_guessing_meets_a_budget_from_one_place(
    client: TestClient, ward: Ward, clock: Hands
) -> None:
    made = invite(ward, "home-01")
    assert [post(client, a_wrong_code(n)).status_code for n in range(8)] == [403] * 5 + [429] * 3
    right = post(client, made.code)
    assert right.status_code == 429, "a right one is not looked at either"
    assert "It is as good as before. Try again in 13 min" in right.json()["detail"]
    assert ask(ward, made.code, source="198.51.100.7"), "others are not held up"
    clock.move(timedelta(minutes=12, seconds=1))
    assert [post(client, a_wrong_code(n)).status_code for n in range(2)] == [403, 429]
    clock.move(timedelta(hours=1))
    assert [post(client, a_wrong_code(n)).status_code for n in range(6)] == [403] * 5 + [429]


def test_guessing_meets_a_budget_from_everywhere(
    ward: Ward, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "ward_service.enrolment.rate_limit.FROM_ALL", Budget(20, timedelta(seconds=6))
    )
    made = invite(ward, "home-01")

    def outcome(n: int) -> int:
        try:
            ask(ward, a_wrong_code(n), source=f"2001:db8:{n:x}::1")
        except WardError as error:
            return error.status
        return 0

    assert [outcome(n) for n in range(25)] == [403] * 20 + [429] * 5
    with pytest.raises(WardError, match="Too many wrong codes came, so"):
        ask(ward, made.code)
    clock.move(timedelta(seconds=7))
    assert ask(ward, made.code).gateway == "home-01"


def test_guessing_without_a_try_left_holds_up_no_reading(ward: Ward) -> None:
    for n in range(5):
        with pytest.raises(WardError):
            ask(ward, a_wrong_code(n))
    wrote: list[bool] = []

    def counted(*, read_only: bool = False) -> AbstractContextManager[Store]:
        wrote.append(not read_only)
        return unit_of_work(ward.sessions, read_only=read_only)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(ward), "unit_of_work", lambda _, **how: counted(**how))
        with pytest.raises(WardError, match="Too many"):
            ask(ward, a_wrong_code(9))
    assert wrote == [False]


def test_a_whole_ipv6_network_is_one_place(ward: Ward) -> None:
    statuses = []
    for n in range(7):
        with pytest.raises(WardError) as refused:
            ask(ward, a_wrong_code(n), source=f"2001:db8::{n + 1:x}")
        statuses.append(refused.value.status)
    assert statuses == [403] * 5 + [429] * 2


def test_guesses_at_the_same_moment_share_the_budget(ward: Ward) -> None:
    def outcome(n: int) -> int:
        try:
            ask(ward, a_wrong_code(n))
        except WardError as error:
            return error.status
        return 0

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(outcome, range(24)))
    assert (found.count(403), found.count(429)) == (5, 19)


def test_wrong_codes_that_leaked_away_leave_no_row(ward: Ward, clock: Hands) -> None:
    for n in range(3):
        with pytest.raises(WardError):
            ask(ward, a_wrong_code(n), source=f"192.0.2.{n}")
    clock.move(timedelta(hours=2))
    with pytest.raises(WardError):
        ask(ward, a_wrong_code(9))
    with ward.unit_of_work(read_only=True) as store:
        rows = store._session.execute(text("SELECT source FROM tries")).scalars().all()
    assert len(rows) == 2, "that of the last one, and that of all"
    assert HERE not in str(rows)


# A ward that cannot let a home in


def test_a_broker_that_cannot_be_reached_costs_nobody_their_code(
    client: TestClient, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ward_service.enrolment.broker_accounts.ANSWER_WAIT_S", 1.0)
    whole = ward.settings
    ward.settings = whole.model_copy(
        update={
            "broker_admin_username": "admin",
            "broker_admin_password": "x" * 32,
            "broker_port": free_port(),
        }
    )
    made, nonce = invite(ward, "home-01"), a_nonce()
    answer = post(client, made.code, nonce)
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["detail"]
    [line] = gateways(ward)
    assert "a code is out" in line.state
    ward.settings = whole
    assert post(client, made.code).status_code == 201


@pytest.mark.parametrize(
    "settings",
    [
        {"broker_host": "broker.example"},
        {"public_broker_host": "broker.example"},
        {"public_broker_host": "broker.example", "broker_admin_username": "admin"},
        {"public_broker_host": "192.0.2.1", "broker_tls_ca": Path(__file__)},
    ],
)
def test_a_broker_that_others_can_reach_needs_tls_and_accounts(
    client: TestClient, ward: Ward, settings: dict[str, Any]
) -> None:
    made = invite(ward, "home-01")
    whole = ward.settings
    ward.settings = whole.model_copy(update=settings)
    with pytest.raises(WardError, match="it needs TLS and accounts"):
        invite(ward, "home-02")
    assert post(client, made.code).status_code == 503
    ward.settings = whole
    assert post(client, made.code).status_code == 201


def test_a_home_is_told_where_homes_find_the_broker(ward: Ward) -> None:
    ward.settings = ward.settings.model_copy(
        update={"public_broker_host": "::1", "public_broker_port": 8883, "base_topic": "north/v1"}
    )
    answer = ask(ward, invite(ward, "home-01").code)
    assert (answer.broker.host, answer.broker.port, answer.base) == ("::1", 8883, "north/v1")


# The next key


@pytest.fixture
def enrolled(ward: Ward) -> Enrolled:
    return ask(ward, invite(ward, "home-01").code)


def test_a_key_gives_its_successor(client: TestClient, ward: Ward, enrolled: Enrolled) -> None:
    answer = client.post(**renewal(enrolled, ward.clock.wall()))
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    following = Enrolled.model_validate(answer.json())
    assert (following.generation, following.gateway) == (2, "home-01")
    assert opens(ward, following)
    assert opens(ward, enrolled), "what is on its way is still taken"


def test_a_request_to_renew_counts_once(
    client: TestClient, ward: Ward, clock: Hands, enrolled: Enrolled
) -> None:
    captured = renewal(enrolled, clock.wall())
    assert client.post(**captured).status_code == 201
    for _ in range(3):
        assert client.post(**captured).status_code == 403
    clock.move(timedelta(days=1))
    assert client.post(**captured).status_code in (400, 403)


def test_an_answer_to_a_renewal_that_was_lost_is_given_again_to_who_asked(
    client: TestClient, clock: Hands, enrolled: Enrolled
) -> None:
    nonce = a_nonce()
    first = client.post(**renewal(enrolled, clock.wall(), nonce))
    clock.move(timedelta(seconds=30))
    assert client.post(**renewal(enrolled, clock.wall(), nonce)).json() == first.json()
    clock.move(timedelta(seconds=30))
    assert client.post(**renewal(enrolled, clock.wall())).status_code == 403
    clock.move(timedelta(hours=168))
    assert client.post(**renewal(enrolled, clock.wall(), nonce)).status_code == 403


def test_a_key_that_leaked_gets_no_successor_after_a_new_code(
    client: TestClient, ward: Ward, clock: Hands, enrolled: Enrolled
) -> None:
    nonce = a_nonce()
    second = Enrolled.model_validate(client.post(**renewal(enrolled, clock.wall(), nonce)).json())
    third = ask(ward, invite(ward, "home-01").code)
    clock.move(timedelta(seconds=1))
    for leaked in (enrolled, second):
        assert client.post(**renewal(leaked, clock.wall(), nonce)).status_code == 403
    assert client.post(**renewal(third, clock.wall())).status_code == 201


@pytest.mark.parametrize("slack_s", [-301, 301])
def test_a_clock_that_is_far_off_is_told_so_to_who_has_the_key(
    client: TestClient, ward: Ward, clock: Hands, enrolled: Enrolled, slack_s: int
) -> None:
    asked = renewal(enrolled, clock.wall() + timedelta(seconds=slack_s))
    answer = client.post(**asked)
    assert (answer.status_code, "Set the clock" in answer.json()["detail"]) == (400, True)
    asked["headers"][MAC_HEADER] = "0" * 64
    assert client.post(**asked).status_code == 403


def test_a_request_that_was_changed_anywhere_is_refused(
    client: TestClient, ward: Ward, clock: Hands, enrolled: Enrolled
) -> None:
    invite(ward, "home-02")
    good = renewal(enrolled, clock.wall())
    body: bytes = good["content"]
    moved = (clock.wall() + timedelta(seconds=1)).isoformat()
    wrong = [
        good | {"url": renewal_path("home-02")},
        good | {"headers": good["headers"] | {AT_HEADER: moved}},
        good | {"headers": good["headers"] | {MAC_HEADER: "é" * 64}},
        renewal(enrolled, clock.wall(), method="GET"),
        renewal(enrolled, clock.wall(), path=renewal_path("home-02")),
        renewal(enrolled, clock.wall(), generation=2),
        *(
            good | {"content": body[:n] + bytes([body[n] ^ 1]) + body[n + 1 :]}
            for n in range(len(body))
        ),
    ]
    wrong[2]["headers"][MAC_HEADER] = "0" + good["headers"][MAC_HEADER][1:-1] + "z"
    assert {client.post(**each).status_code for each in wrong} <= {403, 422}
    assert client.post(**good).status_code == 201, "and nothing of that used it up"


# Revoked


def test_what_a_revoked_gateway_sends_is_kept_without_a_receipt(
    client: TestClient, ward: Ward, clock: Hands, enrolled: Enrolled
) -> None:
    admit(ward, an_admission("home-01"), clock.now() - timedelta(hours=1))
    home = Home("home-01", enrolled.key)
    assert len(take_batch(ward, [home.sends(a_reading())], clock.now())) == 1
    assert revoke(ward, "home-01") == 1
    assert revoke(ward, "home-01") == 1, "the same again is safe"
    assert take_batch(ward, [home.sends(a_reading())], clock.now()) == []
    with ward.unit_of_work(read_only=True) as store:
        assert store.quarantine.by_reason() == {"no such gateway, or it was revoked": 1}


def test_a_revocation_counts_at_the_ward_though_the_broker_is_away_and_is_then_repeated(
    ward: Ward, enrolled: Enrolled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ward_service.enrolment.broker_accounts.ANSWER_WAIT_S", 1.0)
    whole = ward.settings
    away = {"broker_admin_username": "admin", "broker_port": free_port()}
    ward.settings = whole.model_copy(update=away)
    for _ in range(2):
        with pytest.raises(WardError, match="refuses what it sends"):
            revoke(ward, "home-01")
        assert not opens(ward, enrolled)
    ward.settings = whole
    assert revoke(ward, "home-01") == 0


class Accounts:
    """The broker's accounts as a fake door; `meanwhile` happens while one is made."""

    open: ClassVar[set[str]] = set()
    meanwhile: ClassVar[Callable[[], object]] = lambda: None

    def __init__(self, _: Settings) -> None:
        pass

    def make(self, gateway_id: str, _: str) -> None:
        type(self).meanwhile()
        self.open.add(gateway_id)

    def end(self, gateway_id: str) -> None:
        self.open.discard(gateway_id)


@pytest.mark.parametrize("by", ["code", "key"])
def test_a_gateway_that_is_revoked_while_it_gets_its_key_has_no_account_afterwards(
    client: TestClient,
    ward: Ward,
    clock: Hands,
    enrolled: Enrolled,
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    monkeypatch.setattr("ward_service.enrolment.enrolment.BrokerAccounts", Accounts)
    ward.settings = ward.settings.model_copy(update={"broker_admin_username": "admin"})
    made = invite(ward, "home-01")
    monkeypatch.setattr(Accounts, "meanwhile", lambda: revoke(ward, "home-01"))
    if by == "code":
        assert post(client, made.code).status_code == 403
    else:
        assert client.post(**renewal(enrolled, clock.wall())).status_code == 403
    assert Accounts.open == set()
    assert not opens(ward, enrolled)


def test_nobody_becomes_a_revoked_gateway_again(
    client: TestClient, ward: Ward, clock: Hands, enrolled: Enrolled
) -> None:
    used, nonce = invite(ward, "home-01"), a_nonce()
    assert post(client, used.code, nonce).status_code == 201
    made = invite(ward, "home-01")
    revoke(ward, "home-01")
    assert post(client, used.code, nonce).status_code == 403, "nor is a lost answer given again"
    assert post(client, made.code).status_code == 403
    assert client.post(**renewal(enrolled, clock.wall())).status_code == 403
    for again in (lambda: invite(ward, "home-01"), lambda: add_gateway(ward, "home-01", NOON)):
        with pytest.raises(WardError, match="was revoked"):
            again()
    [line] = gateways(ward)
    assert line.state.startswith("revoked")
    with pytest.raises(NotFoundError):
        revoke(ward, "home-09")


def test_the_database_holds_nothing_that_opens_anything(
    client: TestClient, ward: Ward, clock: Hands
) -> None:
    first, second = invite(ward, "home-01"), invite(ward, "home-02")
    nonce, other = a_nonce(), a_nonce()
    enrolled = ask(ward, first.code, nonce)
    following = client.post(**renewal(enrolled, clock.wall(), other)).json()
    with pytest.raises(WardError):
        ask(ward, "ZZZZ-ZZZZ")
    secret = [first.code, second.code, nonce, other, enrolled.key, following["key"], HERE]
    secret += [code.replace("-", "") for code in (first.code, second.code)]
    with ward.unit_of_work(read_only=True) as store:
        for table in ("gateway", "invitation", "tries"):
            rows = store._session.execute(Base.metadata.tables[table].select()).all()
            assert rows
            assert not [each for each in secret if each in str(rows)], table
