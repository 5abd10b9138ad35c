"""Commit, then receipt, then acknowledgement: over a real broker, with a ward that we wrote."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from threading import Event, Thread
from time import monotonic, sleep
from uuid import UUID

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.factories import NOON, Home, a_reading
from tests.services import Broker
from ward_service.contract.envelope import Envelope
from ward_service.contract.messages import BASE_TOPIC, Receipt, Receipts, topic
from ward_service.contract.vocabulary import Outcome
from ward_service.errors import StorageDownError
from ward_service.homes.wire import Wire
from ward_service.ingest import subscriber
from ward_service.ingest.message import ArrivedMessage
from ward_service.settings import Settings

KEY = b"k" * 32


Deliver = Callable[[Wire, datetime], None]


class FakeWard:
    """Keeps what it is given; breaks when told to."""

    def __init__(self) -> None:
        self.batches: list[list[ArrivedMessage]] = []
        self.breaks_with: Exception | None = None
        self.tried = 0
        self.beats = 0
        self.kept = threading.Condition()

    def commit(self, batch: Sequence[ArrivedMessage]) -> list[tuple[str, Receipt]]:
        self.tried += 1
        if self.breaks_with is not None:
            raise self.breaks_with
        with self.kept:
            self.batches.append(list(batch))
            self.kept.notify_all()
        return [
            ("home-01", Receipt(reading_id=UUID(bytes=m.correlation), outcome=Outcome.KEPT))
            for m in batch
        ]

    def readings(self) -> list[bytes]:
        return [message.correlation for batch in self.batches for message in batch]

    def wait_for(self, count: int) -> None:
        with self.kept:
            assert self.kept.wait_for(lambda: len(self.readings()) >= count, 20), self.readings()

    def beat(self) -> None:
        self.beats += 1


class Running:
    """The real subscriber in a thread; `stop` ends it as SIGTERM would."""

    def __init__(
        self,
        broker: Broker,
        ward: FakeWard,
        deliver: Deliver | None = None,
        base: str = BASE_TOPIC,
    ) -> None:
        self.stop_it = Event()
        self.thread = Thread(target=self._run, args=(broker, ward, deliver, base))
        self.thread.start()

    def _run(self, broker: Broker, ward: FakeWard, deliver: Deliver | None, base: str) -> None:
        def now() -> datetime:
            return NOON

        subscriber.run(
            settings=Settings(broker_port=broker.port, base_topic=base, use="demo"),
            commit=ward.commit,
            key_of=lambda _: KEY,
            beat=ward.beat,
            now=now,
            stop=self.stop_it,
            deliver=deliver,
        )

    def stop(self) -> None:
        self.stop_it.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


class Sender:
    """A home's end of the wire: sends readings, hears receipts."""

    def __init__(self, broker: Broker) -> None:
        self.home = Home("home-01", KEY.hex())
        self.heard: list[MQTTMessage] = []
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = lambda _, __, message: self.heard.append(message)
        subscribed = Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_connect = lambda c, *_: c.subscribe(topic("home-01", "receipts"), 1)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        assert subscribed.wait(10)

    def send(self, count: int) -> list[bytes]:
        sent = [self.home.sends(a_reading()) for _ in range(count)]
        for message in sent:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.UserProperty = list(message.properties)
            properties.CorrelationData = message.correlation
            info = self._client.publish(message.topic, message.payload, 1, properties=properties)
            info.wait_for_publish(10)
        return [message.correlation for message in sent]

    def receipts(self) -> list[bytes]:
        whole = [Receipts.model_validate_json(m.payload) for m in self.heard]
        return [receipt.reading_id.bytes for each in whole for receipt in each.receipts]

    def wait_for(self, count: int) -> None:
        until = monotonic() + 20
        while len(self.receipts()) < count:
            assert monotonic() < until, len(self.receipts())
            sleep(0.05)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def sender(broker: Broker) -> Iterator[Sender]:
    made = Sender(broker)
    yield made
    made.close()


def test_a_ward_with_a_base_topic_of_its_own_hears_and_answers_there_alone(
    broker: Broker,
) -> None:
    ward = FakeWard()
    running = Running(broker, ward, base="north/v1")
    _until(lambda: ward.beats > 0)
    heard: list[str] = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = lambda _, __, message: heard.append(message.topic)
    client.on_connect = lambda c, *_: c.subscribe("+/v1/+/receipts", 1)
    ready = Event()
    client.on_subscribe = lambda *_: ready.set()
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert ready.wait(10)
    for base in (BASE_TOPIC, "north/v1"):
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.CorrelationData = bytes([len(base)]) * 16
        name = topic("home-01", "readings", base=base)
        client.publish(name, b"{}", 1, properties=properties).wait_for_publish(10)
    _until(lambda: heard == ["north/v1/home-01/receipts"])
    running.stop()
    client.disconnect()
    client.loop_stop()
    assert ward.readings() == [bytes([len("north/v1")]) * 16]


