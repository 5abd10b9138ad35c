"""Fixtures that every folder shares. What a machine lacks is skipped by name."""

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.services import NOT_HERE, Broker, PostgreSQL, has_mosquitto, newest_postgresql

if TYPE_CHECKING:
    from tests.guarded_broker import GuardedBroker

pytest_plugins = ["tools.hazards_ran"]

# How long one example takes says how busy the machine is, not whether the code is right.
settings.register_profile("homeward", deadline=None)
settings.load_profile("homeward")

RECORDINGS = Path(__file__).parents[2] / "shared" / "data"
TO_SAY = "to say"  # the property by which a test says something in the summary
SKIPPING_IS_FAILING = os.environ.get("HOMEWARD_REQUIRE_ALL") == "1"  # set by .ci/run


def missing(what: str, how: str) -> None:
    """Skip a test for something that this machine lacks; on CI that is a failure."""
    said = f"{what} {NOT_HERE}{how}"
    if SKIPPING_IS_FAILING:
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """A program that a test has run in this process logs to a stderr that ends with the test."""
    yield
    root = logging.getLogger()
    for handler in [one for one in root.handlers if type(one) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if not has_mosquitto():
        missing("Mosquitto", "install it, for example: apt-get install mosquitto")
    made = Broker(tmp_path / "broker")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator["GuardedBroker"]:
    """A broker with TLS and accounts, begun by `ward-service broker prepare`."""
    from tests.guarded_broker import GuardedBroker, dynamic_security  # slow to import

    if not has_mosquitto() or dynamic_security() is None or shutil.which("openssl") is None:
        missing(
            "Mosquitto with dynamic security, or openssl,",
            "install them, for example: apt-get install mosquitto openssl",
        )
    made = GuardedBroker(tmp_path / "broker")
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgreSQL]:
    if newest_postgresql() is None:
        missing("PostgreSQL", "install it, for example: apt-get install postgresql")
    server = PostgreSQL()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgreSQL) -> str:
    """The database that tests copy, so that each need not run every migration."""
    from tests.factories import migrate_and_leave  # slow to import, and few runs need it

    url = postgres_server.new_database()
    migrate_and_leave(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of each kind: every test of the store runs on both.

    PostgreSQL has the newest tables and no row; of SQLite there is no file yet.
    """
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ward.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgres_server")
    url = server.new_database(like=request.getfixturevalue("migrated_postgres"))
    yield url
    server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind without a table: for tests of the migrations themselves."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ward.db'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def recordings() -> Path:
    if not RECORDINGS.is_dir():
        missing("shared/data, with the recordings,", f"it lies beside the checkout ({RECORDINGS})")
    return RECORDINGS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what tests had to say, whichever process they ran in."""
    reports = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    said = [value for report in reports for name, value in report.user_properties if name == TO_SAY]
    if said:
        terminalreporter.section("said by tests")
        for line in sorted(said):
            terminalreporter.write_line(str(line))
