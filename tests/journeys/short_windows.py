"""The shipped pathway with windows of seconds, and a ward that runs it, on the ward's own clock.

Nothing inside the ward is mocked. `HOMEWARD_DEMO_CLOCK` only chooses the moment at which it starts,
so that the team is there and agreed times are near, whenever the test runs.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import httpx2 as httpx
import yaml
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.factories import Home, a_ward, an_admission
from tests.journeys.house import PASSWORD, House
from ward_service.bootstrap import add_account
from ward_service.contract.clock import VARIABLE, Clock, demo_clock, real_clock
from ward_service.contract.messages import Reading, Receipts, topic
from ward_service.enrolment.enrolment import add_gateway
from ward_service.ingest.message import ArrivedMessage
from ward_service.pathways.load import SHIPPED
from ward_service.store.connect import engine_of

NURSE, DOCTOR = "nurse", "doctor"
PATHWAY = "covid-oximetry-at-home"


def short_pathway(folder: Path, version: int, parameters: Mapping[str, float]) -> None:
    """Write the shipped file with its lengths of time cut to seconds, as a version of its own."""
    written = yaml.safe_load((SHIPPED / f"{PATHWAY}.yaml").read_text())
    written |= {"version": version, "supersedes": version - 1}

    def put(where: str, value: object) -> None:
        part = written
        *parents, last = where.split(".")
        for name in parents:
            part = part[name]
        assert last in part, where
        part[last]["is"] = value

    every_minute = [f"13:{minute:02d}" for minute in range(20)]
    for where, value in {
        "schedule.times": every_minute,
        "schedule.window": "5 s",
        "schedule.overdue_after": "5 s",
        "missing.remind_after": ["3 s", "6 s"],
        "missing.reminder_valid": "60 s",
        "missing.staff_after": "8 s",
        "missing.first_chase_after": "3 s",
        "confirmation.repeat_within.red": "3 s",
        "confirmation.repeat_within.amber": "4 s",
        "confirmation.minimum_gap": "1 s",
        "late_after": "4 s",
        "clock_tolerance": "30 s",
        "history_spacing": "1 s",
    }.items():
        put(where, value)
    red = written["ladders"]["monitored"]["red"]
    for step, after in zip(red["steps"], ("0 s", "3 s"), strict=True):
        step["after"]["is"] = after
    for where, value in {
        "repeat_every": "4 s",
        "acknowledge_within": "3 s",
        "contact_within": "12 s",
        "resume_after": "3 s",
    }.items():
        put(f"ladders.monitored.red.{where}", value)
    for name, number in parameters.items():
        put(f"parameters.{name}.default", number)
    folder.mkdir(exist_ok=True)
    file = folder / f"{PATHWAY}.yaml"
    file.write_text(yaml.safe_dump(written, sort_keys=False, allow_unicode=True))


class Wire:
    """What homes send and are answered: a paho client that keeps every receipt."""

    def __init__(self, house: House, gateways: list[str]) -> None:
        self._receipts: dict[UUID, list[str]] = {}
        self._lock = Lock()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._receipt
        self._client.connect(house.broker.host, house.broker.port)
        self._client.loop_start()
        for gateway in gateways:
            self._client.subscribe(topic(gateway, "receipts"), qos=1)

    def send(self, *arrived: ArrivedMessage) -> None:
        """Publish, and wait until the broker has it."""
        sent = []
        for message in arrived:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.UserProperty = list(message.properties)
            properties.CorrelationData = message.correlation
            sent.append(
                self._client.publish(message.topic, message.payload, 1, properties=properties)
            )
        for info in sent:
            info.wait_for_publish(20)

    def receipts(self, reading_id: UUID) -> list[str]:
        """Return what the ward made of a reading, each time that it came."""
        with self._lock:
            return list(self._receipts.get(reading_id, ()))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _receipt(self, client: Client, given: object, message: MQTTMessage) -> None:
        given_now = Receipts.model_validate_json(message.payload).receipts
        with self._lock:
            for receipt in given_now:
                self._receipts.setdefault(receipt.reading_id, []).append(str(receipt.outcome))


@dataclass
class Ward:
    """A ward of short windows with its homes, and clinicians who act over HTTP."""

    house: House
    clock: Clock
    homes: dict[str, Home] = field(default_factory=dict)
    stays: dict[str, UUID] = field(default_factory=dict)
    first_due: dict[str, datetime] = field(default_factory=dict)
    version: int = 101
    _tokens: dict[str, str] = field(default_factory=dict)
    _acts: int = 0
    _wire: Wire | None = None

    @classmethod
    def open(cls, house: House, began: datetime, gateways: list[str]) -> "Ward":
        """Start a ward whose clock shows `began` now: accounts and homes, and nobody in them."""
        pathways = house.folder / "pathways"
        short_pathway(pathways, cls.version, {})
        clock = demo_clock(real_clock().wall(), began, 1.0)
        house.more |= {VARIABLE: clock.word(), "HOMEWARD_PATHWAYS_DIR": str(pathways)}
        made = cls(house, clock)
        inside = a_ward(house.folder / "ward", pathways=pathways)
        for who in (NURSE, DOCTOR):
            add_account(inside, who, who.title(), PASSWORD)
        for gateway in gateways:
            made.homes[gateway] = Home(gateway, add_gateway(inside, gateway, clock.now()))
        engine_of(inside.sessions).dispose()
        house.start_ward()
        made._wire = Wire(house, gateways)
        return made

    @property
    def wire(self) -> Wire:
        assert self._wire
        return self._wire

    def close(self) -> None:
        self.wire.close()

    def comes_back_with(self, version: int, parameters: Mapping[str, float]) -> None:
        """SIGKILL the ward, and start it with a new version of its pathway."""
        self.house.kill_ward()
        short_pathway(self.house.folder / "pathways", version, parameters)
        self.version = version
        self.house.start_ward()

    def now(self) -> datetime:
        return self.clock.now()

    def admit(self, *gateways: str, **more: object) -> None:
        """Admit an invented person to each home, over HTTP; `more` is what is said of them."""
        for gateway in gateways:
            number = list(self.homes).index(gateway) + 1
            admission = an_admission(gateway, n=number).model_dump(mode="json") | more
            made = self.ask("POST", "/episodes", NURSE, 201, json=admission)
            self.stays[gateway] = UUID(made["episode_id"])
            self.first_due[gateway] = datetime.fromisoformat(made["first_due_at"])

    def sends(self, gateway: str, *readings: Reading) -> None:
        """Send readings from a home, over MQTT."""
        self.wire.send(*(self.homes[gateway].sends(reading) for reading in readings))

    def ask(
        self,
        method: str,
        path: str,
        who: str = NURSE,
        status: int = 200,
        *,
        version: int | None = None,
        json: object = None,
    ) -> Any:
        """Ask the ward as somebody who is signed in; an act carries the version that was seen."""
        if who not in self._tokens:
            given = {"username": who, "password": PASSWORD}
            answer = httpx.post(f"{self._base}/session", json=given)
            self._tokens[who] = answer.json()["token"]
        self._acts += 1
        headers = {
            "Authorization": f"Bearer {self._tokens[who]}",
            "Idempotency-Key": f"intention-{self._acts}",
        }
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        answer = httpx.request(method, self._base + path, headers=headers, json=json)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def line(self, gateway: str) -> Any:
        """Return somebody's line of the ward list."""
        patients = self.ask("GET", "/triage")["patients"]
        [line] = [p for p in patients if p["episode_id"] == str(self.stays[gateway])]
        return line

    def alerts(self, gateway: str, alert_class: str = "physiological") -> list[Any]:
        """Return the alerts of one class of a stay, newest first, each with its whole story."""
        alerts = self.ask("GET", f"/episodes/{self.stays[gateway]}/alerts")
        mine = [alert["id"] for alert in alerts if alert["alert_class"] == alert_class]
        return [self.ask("GET", f"/alerts/{id_}") for id_ in mine]

    def readings(self, gateway: str) -> Any:
        return self.ask("GET", f"/episodes/{self.stays[gateway]}/readings?limit=1000")

    def act(self, alert: Any, what: str, who: str = NURSE, status: int = 200, **given: Any) -> Any:
        """Let somebody act on an alert as they see it."""
        path = f"/alerts/{alert['id']}/{what}"
        return self.ask("POST", path, who, status, version=alert["version"], json=given)

    @property
    def _base(self) -> str:
        assert self.house.ward
        return f"http://127.0.0.1:{self.house.ward.port}"


def eventually(found: Callable[[], Any], seconds: float = 15) -> Any:
    """Return what `found` returns as soon as it is true, and fail after so many seconds."""
    until = monotonic() + seconds
    while not (value := found()):
        assert monotonic() < until, f"not within {seconds} s"
        sleep(0.1)
    return value


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def said(alert: Any) -> str:
    """Return an alert as it is shown when a test fails."""
    return json.dumps(alert, indent=1)
