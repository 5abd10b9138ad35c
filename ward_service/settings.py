"""The environment, read once. Every variable of the ward is a field here, prefix `HOMEWARD_`."""

import os
import secrets
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from ward_service.contract.atomic_file import create_file
from ward_service.contract.letters import PAGE_URL
from ward_service.contract.messages import BASE_PATTERN, BASE_TOPIC
from ward_service.errors import WardError

PHONE: Final = r"^[0-9+ ()-]*$"


def _ward_of_up() -> Path:
    """Return the folder of `./homeward up`, wherever the launcher was called from."""
    return Path(os.environ.get("HOMEWARD_HOME", ".")) / "homeward-data/ward"


class Settings(BaseSettings):
    """What a ward process is told by its environment.

    `use` says what the ward may be used for: an unsigned pathway runs only in `demo` or `shadow`.
    `base_topic` is what this ward's gateways were given: a region's ingest hears only its own.
    `pathways_dir` holds a ward's own pathway files; without it the shipped ones are used. A
    timeout is for one answer of the other side. `notify_*` are of GOV.UK Notify, by which text
    messages go out: its template says `((message))`. `operator_email` and `operator_webhook` are
    whom the watchdog rings; its `limit` is how old a heartbeat may be, `stuck` how long something
    may be due and not done, `again` when it rings again. All in real seconds. `public_broker` is
    where homes find the broker, if elsewhere than the ward does; `broker_admin` is who makes their
    accounts. `ward_phone` is the number that patients ring, `interpreter_phone` whom they ring for
    an interpreter, `page_url` where their page is: on paper, and in the plans of their homes.
    """

    model_config = SettingsConfigDict(env_prefix="HOMEWARD_", extra="ignore")

    data_dir: Path = Field(default_factory=_ward_of_up)
    database_url: str = Field(default="", pattern=r"^(postgres(ql)?(\+psycopg)?://|sqlite:///|$)")
    broker_host: str = "127.0.0.1"
    broker_port: int = Field(default=1883, ge=1, le=65_535)
    broker_username: str = ""
    broker_password: str = Field(default="", repr=False)
    broker_password_file: Path | None = None
    broker_tls_ca: Path | None = None
    base_topic: str = Field(default=BASE_TOPIC, pattern=BASE_PATTERN)
    public_broker_host: str = ""
    public_broker_port: int | None = Field(default=None, ge=1, le=65_535)
    broker_admin_username: str = ""
    broker_admin_password: str = Field(default="", repr=False)
    broker_admin_password_file: Path | None = None
    # As long as the broker keeps what the ward has not taken (ingest/connection.py): what an old
    # key signed may be that old. Also docs/reference/brokers-and-databases.md#controls, C6.
    key_overlap_h: float = Field(default=168, gt=0, le=336)
    secret_file: Path | None = None
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=0, le=65_535)
    use: Literal["demo", "shadow", "live"] = "shadow"
    pathways_dir: Path | None = None
    ward_phone: str = Field(default="", max_length=40, pattern=PHONE)
    interpreter_phone: str = Field(default="", max_length=40, pattern=PHONE)
    page_url: str = Field(default="", max_length=200, pattern=rf"{PAGE_URL}|^$")
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_from: str = ""
    smtp_tls_ca: Path | None = None
    smtp_timeout_s: float = Field(default=15, gt=0, le=60)
    webhook_secret_file: Path | None = None
    webhook_timeout_s: float = Field(default=5, gt=0, le=60)
    notify_url: str = "https://api.notifications.service.gov.uk"
    notify_api_key_file: Path | None = None
    notify_template_id: str = ""
    notify_timeout_s: float = Field(default=10, gt=0, le=60)
    operator_email: str = ""
    operator_webhook: str = ""
    watchdog_limit_s: float = Field(default=15, ge=2)
    watchdog_stuck_s: float = Field(default=60, ge=2)
    watchdog_again_s: float = Field(default=300, ge=1)

    @property
    def database(self) -> str:
        """The database's URL: SQLite in the data folder unless told otherwise."""
        return self.database_url or f"sqlite:///{self.data_dir / 'ward.db'}"

    def secret(self) -> bytes:
        """Return the ward's secret, made on first use (0600) and the same ever after.

        Raises:
            WardError: the file is readable by others, or too short to be a secret.
        """
        path = self.secret_file or self.data_dir / "secret"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            create_file(path, secrets.token_hex(32).encode())
        return _read_private(path)

    def ward_password(self) -> str:
        """Return the ward's own password at the broker; empty where there is none.

        Raises:
            WardError: its file cannot be used.
        """
        return _password(self.broker_password, self.broker_password_file)

    def admin_password(self) -> str:
        """Return the password of whoever makes accounts at the broker; empty where there is none.

        Raises:
            WardError: its file cannot be used.
        """
        return _password(self.broker_admin_password, self.broker_admin_password_file)

    def webhook_secret(self) -> bytes:
        """Return the secret that signs what is posted to webhooks.

        Raises:
            WardError: there is none, or it is readable by others, or too short to be a secret.
        """
        path = self.webhook_secret_file
        if path is None or not path.is_file():
            raise WardError("HOMEWARD_WEBHOOK_SECRET_FILE does not name a file with a secret")
        return _read_private(path)

    def notify_api_key(self) -> str:
        """Return the API key for GOV.UK Notify, by which text messages go out.

        Raises:
            WardError: there is none, or it is readable by others, or too short to be a secret.
        """
        path = self.notify_api_key_file
        if path is None or not path.is_file():
            raise WardError("HOMEWARD_NOTIFY_API_KEY_FILE does not name a file with a key")
        return _read_private(path).decode("ascii", "replace")

    @property
    def watchdog_file(self) -> Path:
        """Where the watchdog leaves its own heartbeat, and the ward looks for it."""
        return self.data_dir / "watchdog"


def _password(given: str, file: Path | None) -> str:
    if file is None:
        return given
    if not file.is_file():
        raise WardError(f"{file} is missing; ward-service broker prepare makes it")
    return _read_private(file).decode()


def _read_private(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise WardError(f"{path} can be read by others; run: chmod 600 {path}")
    secret = path.read_bytes().strip()
    if len(secret) < 32:
        raise WardError(f"{path} is too short to be a secret (32 bytes at least)")
    return secret
