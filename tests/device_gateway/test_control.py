"""Commands and the process that carries a home: asked by files, answered with its next tick."""

import json
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from device_gateway.control import AskingError, Question, answered, ask, desk_of
from device_gateway.home import Home
from tests.device_gateway.conftest import COMMAND, a_place
from tests.device_gateway.streams import HERS, SHARED, a_home, hears, sent
from ward_service.contract.clock import real_clock
from ward_service.contract.ids import short_reference

CLOCK = real_clock()


def question(**fields: object) -> Question:
    return Question.model_validate({"at": CLOCK.now(), **fields})


@contextmanager
def ticking(home: Home) -> Iterator[None]:
    """As `device-gateway run` does: a tick now and then, from a thread of its own."""
    ended = Event()

    def tick() -> None:
        while not ended.wait(0.05):
            home.tick(CLOCK.now())

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    place = a_place()
    written = {"gateway": place.gateway, "key": place.key.hex(), "slot": place.slot}
    path = tmp_path / "homes.json"
    broker = {"host": "127.0.0.1", "port": 1}
    path.write_text(json.dumps({"broker": broker, "homes": [written]}))
    path.chmod(0o600)
    return path


def in_one_minute() -> datetime:
    """Return a moment of now after which some seconds are still of one minute."""
    while CLOCK.now().second > 55:
        time.sleep(0.1)
    return CLOCK.now()


