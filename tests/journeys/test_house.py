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
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import text

from tests.conftest import missing
from tests.journeys.browser import a_browser, chromium, sign_in
from tests.services import WARD, has_mosquitto
from ward_service.store.connect import connect, engine_of


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

    def waits_for(self, words: str, times: int, seconds: float = 60) -> None:
        until = monotonic() + seconds
        while self.said().count(words) < times:
            assert self.process.poll() is None, self.said()
            assert monotonic() < until, self.said()
            sleep(0.1)

    def kill(self, word: str) -> None:
        """SIGKILL the one process of this visit that has this word in its command line."""
        [found] = [pid for pid, words in self._processes() if _has_word(words, word)]
        os.kill(found, signal.SIGKILL)

    def left_behind(self) -> list[str]:
        """Return the command lines of processes that still work in this visit's folder."""
        return [" ".join(words) for _, words in self._processes()]

    def _processes(self) -> list[tuple[int, list[str]]]:
        found = []
        for status in Path("/proc").glob("[0-9]*/environ"):
            try:
                whole = status.read_bytes()
                command = (status.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if f"HOMEWARD_HOME={self.folder}".encode() in whole and command:
                found.append((int(status.parent.name), command.decode().split("\0")))
        return found


def _has_word(words: list[str], word: str) -> bool:
    return any(part == word or part.endswith(f"/{word}") for part in words)


def ask(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Ask a demo's database, whatever its ward is doing."""
    sessions = connect(url)
    with sessions() as session:
        rows = [tuple(row) for row in session.execute(text(sql))]
    engine_of(sessions).dispose()
    return rows


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
    page, code = visit.find(r"The patient's page: +(\S+)/k/"), visit.find(r"/k/(\S+)")
    born = visit.find(r"\(born (\d{4})\)")
    with httpx.Client(base_url=page, follow_redirects=True) as visitor:
        assert f'value="{code.replace("-", "")}"' in visitor.get(f"/k/{code}").text
        came = visitor.post("/in", data={"code": code, "year": born})
        assert came.status_code == 200, came.text
        assert "Ring your team" in came.text
    assert visit.end() == 0
    assert visit.left_behind() == []


def test_when_a_part_dies_again_and_again_it_is_named_and_everything_is_ended(
    tmp_path: Path, visits: list[Visit]
) -> None:
    visits.append(Visit(tmp_path, "up"))
    visit = visits[0].opened()
    assert "shown only now" in visit.said()
    for n in range(1, 4):
        visit.kill("run")
        visit.waits_for(f"ward ended by itself; starting it again ({n} of 3)", 1)
        visit.waits_for("ward runs again", n)
    visit.kill("run")
    assert visit.process.wait(40) == 1
    assert "ward ended by itself 4 times in a short while, so everything is ended" in visit.said()
    assert visit.left_behind() == []


def test_whichever_part_dies_is_started_again_on_its_port(
    tmp_path: Path, visits: list[Visit]
) -> None:
    visits.append(Visit(tmp_path, "up"))
    visit = visits[0].opened()
    page = visit.find(r"The ward list: +(\S+)")
    ward = visit.find(r"The ward's API: +(\S+)/openapi.json")
    for n, (name, word) in enumerate(
        [("dashboard", "clinician-dashboard"), ("broker", "mosquitto"), ("ward", "run")], 1
    ):
        visit.kill(word)
        visit.waits_for(f"{name} runs again", 1)
        assert visit.said().count("runs again") == n  # and no other part went with it
    assert httpx.get(f"{page}/sign-in").status_code == 200
    assert httpx.get(f"{ward}/health").status_code == 200
    assert visit.end() == 0
    assert visit.left_behind() == []


def test_a_demo_whose_ward_and_broker_are_killed_keeps_every_sample_once_and_no_alert_twice(
    tmp_path: Path, visits: list[Visit]
) -> None:
    """Two people, five minutes each: one is red from the second minute on, one never."""
    samples = 300
    for name, low in (("falling", 88), ("well", 97)):
        lines = ["measured_at,spo2,pulse_rate"]
        for n in range(samples):
            lines.append(f"2026-01-05T12:{n // 60:02d}:{n % 60:02d}Z,{97 if n < 60 else low},72")
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    arguments = ("demo", "--recordings", str(tmp_path), "--speed", "12")
    visits.append(Visit(tmp_path, *arguments))
    visit = visits[0].opened()
    url = f"sqlite:///{tmp_path / 'homeward-data' / 'demo' / 'ward.db'}"
    for part, least, word in (("ward", 2 * 80, "run"), ("broker", 2 * 160, "mosquitto")):
        until = monotonic() + 60
        while (kept := ask(url, "SELECT count(*) FROM reading")[0][0]) < least:
            assert monotonic() < until, f"{kept} readings; {visit.said()}"
            sleep(0.1)
        assert kept < 2 * samples, "not in the middle"
        visit.kill(word)
        visit.waits_for(f"{part} runs again", 1)
    until = monotonic() + 90
    while ask(url, "SELECT count(*) FROM reading")[0][0] < 2 * samples and monotonic() < until:
        sleep(0.2)
    counts = "SELECT gateway_id, count(*), count(DISTINCT reading_id) FROM reading GROUP BY 1"
    assert sorted(ask(url, counts)) == [("home-01", 300, 300), ("home-02", 300, 300)]
    assert ask(url, "SELECT count(*) FROM quarantine") == [(0,)]
    alerts = "SELECT level FROM alert WHERE alert_class = 'physiological'"
    assert ask(url, alerts) == [("red",)]
    assert visit.end() == 0
    assert visit.left_behind() == []


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
