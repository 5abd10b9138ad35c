"""Accounts of gateways at the broker: Mosquitto's dynamic security plugin, over MQTT itself.

One account and one role per gateway, because 2.0.11 does not expand `%u` in a role. An account is
made anew rather than changed: that ends the connection which the old password had, at once, and
leaves nothing of what stood there before. The broker carries the commands of one message out one
after the other and takes nothing else in between.
Source: docs/reference/brokers-and-databases.md#broker-accounts, #controls, C1, C2, C6; Mosquitto's
dynamic security [MOSQUITTO-DYNSEC].
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Sequence
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ward_service.contract.messages import topic
from ward_service.errors import BrokerAccountsError
from ward_service.logs import log
from ward_service.settings import Settings

CONTROL: Final = "$CONTROL/dynamic-security/v1"
ANSWER: Final = f"{CONTROL}/response"
ANSWER_WAIT_S: Final = 5.0
EVERY_GATEWAY: Final = "+"
WARD_ACCOUNT: Final = "ward"
ADMIN_ACCOUNT: Final = "homeward-admin"

Command = dict[str, Any]


class BrokerAccounts:
    """Makes and ends the accounts of gateways. Each call is a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        """Prepare to sign in as the broker's administrator."""
        self._settings = settings

    def make(self, gateway_id: str, password: str) -> None:
        """Give a gateway this password, and its own topics alone; whoever was signed in is not.

        Raises:
            BrokerAccountsError: it may or may not have happened; the same call again puts it right.
        """
        account = {
            "command": "createClient",
            "username": gateway_id,
            "clientid": gateway_id,  # or it could take another's, and throw that one off
            "password": password,
            "roles": [{"rolename": _role(gateway_id)}],
        }
        role = {
            "command": "createRole",
            "rolename": _role(gateway_id),
            "acls": gateway_acls(gateway_id, self._settings.base_topic),
        }
        self._tell([*_end(gateway_id), role, account])

    def end(self, gateway_id: str) -> None:
        """Take a gateway's account away. Its connection ends at once; none is no error.

        Raises:
            BrokerAccountsError: it may or may not have happened; the same call again puts it right.
        """
        self._tell(_end(gateway_id))

    def _tell(self, commands: Sequence[Command]) -> None:
        talk = _Talk(self._settings)
        try:
            answers = talk.ask(commands)
        finally:
            talk.close()
        for answer in answers:
            error = str(answer.get("error", ""))
            # The words of the plugin for what was not there to be ended.
            if error and not (
                answer.get("command", "").startswith("delete") and "not found" in error
            ):
                log("broker_account.refused", command=answer.get("command"))
                raise BrokerAccountsError(
                    "The broker refused to change an account. Look at its log. Nothing was "
                    "changed here; the same again is safe."
                )
        if len(answers) != len(commands):
            raise BrokerAccountsError(_UNANSWERED)


_UNANSWERED: Final = (
    "The broker's administration does not answer, so no account was changed for sure. Nothing was "
    "changed here; look at the broker and at HOMEWARD_BROKER_ADMIN_USERNAME, then try again."
)


