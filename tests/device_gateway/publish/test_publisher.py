import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device_gateway.capture.capture import Capture
from device_gateway.decode import plx
from device_gateway.decode.plx import CONTINUOUS, Pair, PlxFrame
from device_gateway.home import Home
from device_gateway.publish.connection import Pace
from device_gateway.spool.records import NOBODY, Outgoing
from device_gateway.spool.spool import ENVELOPE_ROOM
from device_gateway.street import Street
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.factories import a_reading
from tests.fakes.playback import take_frames
from tests.fakes.ward_peer import WardPeer, eventually
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.ids import new_id
from ward_service.contract.messages import MAX_PAYLOAD, Receipt
from ward_service.contract.vocabulary import Outcome, Vital

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEYS = {a_place(n).gateway: a_place(n).key for n in (1, 2, 3)}
QUICK = Pace(resend_after_s=0.4, reconnect_max_s=1)
PATIENT = Pace(resend_after_s=600, reconnect_max_s=1)


@contextmanager
def a_home(broker: BrokerProcess, folder: Path, pace: Pace = QUICK) -> Iterator[Home]:
    with Street([a_place(1)], broker.place, folder / "spools", real_clock(), pace) as street:
        yield street.homes[0]


def take(home: Home, spo2: int = 97, at: datetime = NOON) -> None:
    take_frames(home, [Capture(CONTINUOUS, plx.encode(CONTINUOUS, PlxFrame(Pair(spo2, 72))), at)])


def values(ward: WardPeer) -> list[float]:
    return [
        next(o.value for o in reading.observations if o.vital is Vital.SPO2)
        for _, reading in ward.kept.values()
    ]


def test_a_frame_reaches_the_ward_in_its_envelope_and_leaves_the_spool(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path) as home:
        take(home, 91)
        assert eventually(lambda: home.spool.depth() == 0 and len(ward.kept) == 1)
        [arrived] = ward.arrived
        [(gateway, reading)] = ward.kept.values()
        assert gateway == "home-01"
        assert values(ward) == [91]
        assert reading.measured_at == NOON
        envelope = arrived.envelope
        assert (envelope.slot, envelope.stream, envelope.seq) == (1, home.spool.stream, 1)
        assert envelope.reading_id == reading.reading_id
        assert arrived.content_type == "application/json"
        assert abs(envelope.sent_at - real_clock().now()) < timedelta(minutes=1)
        assert ward.refused == []


def test_a_reading_goes_out_in_its_slot_in_the_homes_first_or_in_nobodys(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path) as home:
        for slot in (None, 2, NOBODY):
            entry = Outgoing(new_id(NOON), NOON, a_reading(97).model_dump_json().encode(), slot)
            take_frames(home, [entry])
        assert eventually(lambda: len(ward.arrived) == 3)
        # By number: what was taken before the connection is a backlog, and is overtaken.
        sent = sorted((arrived.envelope for arrived in ward.arrived), key=lambda it: it.seq or 0)
        assert [envelope.slot for envelope in sent] == [1, 2, None]


