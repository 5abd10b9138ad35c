"""The ward as processes: one at a time on SQLite, killed, ended, and honest about its absence."""

import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from tests.factories import a_ward
from tests.services import WARD, Broker, WardProcess
from ward_service.errors import WardError
from ward_service.settings import Settings
from ward_service.store.tables.runtime import HeartbeatRow


@pytest.fixture
def started(tmp_path: Path, broker: Broker) -> Iterator[list[WardProcess]]:
    processes: list[WardProcess] = []
    yield processes
    for ward in processes:
        if ward.process.poll() is None:
            ward.end(signal.SIGKILL)


def test_a_second_ward_on_one_database_refuses_in_a_sentence(
    tmp_path: Path, broker: Broker, started: list[WardProcess]
) -> None:
    started.append(WardProcess(tmp_path, broker).answers())
    second = WardProcess(tmp_path, broker)
    started.append(second)
    assert second.process.wait(20) == 1
    assert "Another ward-service is running on this database" in second.log.read_text()
    assert started[0].process.poll() is None


def test_a_ward_that_was_killed_starts_again_at_once_and_one_that_is_asked_ends_well(
    tmp_path: Path, broker: Broker, started: list[WardProcess]
) -> None:
    started.append(WardProcess(tmp_path, broker).answers())
    started[0].end(signal.SIGKILL)
    started.append(WardProcess(tmp_path, broker).answers())
    assert started[1].end(signal.SIGTERM) == 0


def test_separate_roles_on_sqlite_are_refused(
    tmp_path: Path, broker: Broker, started: list[WardProcess]
) -> None:
    started.append(WardProcess(tmp_path, broker, "ingest"))
    assert started[0].process.wait(20) == 1
    assert "Separate roles need PostgreSQL" in started[0].log.read_text()


def test_a_ward_without_its_broker_says_that_it_hears_nobody(
    tmp_path: Path, broker: Broker, started: list[WardProcess]
) -> None:
    broker.kill()
    started.append(WardProcess(tmp_path, broker).answers())
    health = started[0].health()
    assert not health["well"]
    assert "not receiving readings" in str(health["words"])


def test_a_ward_that_was_down_says_from_when_to_when(
    tmp_path: Path, broker: Broker, started: list[WardProcess]
) -> None:
    ward = a_ward(tmp_path / "ward")
    long_ago = ward.clock.wall() - timedelta(hours=1)
    with ward.unit_of_work() as store:
        store.add(HeartbeatRow(stage="ingest", at=long_ago, wall_at=long_ago))
    started.append(WardProcess(tmp_path, broker).answers())
    end = time.monotonic() + 10
    while not (health := started[0].health())["well"] and time.monotonic() < end:
        time.sleep(0.1)
    assert health["well"]
    assert str(health["blind_from"]).startswith(f"{long_ago:%Y-%m-%dT%H:%M}")


def test_live_use_is_refused_while_nothing_is_signed(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEWARD_USE", "live")
    done = subprocess.run([str(WARD), "migrate"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No pathway here is signed" in done.stderr


def test_a_pathway_that_changed_without_a_new_version_stops_the_ward(tmp_path: Path) -> None:
    from ward_service.pathways.load import SHIPPED

    own = tmp_path / "pathways"
    own.mkdir()
    text = (SHIPPED / "covid-oximetry-at-home.yaml").read_text()
    (own / "own.yaml").write_text(text)
    a_ward(tmp_path / "ward", pathways=own)
    (own / "own.yaml").write_text(text.replace("{ is: 92, source", "{ is: 91, source"))
    with pytest.raises(WardError, match="its version has not"):
        a_ward(tmp_path / "ward", pathways=own)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:

    (tmp_path / "secret").write_text("x" * 64)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(WardError, match="chmod 600"):
        a_ward(tmp_path)


def test_processes_that_start_together_have_one_secret(tmp_path: Path) -> None:
    """api, ingest and worker share a volume: none may read what another has half written."""
    settings = Settings(data_dir=tmp_path)
    begin = Barrier(8)

    def ask() -> bytes:
        begin.wait()
        return settings.secret()

    for _ in range(50):
        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(ask) for _ in range(8)]
        assert len({answer.result() for answer in answers}) == 1
        (tmp_path / "secret").unlink()
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_was_cut_short_is_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(0o600)
    with pytest.raises(WardError, match="too short"):
        Settings(data_dir=tmp_path).secret()
    assert (tmp_path / "secret").read_bytes() == b""
