"""How fast a reading becomes a kept, assessed, receipted one: `python -m tests.benchmarks.ingest`.

Three figures of one run on one machine, and their ratios, because absolute numbers move with the
machine: what a bare paho consumer decodes, what a bare bulk insert writes, and what the ward
commits with assessment and receipts. Then milliseconds from publish to visible in the API.
Never a timed assertion: it prints.
"""

import gc
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import httpx2 as httpx
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.factories import Home, a_reading, a_ward, an_admission
from tests.journeys.house import CLINICIAN, PASSWORD, House
from tests.services import Broker, PostgreSQL, newest_postgresql
from ward_service.contract.clock import real_clock
from ward_service.contract.messages import Receipt
from ward_service.enrolment.enrolment import add_gateway
from ward_service.ingest import subscriber
from ward_service.ingest.connection import CLIENT_ID
from ward_service.ingest.message import ArrivedMessage
from ward_service.pipeline import dispatch_batch
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.ward import Ward

READINGS = 20_000
HOMES = 20
LATENCIES = 200
TOPIC = "homeward/v1/+/readings"


def a_client(client_id: str, *, manual_ack: bool = False) -> Client:
    return Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=manual_ack,
    )


def session() -> Properties:
    kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    kept.SessionExpiryInterval = 3_600
    kept.ReceiveMaximum = 1_000
    return kept


def leave_backlog(broker: Broker, client_id: str, messages: list[ArrivedMessage]) -> None:
    """Let the broker hold messages for a consumer that is away."""
    away, subscribed = a_client(client_id), Event()
    away.on_connect = lambda c, *_: c.subscribe(TOPIC, 1)
    away.on_subscribe = lambda *_: subscribed.set()
    away.connect(broker.host, broker.port, clean_start=False, properties=session())
    away.loop_start()
    subscribed.wait(10)
    away.disconnect()
    away.loop_stop()
    sender = a_client("sender")
    sender.connect(broker.host, broker.port)
    sender.loop_start()
    last = None
    for message in messages:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = list(message.properties)
        properties.CorrelationData = message.correlation
        last = sender.publish(message.topic, message.payload, 1, properties=properties)
    assert last
    last.wait_for_publish(60)
    sender.disconnect()
    sender.loop_stop()


def bare_consumer(broker: Broker, messages: list[ArrivedMessage]) -> float:
    """Readings a second that paho hands over, envelope and all, and json decodes; nothing else."""
    leave_backlog(broker, "bare", messages)
    seen, moments, done = 0, [0.0, 0.0], Event()

    def on_message(_: Client, __: object, message: MQTTMessage) -> None:
        nonlocal seen
        json.loads(message.payload)
        seen += 1
        if seen == 1:
            moments[0] = time.perf_counter()
        if seen == len(messages):
            moments[1] = time.perf_counter()
            done.set()

    client = a_client("bare")
    client.on_message = on_message
    client.connect(broker.host, broker.port, clean_start=False, properties=session())
    client.loop_start()
    done.wait(60)
    client.disconnect()
    client.loop_stop()
    return seen / (moments[1] - moments[0])


