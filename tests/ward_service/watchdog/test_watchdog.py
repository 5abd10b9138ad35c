"""The watchdog: what it notices, how soon, whom it rings, and what is said when it is silent."""

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.factories import NOON
from tests.fakes.doors import Post, WebhookReceiver
from tests.services import Broker, PostgreSQL, WardProcess
from tests.ward_service.notify.desk import Desk
from ward_service.api.health import health
from ward_service.contract.clock import real_clock
from ward_service.contract.vocabulary import Channel
from ward_service.errors import NotifyError, WardError
from ward_service.notify.notifier import OutgoingMessage
from ward_service.settings import Settings
from ward_service.watchdog.health import Fault, troubles
from ward_service.watchdog.heartbeat import last_look, leave, silent
from ward_service.watchdog.ringer import Operator, Ringer, operators
from ward_service.watchdog.watch import NO_ANSWER, Watch, run_watchdog

LIMIT_S = 3.0
WORKER, OUTBOX = Fault("stage:worker", "Nobody watches"), Fault("outbox", "Nobody sends")


# --- what it notices


def kinds(desk: Desk, *, beating: bool = True) -> list[str]:
    with desk.ward.unit_of_work() as store:
        if beating:
            for stage in ("ingest", "worker", "notify"):
                store.runtime.beat(stage, desk.clock.at, desk.clock.at)
        return [trouble.kind for trouble in troubles(store, desk.ward.clock)]


def test_a_stage_that_does_not_work_is_noticed(desk: Desk) -> None:
    assert kinds(desk, beating=False) == ["stage:ingest", "stage:worker", "stage:notify"]
    assert kinds(desk) == []
    desk.clock.moves(15)
    assert kinds(desk, beating=False) == []
    desk.clock.moves(0.1)
    assert kinds(desk, beating=False) == ["stage:ingest", "stage:worker", "stage:notify"]


def test_a_ladder_that_nobody_climbs_is_noticed_and_one_that_was_answered_is_not(
    desk: Desk,
) -> None:
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    alert_id = desk.red()
    desk.sends()
    desk.clock.moves(15 * 60 + 60)
    assert kinds(desk) == []
    desk.clock.moves(1)
    assert kinds(desk) == ["ladder"]
    desk.answers(alert_id)
    assert kinds(desk) == []
    desk.sends()
    desk.clock.moves(16 * 60 + 1)  # the next step would have been due
    assert kinds(desk) == []


def test_in_a_fast_demo_a_ladder_is_stuck_by_real_time(desk: Desk) -> None:
    desk.on_the_roster("ward_nurse", Channel.SCREEN)
    desk.red()
    desk.sends()
    desk.clock.speed = 60
    desk.clock.moves(15 * 60 + 3_600)
    assert kinds(desk) == []
    desk.clock.moves(1)
    assert kinds(desk) == ["ladder"]


def test_messages_that_nobody_takes_are_noticed_and_those_under_way_are_not(
    desk: Desk, receiver: WebhookReceiver
) -> None:
    receiver.answer = lambda _: 500
    desk.on_the_roster("ward_nurse", Channel.WEBHOOK, receiver.url)
    desk.red()
    desk.clock.moves(60)
    assert kinds(desk) == []
    desk.clock.moves(1)
    assert kinds(desk) == ["outbox"]
    desk.claims()  # by a sender that dies
    desk.clock.moves(4 + 60)
    assert kinds(desk) == []
    desk.clock.moves(1)
    assert kinds(desk) == ["outbox"]
    for wait in (0, 5, 15):
        desk.clock.moves(wait)
        desk.sends()
        assert kinds(desk) == []


# --- whom it rings, and when


class Phone:
    """An operator's telephone."""

    timeout_s = 1.0

    def __init__(self) -> None:
        self.rung: list[OutgoingMessage] = []
        self.broken = False

    def send(self, message: OutgoingMessage) -> None:
        if self.broken:
            raise NotifyError("engaged", permanent=False)
        self.rung.append(message)


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def at_seconds(phone: Phone) -> Callable[..., int]:
    """Step a ringer that says again after 300 s, and calls well what was well for 15 s."""
    ringer = Ringer(
        [Operator(Channel.WEBHOOK, "somewhere", phone)],
        timedelta(seconds=300),
        timedelta(seconds=15),
    )

    def step(seconds: float, *found: Fault) -> int:
        ringer.step(found, NOON + timedelta(seconds=seconds))
        return len(phone.rung)

    return step


