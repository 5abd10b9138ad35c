"""Real Mosquitto, real accounts: no gateway reaches another's topics, and revoked ones are out."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties

from tests.fakes.ward_peer import eventually
from tests.guarded_broker import GuardedBroker
from ward_service.contract.messages import BASE_TOPIC, topic
from ward_service.enrolment.broker_accounts import BrokerAccounts
from ward_service.enrolment.broker_files import prepare
from ward_service.errors import BrokerAccountsError, ConflictError
from ward_service.settings import Settings

VERSIONS = [MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311]
A, B = "home-01", "home-02"
PASSWORDS = {A: "a" * 64, B: "b" * 64}
REFUSED = 0x87  # MQTT 5, 2.4: not authorized
ADMINISTRATIVE = 0x98  # MQTT 5, 2.4: the server closed it by an administrative action


def settings_of(broker: GuardedBroker, **more: Any) -> Settings:
    given = {
        name.removeprefix("HOMEWARD_").lower(): value for name, value in broker.environment.items()
    }
    return Settings.model_validate({**given, **more})


@pytest.fixture
def accounts(guarded: GuardedBroker) -> BrokerAccounts:
    made = BrokerAccounts(settings_of(guarded))
    for gateway, password in PASSWORDS.items():
        made.make(gateway, password)
    return made


class Peer:
    """A client of either version that notes what it is told."""

    def __init__(
        self,
        broker: GuardedBroker,
        username: str,
        password: str,
        version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
        client_id: str | None = None,
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.connected: list[bool] = []
        self.ended: list[int] = []
        self.client = Client(CallbackAPIVersion.VERSION2, client_id or username, protocol=version)
        self.client.username_pw_set(username, password)
        self.client.tls_set(ca_certs=str(broker.ca))
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda _, __, ___, reason, ____: self.ended.append(reason.value)
        self.client.on_message = lambda _, __, m: self.heard.append((m.topic, bytes(m.payload)))
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        assert eventually(lambda: bool(self.connected))

    def _on_connect(
        self, client: Client, _: Any, __: Any, reason: Any, ___: Properties | None
    ) -> None:
        self.connected.append(not reason.is_failure)
        if reason.is_failure:
            client.disconnect()  # or paho would knock for ever

    def subscribes(self, name: str) -> bool:
        answered = threading.Event()
        granted: list[bool] = []

        def on_subscribe(_: Any, __: Any, ___: int, reasons: list[Any], ____: Any) -> None:
            granted.extend(not reason.is_failure for reason in reasons)
            answered.set()

        self.client.on_subscribe = on_subscribe
        self.client.subscribe(name, 1)
        assert answered.wait(10)
        return granted == [True]

    def says(self, name: str, payload: bytes = b"x") -> int:
        """Return the broker's code for a message: 0x87 is not authorized (3.1.1 says nothing)."""
        codes: list[int] = []
        self.client.on_publish = lambda _, __, ___, reason, ____: codes.append(reason.value)
        self.client.publish(name, payload, 1).wait_for_publish(10)
        assert eventually(lambda: bool(codes))
        return codes[0]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def peer(guarded: GuardedBroker) -> Iterator[Callable[..., Peer]]:
    made: list[Peer] = []

    def make(username: str, password: str | None = None, **more: Any) -> Peer:
        made.append(Peer(guarded, username, password or PASSWORDS[username], **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_gateway_reaches_its_own_topics_and_no_others(
    accounts: BrokerAccounts,
    guarded: GuardedBroker,
    peer: Callable[..., Peer],
    version: MQTTProtocolVersion,
) -> None:
    ward = peer("ward", guarded.ward_password)
    assert ward.subscribes("homeward/v1/+/readings")
    assert ward.subscribes("homeward/v1/+/status")
    b = peer(B, version=version)
    assert b.subscribes(topic(B, "receipts"))
    for gateway in (A, B):
        for what in ("readings", "status", "receipts", "plans/1"):
            forger = peer(A, version=version)  # each time: 2.0.11 throws off whoever is refused
            forger.says(f"{BASE_TOPIC}/{gateway}/{what}", f"{A} on {gateway}".encode())
            forger.close()
    a = peer(A, version=version)
    for name in ("receipts", "plans/1", "plans/#", "plans/+"):
        assert a.subscribes(f"{BASE_TOPIC}/{A}/{name}")
        assert not a.subscribes(f"{BASE_TOPIC}/{B}/{name}")
    for wide in (
        "#",
        "homeward/#",
        "homeward/v1/+/receipts",
        "+/+/+/plans/#",
        "$CONTROL/#",
        "$SYS/#",
    ):
        assert not a.subscribes(wide)
    for gateway in (A, B):
        ward.says(topic(gateway, "receipts"), f"ward to {gateway}".encode())
        ward.says(topic(gateway, "plans", 1), f"plan of {gateway}".encode())
    assert eventually(lambda: (topic(B, "receipts"), b"ward to home-02") in b.heard)
    assert eventually(lambda: (topic(A, "plans", 1), b"plan of home-01") in a.heard)
    assert set(ward.heard) == {
        (topic(A, "readings"), b"home-01 on home-01"),
        (topic(A, "status"), b"home-01 on home-01"),
    }
    assert set(a.heard) == {
        (topic(A, "receipts"), b"ward to home-01"),
        (topic(A, "plans", 1), b"plan of home-01"),
    }
    assert set(b.heard) == {(topic(B, "receipts"), b"ward to home-02")}


def test_what_is_refused_is_said_to_be_refused(
    accounts: BrokerAccounts, peer: Callable[..., Peer]
) -> None:
    own = peer(A)
    assert own.says(topic(A, "readings")) < REFUSED
    own.close()  # two with one name would throw each other off
    for name in (topic(B, "readings"), topic(A, "receipts"), "$CONTROL/dynamic-security/v1"):
        forger = peer(A)
        assert forger.says(name) == REFUSED
        forger.close()


def test_nobody_comes_in_with_a_wrong_password_without_one_or_as_somebody_else(
    accounts: BrokerAccounts, guarded: GuardedBroker, peer: Callable[..., Peer]
) -> None:
    b = peer(B)
    assert b.connected == [True]
    for name, password, client_id in (
        (A, PASSWORDS[B], A),
        (A, PASSWORDS[A], B),  # it would throw the other one off
        (A, PASSWORDS[A], "homeward-ward"),
        ("+", PASSWORDS[A], "x"),
        ("home-03", PASSWORDS[A], "home-03"),
    ):
        assert peer(name, password, client_id=client_id).connected == [False]
    assert b.client.is_connected()
    assert b.ended == []


def test_a_new_password_ends_the_connection_of_the_old_one(
    accounts: BrokerAccounts, peer: Callable[..., Peer]
) -> None:
    old = peer(A)
    accounts.make(A, "n" * 64)
    assert eventually(lambda: old.ended[:1] == [ADMINISTRATIVE])
    assert eventually(lambda: old.connected[1:2] == [False])
    assert peer(A, "n" * 64).connected == [True]


def test_whoever_is_revoked_is_thrown_out_at_once_and_stays_out(
    accounts: BrokerAccounts, guarded: GuardedBroker, peer: Callable[..., Peer]
) -> None:
    a, b = peer(A), peer(B)
    accounts.end(A)
    assert eventually(lambda: a.ended[:1] == [ADMINISTRATIVE], within_s=2)
    accounts.end(A)  # the same again is no error
    assert peer(A).connected == [False]
    assert b.client.is_connected()
    guarded.kill()
    guarded.start()  # what is revoked is revoked on its disk
    assert peer(A).connected == [False]
    assert peer(B).connected == [True]


def test_a_broker_that_is_away_or_knows_another_administrator_is_a_sentence(
    accounts: BrokerAccounts, guarded: GuardedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ward_service.enrolment.broker_accounts.ANSWER_WAIT_S", 1.0)
    wrong = BrokerAccounts(settings_of(guarded, broker_admin_password="z" * 64))
    with pytest.raises(BrokerAccountsError, match="does not answer"):
        wrong.make(A, "n" * 64)
    nobody = {"broker_admin_username": "ward", "broker_admin_password": guarded.ward_password}
    with pytest.raises(BrokerAccountsError, match="does not answer"):
        BrokerAccounts(settings_of(guarded, **nobody)).make(A, "n" * 64)
    guarded.kill()
    with pytest.raises(BrokerAccountsError, match="does not answer") as refused:
        accounts.make(A, "n" * 64)
    assert "n" * 8 not in str(refused.value)


def test_what_the_broker_begins_with_is_private_and_never_written_over(tmp_path: Path) -> None:
    made = prepare(tmp_path, BASE_TOPIC)
    assert [path.stat().st_mode & 0o077 for path in made] == [0, 0, 0]
    before = [path.read_text() for path in made]
    with pytest.raises(ConflictError, match="left as it is"):
        prepare(tmp_path, BASE_TOPIC)
    assert [path.read_text() for path in made] == before
    for password in re.findall("[0-9a-f]{64}", "".join(before[1:])):
        assert password not in before[0]  # its hash alone
