"""A ward, its broker and its homes for whole stories: real processes that can be killed."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from signal import SIGKILL, SIGTERM
from time import monotonic, sleep
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.factories import a_ward, an_admission
from tests.services import GATEWAY, WARD, Broker, WardProcess
from ward_service.bootstrap import add_account
from ward_service.enrolment.enrolment import add_gateway
from ward_service.stays.admission import admit
from ward_service.store.connect import connect, engine_of
from ward_service.store.tables.alerts import AlertRow, LedgerRow
from ward_service.store.tables.homes import SlotRow

CLINICIAN, PASSWORD = "nurse", "an invented password"


@dataclass
class House:
    """Everything of one story. Whatever is still running at its end is ended by pid."""

    folder: Path
    broker: Broker
    more: dict[str, str] = field(default_factory=dict)
    ward: WardProcess | None = None
    homes: subprocess.Popen[bytes] | None = None
    keys: dict[str, str] = field(default_factory=dict)
    ward_program: tuple[str, ...] = (str(WARD),)
    gateway_program: tuple[str, ...] = (str(GATEWAY),)

    @property
    def url(self) -> str:
        """The ward's database."""
        own = self.more.get("HOMEWARD_DATABASE_URL", "")
        return own or f"sqlite:///{self.folder / 'ward' / 'ward.db'}"

    def admit(self, gateways: Sequence[str], at: datetime) -> None:
        """Admit an invented person to slot 1 of each gateway, and write the homes file."""
        ward = a_ward(self.folder / "ward", self.more.get("HOMEWARD_DATABASE_URL", ""))
        add_account(ward, CLINICIAN, "Nurse", PASSWORD)
        for n, gateway in enumerate(gateways, 1):
            self.keys[gateway] = add_gateway(ward, gateway, at)
            admit(ward, an_admission(gateway, n=n), at)
        engine_of(ward.sessions).dispose()
        self.write_homes()

    def write_homes(self) -> None:
        """Write the homes file of the gateways whose keys are known."""
        homes = [{"gateway": g, "key": key, "slot": 1} for g, key in self.keys.items()]
        broker = {"host": self.broker.host, "port": self.broker.port}
        path = self.folder / "homes.json"
        path.write_text(json.dumps({"broker": broker, "homes": homes}))
        path.chmod(0o600)

    def start_ward(self) -> None:
        """Start the ward, and wait until it answers."""
        self.ward = WardProcess(
            self.folder, self.broker, more=self.more, program=self.ward_program
        ).answers()

    def kill_ward(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        assert self.ward
        self.ward.end(SIGKILL)

    def start_homes(self, *arguments: str) -> None:
        """Start `device-gateway`, with this story's homes."""
        command = [*self.gateway_program, *arguments, "--homes", str(self.folder / "homes.json")]
        command += ["--spool-dir", str(self.folder / "spools")]
        with (self.folder / "homes.log").open("ab") as log:
            self.homes = subprocess.Popen(
                command, env={**os.environ, **self.more}, stdout=log, stderr=log
            )

    def kill_homes(self) -> None:
        """SIGKILL the process that carries all homes."""
        assert self.homes
        self.homes.send_signal(SIGKILL)
        self.homes.wait(10)

    def homes_finish(self, seconds: float) -> None:
        """Wait until every home has the ward's receipt for all that it took."""
        assert self.homes
        assert self.homes.wait(seconds) == 0, (self.folder / "homes.log").read_text()[-2_000:]

    def end(self) -> None:
        """End what still runs."""
        if self.homes is not None and self.homes.poll() is None:
            self.homes.send_signal(SIGTERM)
            self.homes.wait(15)
        if self.ward is not None and self.ward.process.poll() is None:
            self.ward.end(SIGKILL)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the ward's database, whatever the ward is doing."""
        sessions = connect(self.url)
        with sessions() as session:
            rows = [tuple(row) for row in session.execute(text(sql))]
        engine_of(sessions).dispose()
        return rows

    def counts(self) -> dict[str, int]:
        """Return how many readings came from each gateway."""
        return dict(self.ask("SELECT gateway_id, count(*) FROM reading GROUP BY 1"))

    def wait_for(self, readings: int, seconds: float) -> None:
        """Wait until the ward has kept so many readings."""
        until = monotonic() + seconds
        while (kept := sum(self.counts().values())) < readings:
            assert monotonic() < until, f"{kept} of {readings} after {seconds} s"
            sleep(0.1)

    def first_reds(self) -> dict[str, str]:
        """Return, for each gateway, the words with which its person first became red."""
        sessions = connect(self.url)
        with sessions() as session:
            found = {gateway: _first_red(session, id_) for gateway, id_ in _holders(session)}
        engine_of(sessions).dispose()
        return {gateway: words for gateway, words in found.items() if words}


def _holders(session: Session) -> list[tuple[str, Any]]:
    return [(slot.gateway_id, slot.episode_id) for slot in session.scalars(select(SlotRow))]


def _first_red(session: Session, episode_id: Any) -> str:
    """The first ledger entry whose words are a red finding of the resting SpO2 table."""
    query = (
        select(LedgerRow.words)
        .join(AlertRow, AlertRow.id == LedgerRow.alert_id)
        .where(AlertRow.episode_id == episode_id, AlertRow.alert_class == "physiological")
        .order_by(LedgerRow.id)
    )
    reds = [words for words in session.scalars(query) if words.endswith("<= 92 %")]
    return reds[0].removeprefix("repeat: ") if reds else ""
