"""Invented people, homes and readings. Nobody here exists: NHS numbers are of the 999 range."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from ward_service.contract.envelope import Envelope
from ward_service.contract.http.stays import Admission
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Observation, Reading, Status, topic
from ward_service.contract.vocabulary import Context, Quality, Source, Vital
from ward_service.domain.bands import Bands
from ward_service.domain.limits import Limits, limits_at_admission, personal_bands
from ward_service.domain.pathway import STANDARD, Pathway
from ward_service.enrolment.enrolment import add_gateway
from ward_service.ingest.message import ArrivedMessage
from ward_service.pathways.load import SHIPPED, load
from ward_service.settings import Settings
from ward_service.stays.admission import admit
from ward_service.store.connect import connect, engine_of
from ward_service.store.migrate import migrate
from ward_service.ward import Ward, open_ward

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday in winter: London is at UTC
COH = load(SHIPPED / "covid-oximetry-at-home.yaml").pathway
_numbers, _streams = count(1), count(1)


def the_bands(pathway: Pathway, limits: Limits | None = None) -> Bands:
    """The SpO2 bands of somebody with the pathway's own numbers, or with theirs."""
    found = personal_bands(
        pathway.vitals[Vital.SPO2].bands[STANDARD], limits or limits_at_admission(pathway)
    )
    assert found is not None
    return found


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def an_nhs_number(n: int) -> str:
    """Return the n-th number of the 999 range whose check digit exists."""
    found = 0
    for candidate in count():
        base = f"999{candidate:06d}"
        total = sum(int(d) * w for d, w in zip(base, range(10, 1, -1), strict=True))
        check = (11 - total % 11) % 11
        if check < 10:
            found += 1
            if found == n:
                return f"{base}{check}"
    raise AssertionError


def an_admission(gateway: str = "home-01", slot: int = 1, n: int | None = None) -> Admission:
    number = n or next(_numbers)
    return Admission(
        family_name=f"Invented-{number}",
        given_name="Pat",
        birth_date=date(1950, 1, 1),
        sex="female",
        nhs_number=an_nhs_number(number),
        gateway=gateway,
        slot=slot,
        phone="07700 900000",
        language="en",
        symptom_onset_date=date(2026, 11, 23),
        rest_spo2=97,
        referral_source="gp",
        referral_at=NOON - timedelta(days=1),
    )


def a_reading(
    spo2: float | None = 97,
    pulse: float | None = 72,
    *,
    at: datetime = NOON,
    reading_id: UUID | None = None,
    context: Context = Context.REST,
    quality: Sequence[Quality] = (),
    source: Source = Source.BLE,
    source_key: str | None = None,
) -> Reading:
    values = {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse}
    return Reading(
        reading_id=reading_id or new_id(at),
        measured_at=at,
        source=source,
        context=context,
        quality=tuple(quality),
        source_key=source_key,
        observations=tuple(
            Observation(vital=vital, value=value)
            for vital, value in values.items()
            if value is not None
        ),
    )


class Home:
    """One home as the wire sees it: it signs what it sends."""

    def __init__(self, gateway: str, key: str, slot: int = 1) -> None:
        self.gateway, self.key, self.slot = gateway, bytes.fromhex(key), slot
        self.stream = f"stream-{next(_streams)}"  # a box that was set up anew begins a new one
        self._seq = count(1)

    def sends(self, reading: Reading) -> ArrivedMessage:
        payload = reading.model_dump_json(exclude_defaults=True).encode()
        return self.sends_bytes(payload, reading.reading_id, reading.measured_at)

    def sends_bytes(
        self,
        payload: bytes,
        reading_id: UUID,
        at: datetime = NOON,
        key: bytes | None = None,
        *,
        seq: int | None = None,
        claimed: bool = True,
    ) -> ArrivedMessage:
        name = topic(self.gateway, "readings")
        envelope = Envelope(
            sent_at=at,
            slot=self.slot if claimed else None,
            stream=self.stream,
            seq=next(self._seq) if seq is None else seq,
            correlation=reading_id.bytes,
        )
        properties = tuple(envelope.properties(name, payload, key or self.key))
        return ArrivedMessage(name, properties, reading_id.bytes, payload)

    def says(self, status: Status, at: datetime = NOON, key: bytes | None = None) -> ArrivedMessage:
        """What this home says of itself; a will has no `sent_at` in it."""
        name = topic(self.gateway, "status")
        payload = status.model_dump_json(exclude_defaults=True).encode()
        envelope = Envelope(sent_at=at)
        properties = tuple(envelope.properties(name, payload, key or self.key))
        return ArrivedMessage(name, properties, b"", payload)

    def is_online(self, at: datetime = NOON, **more: Any) -> ArrivedMessage:
        """The status of a home that is online, as it says it each minute."""
        whole = {"stream": self.stream, "spool_depth": 0, **more}
        return self.says(Status(online=True, sent_at=at, **whole), at)

    def dies(self, connected_at: datetime = NOON) -> ArrivedMessage:
        """Its last will, as the broker sends it: signed when it connected."""
        return self.says(Status(online=False), connected_at)


def migrate_and_leave(url: str) -> None:
    """Bring a database to the newest tables, and hold no connection to it."""
    sessions = connect(url)
    migrate(sessions)
    engine_of(sessions).dispose()


@cache
def _migrated_sqlite() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ward.db"
        migrate_and_leave(f"sqlite:///{file}")
        return file.read_bytes()


def a_ward(folder: Path, database_url: str = "", pathways: Path | None = None) -> Ward:
    """Open a ward. A SQLite file that is not there yet begins as a copy of a migrated one."""
    settings = Settings(
        data_dir=folder, database_url=database_url, use="demo", pathways_dir=pathways
    )
    kind, _, place = settings.database.partition(":///")
    if kind == "sqlite" and not Path(place).exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(place).write_bytes(_migrated_sqlite())
    return open_ward(settings)


AN_HOUR_AGO = NOON - timedelta(hours=1)


def a_home(ward: Ward, gateway: str = "home-01", at: datetime = AN_HOUR_AGO) -> Home:
    """A gateway with one invented person in slot 1, admitted an hour before noon."""
    home = Home(gateway, add_gateway(ward, gateway, at))
    admit(ward, an_admission(gateway), at)
    return home
