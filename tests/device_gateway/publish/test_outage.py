"""Hours without a broker, then hours without a ward, on a clock that runs faster than life."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from device_gateway.capture.capture import Capture
from device_gateway.decode import plx
from device_gateway.decode.plx import CONTINUOUS, Pair, PlxFrame
from device_gateway.playback.scheduler import Due, Part, oximeter, play
from device_gateway.publish.connection import Pace
from device_gateway.street import Street
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.fakes.ward_peer import WardPeer, eventually
from ward_service.contract.clock import demo_clock, real_clock

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = {a_place(1).gateway: a_place(1).key}
SPEED = 14_400.0  # four hours a second
EVERY = timedelta(minutes=5)


def test_eight_hours_without_a_broker_and_eight_without_a_ward_lose_nothing(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    clock = demo_clock(real_clock().now(), NOON, SPEED)
    pace = Pace(resend_after_s=2, reconnect_max_s=1)
    frames = [
        Capture(
            CONTINUOUS, plx.encode(CONTINUOUS, PlxFrame(Pair(90 + n % 9, 72))), NOON + n * EVERY
        )
        for n in range(192)
    ]
    first, second = frames[:96], frames[96:]
    broker.kill()
    with Street([a_place(1)], broker.place, tmp_path, clock, pace) as street:
        home = street.homes[0]

        def live(some: list[Capture]) -> None:
            dues = iter([Due(frame.at, frame) for frame in some])
            play([Part(home, oximeter(home.place), "finger", NOON, 0, dues)], clock, Event())

        live(first)
        assert clock.now() - NOON > timedelta(hours=7)
        assert home.spool.depth() == 96
        broker.start()
        live(second)  # the broker is there; the ward is not
        assert home.spool.depth() == 192
        assert home.spool.oldest_at() == NOON
        with WardPeer(broker.port, KEYS) as ward:
            assert eventually(lambda: home.spool.depth() == 0)
            seen = [reading.measured_at for _, reading in ward.kept.values()]
            assert sorted(seen) == [frame.at for frame in frames]
            late = [arrived.envelope.sent_at for arrived in ward.arrived]
            assert min(late) - NOON > timedelta(hours=14)  # it says when it was sent