def command(homes: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    whole = [*COMMAND, *arguments, "--homes", str(homes), "--spool-dir", str(homes.parent)]
    return subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_reach_the_process_that_carries_the_home(tmp_path: Path, homes: Path) -> None:
    home = a_home(tmp_path)
    with ticking(home):
        assert command(homes, "whose").stdout == ""
        end = hears(home, [91] * 3, in_one_minute(), SHARED)
        home.parted(SHARED, end)
        listed = command(homes, "whose")
        assert (listed.returncode, listed.stderr) == (0, "")
        [line] = listed.stdout.splitlines()
        assert "SpO2 91 %" in line
        assert "slots 1, 2" in line
        reading = line.split()[0]
        wrong = command(homes, "whose", reading, "--slot", "5")
        assert (wrong.returncode, "it still waits" in wrong.stderr) == (1, True)
        done = command(homes, "whose", reading.lower(), "--slot", "2")
        assert (done.returncode, done.stdout) == (0, "Slot 2's now, and on the way to the ward.\n")
        again = command(homes, "whose", reading, "--slot", "1")
        assert (again.returncode, "nothing waits under" in again.stderr) == (1, True)
        said = command(homes, "measuring", "--slot", "1")
        assert said.stdout == "What shared devices measure in the next 5 minutes is slot 1's.\n"
        end = hears(home, [97] * 3, in_one_minute(), SHARED)
        home.parted(SHARED, end)
    assert [slot for slot, _ in sent(home)] == [2, 1]
    assert list(desk_of(tmp_path, a_place().gateway).iterdir()) == []


def test_without_such_a_process_the_spool_itself_is_asked(tmp_path: Path, homes: Path) -> None:
    missing = command(homes, "whose")
    assert (missing.returncode, "no spool of home-01" in missing.stderr) == (4, True)
    home = a_home(tmp_path)
    home.parted(SHARED, hears(home, [91] * 3, in_one_minute(), SHARED))
    [waits] = home.waiting()
    home.spool.close()
    listed = command(homes, "whose")
    assert listed.stdout.split()[0] == short_reference(waits.reading_id)
    said = command(homes, "measuring", "--slot", "1")
    assert (said.returncode, "is not running" in said.stderr) == (1, True)
    assert command(homes, "whose", str(waits.reading_id), "--slot", "2").returncode == 0
    assert [slot for slot, _ in sent(a_home(tmp_path))] == [2]


@pytest.mark.parametrize("half", [["--slot", "2"], ["A1B2C3"]])
def test_half_a_claim_is_wrong_usage(homes: Path, half: list[str]) -> None:
    done = command(homes, "whose", *half)
    assert (done.returncode, "say both" in done.stderr) == (2, True)


def test_of_several_homes_one_is_named(homes: Path, tmp_path: Path) -> None:
    file = json.loads(homes.read_text())
    file["homes"].append({**file["homes"][0], "gateway": "home-02"})
    homes.write_text(json.dumps(file))
    unnamed = command(homes, "whose")
    assert (unnamed.returncode, "home-01, home-02" in unnamed.stderr) == (2, True)
    a_home(tmp_path).spool.close()
    assert command(homes, "whose", "--gateway", "home-01").returncode == 0


def test_a_process_that_does_not_answer_has_done_nothing_and_will_not(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    desk = desk_of(tmp_path, a_place().gateway)
    with pytest.raises(AskingError, match="nothing was done"):
        ask(desk, question(what="measuring", slot=2), within_s=0.2)
    home.tick(CLOCK.now())
    home.parted(SHARED, hears(home, [97] * 3, in_one_minute(), SHARED))
    assert len(home.waiting()) == 1  # the question was taken back


def test_a_question_that_its_asker_left_behind_is_not_answered_much_later(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    old = question(what="measuring", slot=2, at=CLOCK.now() - timedelta(minutes=5))
    answer = answered(home, old, CLOCK.now())
    assert (answer.done, "too long ago" in answer.words) == (False, True)
    home.parted(SHARED, hears(home, [97] * 3, in_one_minute(), SHARED))
    assert len(home.waiting()) == 1


def test_what_is_no_question_is_refused_and_stops_nobody(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    desk = desk_of(tmp_path, a_place().gateway)
    desk.mkdir()
    (desk / "0.asked").write_text('{"what": "open the door"}')
    with ticking(home):
        assert ask(desk, question(what="waiting")).done
    refused = json.loads((desk / "0.answered").read_text())
    assert (refused["done"], "does not know" in refused["words"]) == (False, True)


def test_only_the_owner_can_look_onto_the_desk(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, a_place().gateway)
    seen: list[int] = []

    def look() -> None:
        while not (files := list(desk.glob("*.asked"))):
            time.sleep(0.01)
        seen.append(stat.S_IMODE(files[0].stat().st_mode))

    thread = threading.Thread(target=look)
    thread.start()
    with pytest.raises(AskingError):
        ask(desk, question(what="waiting"), within_s=0.5)
    thread.join()
    assert (stat.S_IMODE(desk.stat().st_mode), seen) == (0o700, [0o600])


def test_two_readings_under_one_reference_are_not_guessed_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = a_home(tmp_path)
    for n in range(2):
        end = hears(home, [97] * 3, in_one_minute() + timedelta(minutes=n), SHARED)
        home.parted(SHARED, end)
    monkeypatch.setattr("device_gateway.control.short_reference", lambda _: "SAME00")
    answer = answered(home, question(what="claim", slot=1, readings=["same00"]), CLOCK.now())
    assert (answer.done, "two readings wait" in answer.words) == (False, True)
    full = str(home.waiting()[0].reading_id)
    assert answered(home, question(what="claim", slot=1, readings=[full]), CLOCK.now()).done


def test_a_reading_that_is_somebodys_is_nothing_to_ask_about(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    home.parted(HERS, hears(home, [97] * 3, in_one_minute(), HERS))
    assert answered(home, question(what="waiting"), CLOCK.now()).waiting == ()


def test_a_killed_asker_leaves_nothing_that_acts_later(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    script = (
        "import sys; from pathlib import Path\n"
        "from device_gateway.control import *\n"
        "from ward_service.contract.clock import real_clock\n"
        "ask(Path(sys.argv[1]), Question(what='measuring', at=real_clock().now(), slot=2), 60)"
    )
    desk = desk_of(tmp_path, a_place().gateway)
    process = subprocess.Popen([sys.executable, "-c", script, str(desk)])
    while not list(desk.glob("*.asked")):
        time.sleep(0.02)
    process.kill()
    process.wait()
    home.tick(CLOCK.now() + timedelta(minutes=10))
    assert list(desk.iterdir()) == []
    home.parted(SHARED, hears(home, [97] * 3, in_one_minute(), SHARED))
    assert len(home.waiting()) == 1


def test_a_desk_that_cannot_be_used_stops_no_minute(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    desk = desk_of(tmp_path, a_place().gateway)
    desk.mkdir()
    (desk / "0.asked").mkdir()  # cannot be read as a file
    hears(home, [97] * 3, in_one_minute(), HERS)
    home.tick(CLOCK.now() + timedelta(minutes=2))
    assert len(sent(home)) == 1