def test_what_is_committed_is_receipted_in_order_and_signed(broker: Broker, sender: Sender) -> None:
    ward = FakeWard()
    running = Running(broker, ward)
    _until(lambda: ward.beats > 0)  # it beats only once messages can arrive
    sent = sender.send(50)
    sender.wait_for(50)
    running.stop()
    assert ward.readings() == sent
    assert sender.receipts() == sent
    for message in sender.heard:
        assert message.properties is not None
        properties = vars(message.properties)["UserProperty"]
        Envelope.read(message.topic, properties, b"", bytes(message.payload), KEY)


def test_when_storage_is_down_nothing_is_promised_and_nothing_is_lost(
    broker: Broker, sender: Sender
) -> None:
    ward = FakeWard()
    ward.breaks_with = StorageDownError("down")
    running = Running(broker, ward)
    _until(lambda: ward.beats > 0)
    sent = sender.send(5)
    _until(lambda: ward.tried >= 3)
    assert sender.receipts() == []
    ward.breaks_with = None
    sender.wait_for(5)
    running.stop()
    assert ward.readings() == sent


def test_what_was_not_acknowledged_comes_again_to_the_next_process(
    broker: Broker, sender: Sender
) -> None:
    first = FakeWard()
    first.breaks_with = StorageDownError("down")
    running = Running(broker, first)
    _until(lambda: first.beats > 0)
    sent = sender.send(7)
    _until(lambda: first.tried > 0)
    running.stop()
    second = FakeWard()
    running = Running(broker, second)
    second.wait_for(7)
    running.stop()
    assert sorted(second.readings()) == sorted(sent)
    third = FakeWard()
    running = Running(broker, third)
    _until(lambda: third.beats > 0)
    sleep(0.5)
    running.stop()
    assert third.readings() == []  # acknowledged: the broker has forgotten them


def test_what_breaks_our_code_blocks_nobody_and_gets_no_receipt(
    broker: Broker, sender: Sender
) -> None:
    ward = FakeWard()
    ward.breaks_with = KeyError("Ann Smith")
    running = Running(broker, ward)
    _until(lambda: ward.beats > 0)
    sender.send(1)
    _until(lambda: ward.tried > 0)
    ward.breaks_with = None
    after = sender.send(3)
    sender.wait_for(3)
    running.stop()
    assert sender.receipts() == after


def test_a_broker_that_dies_and_forgets_is_found_again(broker: Broker, sender: Sender) -> None:
    ward = FakeWard()
    running = Running(broker, ward)
    _until(lambda: ward.beats > 0)
    sender.send(3)
    ward.wait_for(3)
    broker.kill()
    broker.wipe()
    broker.start()
    until = monotonic() + 30
    while len(ward.readings()) < 4 and monotonic() < until:
        again = Sender(broker)  # its first try may come before the ward is back
        again.send(1)
        sleep(0.5)
        again.close()
    running.stop()
    assert len(ward.readings()) >= 4


def test_what_is_due_besides_receipts_is_delivered_and_when_it_breaks_readings_go_on(
    broker: Broker, sender: Sender
) -> None:
    delivered: list[datetime] = []

    def deliver(wire: Wire, now: datetime) -> None:
        delivered.append(now)
        if len(delivered) == 1:
            raise KeyError("Ann Smith")

    ward = FakeWard()
    running = Running(broker, ward, deliver)
    _until(lambda: len(delivered) >= 2)
    sent = sender.send(3)
    sender.wait_for(3)
    running.stop()
    assert sender.receipts() == sent
    assert delivered[0] == NOON


def test_a_ward_without_a_broker_does_not_look_well_and_stops_when_asked(broker: Broker) -> None:
    broker.kill()
    ward = FakeWard()
    running = Running(broker, ward)
    sleep(1.5)
    running.stop()
    assert ward.beats == 0


def _until(true: object) -> None:
    assert callable(true)
    end = monotonic() + 20
    while not true():
        assert monotonic() < end
        sleep(0.02)
