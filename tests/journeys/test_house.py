"""`./homeward demo` and `up` as a visitor meets them: what they print, and that nothing is left."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx2 as httpx
import pytest

from tests.conftest import missing
from tests.journeys.browser import a_browser, chromium, sign_in
from tests.services import WARD, has_mosquitto


class Visit:
    """One visitor's `./homeward demo` or `up`, in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.output = folder / "said.txt"
        with self.output.open("wb") as said:
            self.process = subprocess.Popen(
                [str(WARD), *arguments],
                env={**os.environ, "HOMEWARD_HOME": str(folder)},
                cwd=folder,
                stdout=said,
                stderr=said,
            )

    def said(self) -> str:
        return self.output.read_text()

    def opened(self, seconds: float = 90) -> "Visit":
        until = monotonic() + seconds
        while "Ctrl-C ends everything" not in self.said():
            assert self.process.poll() is None, self.said()
            assert monotonic() < until, self.said()
            sleep(0.2)
        return self

    def find(self, pattern: str) -> str:
        found = re.search(pattern, self.said())
        assert found, self.said()
        return found[1]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)

    def left_behind(self) -> list[str]:
        """Return the command lines of processes that still work in this visit's folder."""
        found = []
        for status in Path("/proc").glob("[0-9]*/environ"):
            try:
                whole = status.read_bytes()
                command = (status.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if f"HOMEWARD_HOME={self.folder}".encode() in whole and command:
                found.append(command.replace(b"\0", b" ").decode())
        return found


@pytest.fixture
def visits() -> Iterator[list[Visit]]:
    if not has_mosquitto():
        missing("Mosquitto", "install it, for example: apt-get install mosquitto")
    made: list[Visit] = []
    yield made
    for visit in made:
        if visit.process.poll() is None:
            visit.end()


def test_a_street_opens_says_where_to_look_and_leaves_nothing_behind(
    tmp_path: Path, visits: list[Visit]
) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        except OSError:
            pass  # somebody else has it: all the better
        visits.append(Visit(tmp_path, "demo", "--people", "10"))
        visit = visits[0].opened()
        assert "Port 8000 is taken; the ward uses" in visit.said()
    ward = visit.find(r"The ward's API: +(\S+)/openapi.json")
    given = {"username": "nurse", "password": visit.find(r"with the password +(\S+)")}
    token = httpx.post(f"{ward}/session", json=given).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    until = monotonic() + 40
    while True:
        board = httpx.get(f"{ward}/triage", headers=headers).json()
        heard = [line for line in board["patients"] if line["last_reading_at"]]
        if len(heard) >= 8 or monotonic() > until:
            break
        sleep(0.5)
    assert len(board["patients"]) == 10
    assert len(heard) >= 8
    assert board["health"]["well"]
    assert visit.end() == 0
    assert visit.left_behind() == []


def test_when_a_part_dies_it_is_named_and_everything_is_ended(
    tmp_path: Path, visits: list[Visit]
) -> None:
    visits.append(Visit(tmp_path, "up"))
    visit = visits[0].opened()
    assert "shown only now" in visit.said()
    [ward] = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if _is_ward_of(path, tmp_path)
    ]
    os.kill(ward, signal.SIGKILL)
    assert visit.process.wait(40) == 1
    assert "ward ended by itself" in visit.said()
    assert visit.left_behind() == []


def _is_ward_of(path: Path, folder: Path) -> bool:
    try:
        command = path.read_bytes()
        environment = (path.parent / "environ").read_bytes()
    except OSError:
        return False
    return command.endswith(b"\0run\0") and f"HOMEWARD_HOME={folder}".encode() in environment


def test_an_impatient_second_ctrl_c_leaves_nothing_behind(
    tmp_path: Path, visits: list[Visit]
) -> None:
    visits.append(Visit(tmp_path, "up"))
    visit = visits[0].opened()
    visit.process.send_signal(signal.SIGINT)
    sleep(0.2)
    assert visit.end() == 0
    assert visit.left_behind() == []


def test_ctrl_c_while_the_broker_starts_ends_well(tmp_path: Path, visits: list[Visit]) -> None:
    visits.append(Visit(tmp_path, "up"))
    visit = visits[0]
    until = monotonic() + 60
    while "Starting the broker" not in visit.said() and monotonic() < until:
        sleep(0.002)
    assert visit.end() == 0, visit.said()
    assert "Traceback" not in visit.said()
    assert visit.left_behind() == []


def test_a_house_that_waits_for_another_says_so(tmp_path: Path, visits: list[Visit]) -> None:
    turn = Path(tempfile.gettempdir()) / f"homeward-opening-{os.getuid()}.lock"
    with turn.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        visits.append(Visit(tmp_path, "up"))
        until = monotonic() + 60
        while "waiting" not in visits[0].said() and monotonic() < until:
            sleep(0.05)
    assert "Another ./homeward is opening on this machine" in visits[0].said()
    visits[0].opened()


def test_two_at_once_in_one_folder_are_refused_in_a_sentence(
    tmp_path: Path, visits: list[Visit]
) -> None:
    visits.append(Visit(tmp_path, "up"))
    visits[0].opened()
    second = subprocess.run(
        [str(WARD), "up"],
        env={**os.environ, "HOMEWARD_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "Another ./homeward is using" in second.stdout


@pytest.mark.recordings
def test_sixteen_recorded_patients_are_red_on_the_ward_list(
    tmp_path: Path, recordings: Path, visits: list[Visit]
) -> None:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    arguments = ("demo", "--recordings", str(recordings), "--speed", "60")
    visits.append(Visit(tmp_path, *arguments))
    visit = visits[0].opened()
    assert "The names are invented, the readings real." in visit.said()
    url = visit.find(r"The ward list: +(\S+)")
    password = visit.find(r"with the password +(\S+)")
    with a_browser() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = sign_in(context, url, "nurse", password)
        until = monotonic() + 60
        while page.locator("tbody tr.red").count() < 16 and monotonic() < until:
            page.wait_for_timeout(500)
        assert page.locator("tbody tr").count() == 16
        assert page.locator("tbody tr.red").count() == 16
        keep = os.environ.get("HOMEWARD_KEEP_SCREENSHOT")
        if keep:
            page.wait_for_timeout(4_000)
            page.screenshot(path=keep)
        context.close()
    assert visit.end() == 0