def test_it_rings_once_then_again_until_all_is_well_and_then_says_so(
    phone: Phone, at_seconds: Callable[..., int]
) -> None:
    assert at_seconds(0) == 0
    assert at_seconds(1, WORKER) == 1
    assert at_seconds(300, WORKER) == 1
    assert at_seconds(301, WORKER) == 2
    assert at_seconds(305.9, WORKER, OUTBOX) == 2
    assert at_seconds(306, WORKER, OUTBOX) == 3  # something new, and not one ring on another
    assert at_seconds(312, OUTBOX) == 3
    assert at_seconds(326.9) == 3
    assert at_seconds(327) == 4
    assert at_seconds(900) == 4
    assert phone.rung[0].text == "Nobody watches. It began at 12:00:01 UTC."
    assert phone.rung[3].subject == "Homeward: the ward is well again"
    assert len({message.key for message in phone.rung}) == 4


def test_what_comes_and_goes_is_one_trouble(at_seconds: Callable[..., int]) -> None:
    for seconds in range(0, 60, 10):
        at_seconds(seconds, WORKER)
        assert at_seconds(seconds + 5) == 1


def test_a_ring_that_nobody_took_is_tried_again_under_the_same_key(
    phone: Phone, at_seconds: Callable[..., int]
) -> None:
    phone.broken = True
    assert at_seconds(0, WORKER) == 0
    phone.broken = False
    assert at_seconds(4.9, WORKER) == 0
    assert at_seconds(5, WORKER) == 1
    assert phone.rung[0].key == f"watchdog:{NOON.isoformat()}:0"
    assert at_seconds(6, WORKER) == 1


def test_what_was_over_before_anybody_could_be_told_is_not_called_over(
    phone: Phone, at_seconds: Callable[..., int]
) -> None:
    phone.broken = True
    at_seconds(0, WORKER)
    phone.broken = False
    assert at_seconds(20) == 0
    assert at_seconds(21, WORKER) == 1
    assert "12:00:21" in phone.rung[0].text


def test_an_operator_by_a_channel_that_is_not_set_up_is_refused_in_a_sentence(
    tmp_path: Path, secret_file: Path
) -> None:
    assert operators(Settings(data_dir=tmp_path)) == []
    with pytest.raises(WardError, match="HOMEWARD_OPERATOR_EMAIL is set, but email is not set up"):
        operators(Settings(data_dir=tmp_path, operator_email="op@anytown.example"))
    [found] = operators(
        Settings(
            data_dir=tmp_path,
            webhook_secret_file=secret_file,
            operator_webhook="https://pager.anytown.example",
        )
    )
    assert found.channel is Channel.WEBHOOK


# --- its own heartbeat


def test_a_watchdog_that_was_started_here_and_is_silent_is_said(desk: Desk) -> None:
    file = desk.ward.settings.watchdog_file

    def said() -> tuple[bool, str]:
        assert kinds(desk) == []
        with desk.ward.unit_of_work(read_only=True) as store:
            found = health(desk.ward, store)
        assert found.watchdog_at == last_look(file)
        return found.well, found.words

    assert said() == (True, "")
    leave(file, desk.clock.at)
    desk.clock.moves(15)
    assert said() == (True, "")
    desk.clock.moves(1)
    assert said() == (False, "The watchdog is silent: nobody is rung when the ward fails")
    leave(file, desk.clock.at)
    assert said() == (True, "")
    assert list(file.parent.glob(".watchdog-*")) == []


def test_half_a_heartbeat_is_none(tmp_path: Path) -> None:
    (tmp_path / "watchdog").write_text("2026-11")
    assert last_look(tmp_path / "watchdog") is None
    assert silent(NOON, NOON + timedelta(seconds=16))


# --- a database that does not answer