def bare_insert(folder: Path, count: int) -> float:
    """Rows a second that sqlite3 writes in batches of 500, durable, with 22 columns."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in ("journal_mode = wal", "synchronous = full"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"CREATE TABLE t ({', '.join(f'c{n}' for n in range(22))})")
    row = tuple(f"value {n}" for n in range(22))
    insert = f"INSERT INTO t VALUES ({', '.join('?' * 22)})"  # noqa: S608
    began = time.perf_counter()
    for _ in range(count // 500):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, [row] * 500)
        connection.execute("COMMIT")
    return count / (time.perf_counter() - began)


def the_ward(broker: Broker, ward: Ward, messages: list[ArrivedMessage]) -> float:
    """Readings a second committed, assessed and receipted by the real ingest."""
    leave_backlog(broker, CLIENT_ID, messages)
    kept, moments, stop = 0, [0.0, 0.0], Event()

    def commit(batch: list[ArrivedMessage]) -> list[tuple[str, Receipt]]:
        nonlocal kept
        if not moments[0]:
            moments[0] = time.perf_counter()
        receipts = dispatch_batch(ward, batch, ward.clock.now())
        kept += len(receipts)
        if kept >= len(messages):
            moments[1] = time.perf_counter()
            stop.set()
        return receipts

    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as run.py does
    settings = ward.settings.model_copy(update={"broker_port": broker.port})
    subscriber.run(
        settings=settings,
        commit=commit,  # type: ignore[arg-type]
        key_of=ward.key_of,
        beat=lambda: None,
        now=ward.clock.now,
        stop=stop,
    )
    return kept / (moments[1] - moments[0])


def made(ward: Ward, count: int) -> list[ArrivedMessage]:
    """Readings of twenty invented people, one a second each, every tenth one low."""
    began = real_clock().now() - timedelta(hours=1)
    homes = []
    for n in range(HOMES):
        homes.append(Home(f"home-{n:02d}", add_gateway(ward, f"home-{n:02d}", began)))
        admit(ward, an_admission(f"home-{n:02d}"), began)

    def reading(n: int) -> ArrivedMessage:
        at = began + timedelta(seconds=n / HOMES)
        return homes[n % HOMES].sends(a_reading(91 if n % 10 == 0 else 97, at=at))

    return [reading(n) for n in range(count)]


def publish_to_visible(folder: Path, broker: Broker) -> list[float]:
    """Milliseconds from publish until the API shows the reading, polled as fast as it answers."""
    house = House(folder, broker)
    now: Callable[[], datetime] = real_clock().now
    house.admit(["home-01"], now() - timedelta(hours=1))
    house.start_ward()
    assert house.ward
    base = f"http://127.0.0.1:{house.ward.port}"
    took = []
    with httpx.Client(base_url=base) as client:
        given = {"username": CLINICIAN, "password": PASSWORD}
        token = client.post("/session", json=given).json()["token"]
        headers = {"Authorization": f"Bearer {token}", "X-Homeward-Background": "1"}
        [line] = client.get("/triage", headers=headers).json()["patients"]
        url = f"/episodes/{line['episode_id']}/readings"
        home = Home("home-01", house.keys["home-01"])
        sender = a_client("sender")
        sender.connect(broker.host, broker.port)
        sender.loop_start()
        for n in range(LATENCIES):
            message = home.sends(a_reading(97, at=now()))
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.UserProperty = list(message.properties)
            properties.CorrelationData = message.correlation
            began = time.perf_counter()
            sender.publish(message.topic, message.payload, 1, properties=properties)
            while client.get(url, headers=headers, params={"last": 1}).json()["total"] <= n:
                pass
            took.append((time.perf_counter() - began) * 1_000)
        sender.disconnect()
        sender.loop_stop()
    house.end()
    return took


def say(what: str, rate: float, bare: float) -> None:
    print(f"{what:40s}{rate:9.0f} /s   {rate / bare:6.2f} of the bare consumer")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="homeward-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        broker = Broker(folder / "broker")
        broker.start()
        try:
            ward = a_ward(folder / "ward")
            messages = made(ward, READINGS)
            bare = bare_consumer(broker, messages)
            insert = bare_insert(folder, READINGS)
            say("bare paho consumer, JSON decoded", bare, bare)
            say("bare bulk insert, 22 columns, durable", insert, bare)
            rate = the_ward(broker, ward, messages)
            say("the ward on SQLite", rate, bare)
            if newest_postgresql() is not None:
                server = PostgreSQL()
                other = a_ward(folder / "other", server.new_database())
                rate = the_ward(broker, other, made(other, READINGS))
                say("the ward on PostgreSQL", rate, bare)
                engine_of(other.sessions).dispose()
                server.stop()
            gc.unfreeze()
            (folder / "house").mkdir()
            took = publish_to_visible(folder / "house", broker)
            cuts = statistics.quantiles(took, n=100)
            print(f"publish to visible in the API: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
        finally:
            broker.kill()


if __name__ == "__main__":
    main()
