import logging
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.doors import MailServer, WebhookReceiver
from tests.fakes.notify import API_KEY, NotifyServer
from tests.ward_service.notify.desk import Desk, HandClock
from ward_service.logs import set_up
from ward_service.settings import Settings
from ward_service.store.connect import engine_of
from ward_service.ward import open_ward


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    made = WebhookReceiver()
    yield made
    made.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.close()


@pytest.fixture
def notify() -> Iterator[NotifyServer]:
    made = NotifyServer()
    yield made
    made.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file with the invented API key of the stand-in for GOV.UK Notify."""
    path = tmp_path / "notify-key"
    path.touch(mode=0o600)
    path.write_text(f"{API_KEY}\n")
    return path


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "webhook-secret"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32))
    return path


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What the processes would have logged, line by line."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    set_up()
    yield lambda: capfd.readouterr().err
    root.handlers[:], root.level = before, level


@pytest.fixture
def desk(tmp_path: Path, database_url: str, mail: MailServer, secret_file: Path) -> Iterator[Desk]:
    """A ward whose time is handed in, with every channel set up."""
    settings = Settings(
        data_dir=tmp_path / "ward",
        database_url=database_url,
        use="demo",
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        smtp_from="Anytown Ward <ward@anytown.example>",
        smtp_timeout_s=2,
        webhook_secret_file=secret_file,
        webhook_timeout_s=2,
    )
    ward = open_ward(settings)
    made = Desk(ward, HandClock())
    yield made
    engine_of(ward.sessions).dispose()