@pytest.fixture
def deaf() -> Iterator[str]:
    """Something that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"postgresql://ward@127.0.0.1:{listener.getsockname()[1]}/ward"


@pytest.mark.parametrize("how", ["absent", "deaf", "refusing"])
def test_a_database_that_does_not_answer_is_noticed_and_holds_nothing_up(
    tmp_path: Path, deaf: str, how: str
) -> None:
    url = {
        "absent": f"sqlite:///{tmp_path / 'nowhere.db'}",
        "deaf": deaf,
        "refusing": "postgresql://ward@127.0.0.1:1/ward",
    }[how]
    settings = Settings(data_dir=tmp_path, database_url=url, watchdog_limit_s=2)
    watch, began = Watch(settings, real_clock()), time.monotonic()
    while not watch.found and time.monotonic() - began < 5:
        watch.judge(real_clock().wall())
        time.sleep(0.05)
    watch.leave()
    assert watch.found == [NO_ANSWER]
    assert 1.9 < time.monotonic() - began < 3
    assert not (tmp_path / "nowhere.db").exists()


def test_it_beats_while_its_operator_cannot_be_reached(
    tmp_path: Path, secret_file: Path, receiver: WebhookReceiver
) -> None:
    receiver.gate.clear()
    settings = Settings(
        data_dir=tmp_path,
        watchdog_limit_s=2,
        webhook_secret_file=secret_file,
        webhook_timeout_s=10,
        operator_webhook=receiver.url,
    )
    stop = Event()
    thread = Thread(target=run_watchdog, args=(settings, real_clock(), stop))
    thread.start()
    time.sleep(4.5)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    looked = last_look(settings.watchdog_file)
    assert looked
    assert real_clock().wall() - looked < timedelta(seconds=2)
    receiver.gate.set()
    assert "does not answer" in receiver.wait_for(1)[0].body.decode()


# --- real processes: docs/reference/brokers-and-databases.md#faults, R17: 2.5 s for a limit of 3 s


@pytest.fixture
def started() -> Iterator[list[WardProcess]]:
    processes: list[WardProcess] = []
    yield processes
    for process in processes:
        if process.process.poll() is None:
            process.process.send_signal(signal.SIGCONT)
            process.end(signal.SIGKILL)


def words(post: Post) -> str:
    return str(json.loads(post.body)["text"])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_stage_that_is_frozen_or_killed_is_noticed_in_time(
    tmp_path: Path,
    broker: Broker,
    receiver: WebhookReceiver,
    secret_file: Path,
    started: list[WardProcess],
    request: pytest.FixtureRequest,
    kind: str,
) -> None:
    more = {
        "HOMEWARD_OPERATOR_WEBHOOK": receiver.url,
        "HOMEWARD_WEBHOOK_SECRET_FILE": str(secret_file),
        "HOMEWARD_WATCHDOG_LIMIT_S": str(LIMIT_S),
    }
    if kind == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgres_server")
        url = server.new_database()
        request.addfinalizer(lambda: server.drop_database(url))
        more["HOMEWARD_DATABASE_URL"] = url
        started.append(WardProcess(tmp_path, broker, "api", more=more).answers())
        for role in ("ingest", "worker"):
            started.append(WardProcess(tmp_path, broker, role, more=more))
    else:
        started.append(WardProcess(tmp_path, broker, more=more).answers())
    asked, victim = started[0], started[-1]
    end = time.monotonic() + 20
    while not asked.health()["well"] and time.monotonic() < end:
        time.sleep(0.1)
    started.append(WardProcess(tmp_path, broker, "watchdog", more=more))
    while not asked.health()["watchdog_at"] and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(LIMIT_S + 1)
    assert receiver.posts == []  # a healthy ward rings nobody

    def wait_for(what: str) -> Post:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for post in receiver.posts:
                if what in words(post):
                    return post
            time.sleep(0.02)
        raise AssertionError(what, [words(post) for post in receiver.posts])

    noticed = {}
    for how in (signal.SIGSTOP, signal.SIGKILL):
        receiver.posts.clear()
        began = time.time()
        victim.process.send_signal(how)
        noticed[how.name] = wait_for("The ward is not").at - began
        wait_for("not watching for silence. The ward is not sending messages")
        if how is signal.SIGSTOP:
            victim.process.send_signal(signal.SIGCONT)
            wait_for("What was wrong is over")
    print(f"{kind}: " + ", ".join(f"{how} after {s:.2f} s" for how, s in noticed.items()))
    assert all(seconds <= LIMIT_S + 1 for seconds in noticed.values())
    if kind == "postgresql":
        assert "not receiving readings" not in " ".join(words(post) for post in receiver.posts)
    assert started[-1].end(signal.SIGTERM) == 0