def test_without_a_receipt_a_reading_stays_and_is_sent_again_as_the_same(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with (
        WardPeer(broker.port, KEYS, answers=False) as ward,
        a_home(broker, tmp_path) as home,
    ):
        take(home)
        assert eventually(lambda: len(ward.arrived) >= 3)
        assert {arrived.envelope.reading_id for arrived in ward.arrived} == set(ward.kept)
        assert {arrived.envelope.seq for arrived in ward.arrived} == {1}
        assert home.spool.depth() == 1
        ward.answers = True
        assert eventually(lambda: home.spool.depth() == 0)


def test_a_forged_receipt_deletes_nothing(broker: BrokerProcess, tmp_path: Path) -> None:
    with (
        WardPeer(broker.port, KEYS, answers=False) as ward,
        a_home(broker, tmp_path, PATIENT) as home,
    ):
        take(home)
        assert eventually(lambda: len(ward.kept) == 1)
        [id_] = ward.kept
        true = Receipt(reading_id=id_, outcome=Outcome.KEPT)
        ward.answer("home-01", (true,), key=b"\x02" * 32)  # another gateway's key
        ward.client.publish("homeward/v1/home-01/receipts", b'{"receipts": []}', qos=1)  # unsigned
        ward.client.publish("homeward/v1/home-01/receipts", b"\xff", qos=1)
        stranger = Receipt(reading_id=new_id(NOON), outcome=Outcome.KEPT)
        ward.answer("home-01", (stranger,))  # properly signed, for nothing that we hold
        time.sleep(0.5)
        assert home.spool.depth() == 1
        ward.answer("home-01", (true,))  # and none of that has broken the connection
        assert eventually(lambda: home.spool.depth() == 0)


def test_quarantined_readings_leave_with_their_reason_and_block_nothing(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path) as home:
        take_frames(home, [Outgoing(new_id(NOON), NOON, b"\xff not JSON")])
        take(home, 96)
        assert eventually(lambda: home.spool.depth() == 0)
        assert values(ward) == [96]
        [row] = home.spool.drawer()
        assert (row.origin, row.reason, row.payload) == ("ward", "no reading", b"\xff not JSON")


def test_what_was_taken_with_no_broker_goes_out_when_there_is_one(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    broker.kill()
    with a_home(broker, tmp_path) as home:
        for n in range(50):
            take(home, 50 + n)
        assert home.spool.depth() == 50
        broker.start()
        with WardPeer(broker.port, KEYS) as ward:
            assert eventually(lambda: home.spool.depth() == 0)
            assert values(ward) == [50 + n for n in range(50)]  # in the order taken


def test_a_dying_broker_loses_nothing_though_it_keeps_nothing(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path, PATIENT) as home:
        for life in range(3):
            for n in range(100):
                take(home, at=NOON + timedelta(seconds=100 * life + n))
            broker.kill()
            for n in range(100):
                take(home, at=NOON + timedelta(days=1, seconds=100 * life + n))
            broker.start()
        assert eventually(lambda: home.spool.depth() == 0, within_s=30)
        assert len(ward.kept) == 600
        moments = {reading.measured_at for _, reading in ward.kept.values()}
        assert len(moments) == 600


def test_a_ward_that_comes_late_is_not_given_up_on(broker: BrokerProcess, tmp_path: Path) -> None:
    with a_home(broker, tmp_path, PATIENT) as home:
        take(home)
        time.sleep(0.5)  # the broker has told us by now that nobody listens
        assert home.spool.depth() == 1
        with WardPeer(broker.port, KEYS):
            assert eventually(lambda: home.spool.depth() == 0)


def test_a_backlog_is_sent_within_the_window_of_the_broker(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    broker.kill()
    narrow = broker.config.read_text().replace("inflight_messages 1000", "inflight_messages 5")
    broker.config.write_text(narrow)
    broker.start()
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path) as home:
        frame = plx.encode(CONTINUOUS, PlxFrame(Pair(97, 72)))
        at = [NOON + timedelta(seconds=n) for n in range(2_000)]
        take_frames(home, [Capture(CONTINUOUS, frame, moment) for moment in at])
        assert eventually(lambda: home.spool.depth() == 0, within_s=40)
        assert len(ward.kept) == 2_000
        assert "receive maximum" not in broker.log.read_text().lower()


def test_the_status_is_retained_and_tells_what_waits(broker: BrokerProcess, tmp_path: Path) -> None:
    with a_home(broker, tmp_path, PATIENT) as home:
        take(home, at=NOON)
        take(home, at=NOON + timedelta(minutes=1))
        stream = home.spool.stream
        assert eventually(lambda: home.publisher._connection.up)  # or there is nothing to leave
    with WardPeer(broker.port, KEYS) as ward:  # it comes afterwards: the broker has kept it
        assert eventually(lambda: len(ward.statuses) == 1)
        [(gateway, status)] = ward.statuses
        assert gateway == "home-01"
        assert (status.online, status.stream, status.next_seq) == (False, stream, 3)
        assert (status.spool_depth, status.oldest_at) == (2, NOON)
        with a_home(broker, tmp_path):
            assert eventually(lambda: any(status.online for _, status in ward.statuses))


DYING = """
import sys, time
from pathlib import Path
from device_gateway.config.homes_file import Broker
from device_gateway.street import Street
from tests.device_gateway.conftest import a_place
from ward_service.contract.clock import real_clock
broker = Broker(host="127.0.0.1", port=int(sys.argv[1]))
with Street([a_place(1)], broker, Path(sys.argv[2]), real_clock()):
    time.sleep(60)
"""


def test_the_broker_says_it_when_a_home_dies(broker: BrokerProcess, tmp_path: Path) -> None:
    with WardPeer(broker.port, KEYS) as ward:
        root = Path(__file__).parents[3]
        home = subprocess.Popen(
            [sys.executable, "-c", DYING, str(broker.port), str(tmp_path)], cwd=root
        )
        try:
            assert eventually(lambda: any(status.online for _, status in ward.statuses))
        finally:
            home.kill()
            home.wait()
        assert eventually(lambda: bool(ward.statuses) and not ward.statuses[-1][1].online)
        offline = ward.statuses[-1][1]
        assert offline.model_dump(exclude_defaults=True) == {"online": False}
        assert ward.refused == []  # the will is signed too


def test_status_follows_the_ward_clock(broker: BrokerProcess, tmp_path: Path) -> None:
    clock = demo_clock(real_clock().now(), NOON, 120)
    with (
        WardPeer(broker.port, KEYS) as ward,
        Street([a_place(1)], broker.place, tmp_path, clock, QUICK),
    ):
        assert eventually(lambda: len(ward.statuses) >= 3, within_s=6)
        for _, status in ward.statuses:
            assert status.sent_at is not None
            assert NOON <= status.sent_at < NOON + timedelta(hours=1)


def test_homes_do_not_wait_for_each_other(broker: BrokerProcess, tmp_path: Path) -> None:
    places = [a_place(n) for n in (1, 2, 3)]
    with (
        WardPeer(
            broker.port, {name: key for name, key in KEYS.items() if name != "home-02"}
        ) as ward,
        Street(places, broker.place, tmp_path, real_clock(), QUICK) as street,
    ):
        for home in street.homes:
            take(home)
        assert eventually(lambda: [h.spool.depth() for h in street.homes] == [0, 1, 0])
        assert ward.counts() == {"home-01": 1, "home-03": 1}


def test_the_largest_payload_that_the_spool_takes_passes_the_broker(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    with WardPeer(broker.port, KEYS) as ward, a_home(broker, tmp_path) as home:
        take_frames(home, [Outgoing(new_id(NOON), NOON, b"x" * (MAX_PAYLOAD - ENVELOPE_ROOM))])
        assert eventually(lambda: home.spool.depth() == 0)
        assert len(ward.quarantined) == 1