class _Talk:
    """One connection as administrator: commands out, their answers back."""

    def __init__(self, settings: Settings) -> None:
        self._correlation = secrets.token_hex(8)
        self._answers: list[Command] = []
        self._answered, self._ready = threading.Event(), threading.Event()
        client = Client(
            CallbackAPIVersion.VERSION2,
            # A name of its own, so that two commands at a time do not end each other.
            client_id=f"homeward-admin-{self._correlation}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        client.username_pw_set(settings.broker_admin_username, settings.admin_password())
        if settings.broker_tls_ca is not None:
            client.tls_set(ca_certs=str(settings.broker_tls_ca))
        client.connect_timeout = ANSWER_WAIT_S
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._ready.set()
        client.on_message = self._on_message
        self._client = client
        try:
            client.connect(settings.broker_host, settings.broker_port)
        except (OSError, ValueError) as error:
            raise BrokerAccountsError(_UNANSWERED) from error
        client.loop_start()

    def ask(self, commands: Sequence[Command]) -> list[Command]:
        """Send commands and return what the broker said to each, in order.

        Raises:
            BrokerAccountsError: it did not answer.
        """
        if not self._ready.wait(ANSWER_WAIT_S):
            raise BrokerAccountsError(_UNANSWERED)
        named = [{**command, "correlationData": self._correlation} for command in commands]
        self._client.publish(CONTROL, json.dumps({"commands": named}), qos=1)
        if not self._answered.wait(ANSWER_WAIT_S):
            raise BrokerAccountsError(_UNANSWERED)
        return self._answers

    def close(self) -> None:
        """Disconnect, and end the network thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Client, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            log("broker_account.unsigned", code=reason.value)
            return
        client.subscribe(ANSWER, qos=1)

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        try:
            answers = json.loads(message.payload)["responses"]
        except (ValueError, KeyError, TypeError):
            return
        own = [a for a in answers if a.get("correlationData") == self._correlation]
        if own:
            self._answers = own
            self._answered.set()


def _end(gateway_id: str) -> list[Command]:
    return [
        {"command": "deleteClient", "username": gateway_id},
        {"command": "deleteRole", "rolename": _role(gateway_id)},
    ]


def _role(gateway_id: str) -> str:
    return f"gateway-{gateway_id}"


def gateway_acls(gateway_id: str, base: str) -> list[Command]:
    """Return what a gateway may do: say its readings and status, hear its receipts and plans."""
    receipts, plans = (
        topic(gateway_id, "receipts", base=base),
        topic(gateway_id, "plans", base=base),
    )
    return [
        _may("publishClientSend", topic(gateway_id, "readings", base=base)),
        _may("publishClientSend", topic(gateway_id, "status", base=base)),
        _may("subscribeLiteral", receipts),
        _may("publishClientReceive", receipts),
        _may("subscribePattern", f"{plans}/#"),
        _may("publishClientReceive", f"{plans}/#"),
    ]


def ward_acls(base: str) -> list[Command]:
    """Return what the ward may do: hear every gateway, and answer it."""
    heard = [topic(EVERY_GATEWAY, what, base=base) for what in ("readings", "status")]
    said = [
        topic(EVERY_GATEWAY, "receipts", base=base),
        f"{topic(EVERY_GATEWAY, 'plans', base=base)}/#",
    ]
    return [
        *(_may("subscribePattern", name) for name in heard),
        *(_may("publishClientReceive", name) for name in heard),
        *(_may("publishClientSend", name) for name in said),
    ]


def first_accounts(ward_password: str, admin_password: str, base: str) -> str:
    """Return the plugin's file as it is before the first start: the ward, and who makes accounts.

    What nobody is allowed, nobody may.
    """
    control = "$CONTROL/dynamic-security/#"
    admin = [
        _may(kind, control)
        for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
    ]
    roles = {WARD_ACCOUNT: ward_acls(base), ADMIN_ACCOUNT: admin}
    passwords = {WARD_ACCOUNT: ward_password, ADMIN_ACCOUNT: admin_password}
    refused = ("publishClientSend", "publishClientReceive", "subscribe")
    whole = {
        "defaultACLAccess": {**dict.fromkeys(refused, False), "unsubscribe": True},
        "clients": [
            {"username": name, **_hashed(password), "roles": [{"rolename": name}]}
            for name, password in passwords.items()
        ],
        "roles": [{"rolename": name, "acls": acls} for name, acls in roles.items()],
    }
    return json.dumps(whole, indent=2)


def _may(kind: str, name: str) -> Command:
    return {"acltype": kind, "topic": name, "allow": True}


# As Mosquitto 2.0 hashes them itself: enough for passwords of 256 random bits.
_ITERATIONS: Final = 101


def _hashed(password: str) -> Command:
    salt = secrets.token_bytes(12)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return {
        "password": base64.b64encode(hashed).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": _ITERATIONS,
    }
