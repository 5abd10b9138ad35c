"""Plans from a real broker to a home: each must carry the mac of its gateway, as the wire asks."""

import threading
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from device_gateway.home import Home
from tests.services import Broker
from ward_service.contract.clock import real_clock
from ward_service.contract.envelope import Envelope, EnvelopeError
from ward_service.contract.messages import topic


class PlanWire:
    """`with PlanWire(broker, home):` hands the home every plan that carries its gateway's mac."""

    def __init__(self, broker: Broker, home: Home) -> None:
        self._broker, self._home = broker, home
        self.refused = 0
        self.sent: list[MQTTMessage] = []

    def __enter__(self) -> Self:
        subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, "plan-wire", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.reconnect_delay_set(1, 1)
        place = topic(self._home.place.gateway, "plans")
        self._client.on_connect = lambda client, *_: client.subscribe(f"{place}/+", 1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._hear
        self._client.connect_async(self._broker.host, self._broker.port)
        self._client.loop_start()
        assert subscribed.wait(10)
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _: Client, __: Any, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        properties = getattr(message.properties, "UserProperty", [])
        try:
            Envelope.read(message.topic, properties, b"", payload, self._home.place.key)
        except EnvelopeError:
            self.refused += 1
            return
        self.sent.append(message)
        slot = int(message.topic.rpartition("/")[2])
        self._home.adviser.take_plan(slot, payload, real_clock().now())
