"""Says what the Homeward of one checkout does, as JSON: run by `tools/compare.py`, never alone.

It runs under that checkout's python and imports that checkout's code. Where a thing lives is found
by its name (`Checkout.find`), so that a module that moved needs no line here; a thing that was
renamed needs its new name beside its old one. Times are fixed, and random ids are masked.
"""

import ast
import base64
import gzip
import hashlib
import importlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import tomllib
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

PACKAGES = ("ward_service", "device_gateway", "clinician_dashboard", "evaluation_export")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # up to when the ward of the fixture was lived
SECRET, PASSWORD = "be" * 32, "correct horse battery"
LOGGED = re.compile(r"^[a-z_]+\.[a-z_0-9]+$")
LOGGING = {"log", "debug", "info", "warning", "error", "critical", "exception"}
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# A street as a demo has it, without its processes.
STREET_BEGAN = datetime(2026, 11, 23, 8, 50, tzinfo=UTC)
STREET_HOURS, STREET_PEOPLE, STREET_SEED = 9, 16, 1


class Clock:
    """A clock that stands still until it is moved."""

    speed = 1.0

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def wall(self) -> datetime:
        return self.at


class Checkout:
    """The code of one checkout: what is defined where at the top of its modules."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.defined: dict[str, list[str]] = {}
        self.log_names: set[str] = set()
        for package in PACKAGES:
            for path in sorted((root / package).rglob("*.py")):
                module = ".".join(path.relative_to(root).with_suffix("").parts)
                self._read(module.removesuffix(".__init__"), ast.parse(path.read_text()))

    def _read(self, module: str, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                self.defined.setdefault(node.name, []).append(module)
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and call.args:
                to = call.func
                name = getattr(to, "id", getattr(to, "attr", ""))
                first = getattr(call.args[0], "value", None)
                if name in LOGGING and isinstance(first, str) and LOGGED.match(first):
                    self.log_names.add(first)

    def find(self, *names: str, within: str = "ward_service") -> Any:
        """Return what one of these names means, defined at the top of a module of `within`."""
        for name in names:
            where = [m for m in self.defined.get(name, ()) if (m + ".").startswith(within)]
            if len(where) > 1:
                raise LookupError(f"{name} is defined in {', '.join(where)}")
            if where:
                module = importlib.import_module(where[0])
                assert Path(module.__file__ or "").is_relative_to(self.root), module
                return getattr(module, name)
        raise LookupError(f"nothing here is called {' or '.join(names)}, within {within}")

    def find_in(self, places: tuple[str, ...], *names: str) -> Any:
        """Return what is found in the first of these packages that has one of the names."""
        for within in places:
            with suppress(LookupError):
                return self.find(*names, within=within)
        raise LookupError(f"nothing is called {' or '.join(names)} in {' or '.join(places)}")

    def run(self, program: str, *command: str, **environment: str) -> str:
        """Run one of the console scripts as it is named in pyproject.toml; return what it says."""
        scripts = tomllib.loads((self.root / "pyproject.toml").read_text())["project"]["scripts"]
        module, _, app = scripts[program].partition(":")
        code = (
            f"import sys, {module} as module\n"
            f"assert module.__file__.startswith({str(self.root)!r})\n"
            f"sys.argv[0] = '{program}'; module.{app}()"
        )
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *command],
            env={**os.environ, **environment},
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} {' '.join(command)}: {done.returncode}\n{done.stderr}")
        return done.stdout


class OldWard:
    """The ward of the fixture, unpacked and opened by this checkout."""

    def __init__(self, checkout: Checkout, fixtures: Path, folder: Path) -> None:
        self.checkout, self.folder, self.clock = checkout, folder, Clock(NOON)
        folder.mkdir(parents=True)
        (folder / "secret").write_text(SECRET)
        (folder / "secret").chmod(0o600)
        database = gzip.decompress((fixtures / "ward.db.gz").read_bytes())
        (folder / "ward.db").write_bytes(database)

    def asked(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "ward.db")) as db, db:
            return db.execute(query, values).fetchall()

    def open(self) -> Any:
        settings = self.checkout.find("Settings", within="ward_service.settings")
        open_ward = self.checkout.find("open_ward")
        ward = open_ward(settings(data_dir=self.folder, database_url="", use="demo"))
        ward.clock = self.clock
        return ward


def schema(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The statements of an empty SQLite database that was migrated to the newest schema."""
    checkout.run("ward-service", "migrate", HOMEWARD_DATA_DIR=str(folder), HOMEWARD_USE="demo")
    with closing(sqlite3.connect(folder / "ward.db")) as db:
        rows = db.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {f"{kind} {name}": sql for kind, name, sql in rows}


def settings_of(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The variables that the ward reads, with their defaults."""
    model = checkout.find("Settings", within="ward_service.settings")
    return {
        name: str(field.default) for name, field in sorted(model.model_fields.items())
    }  # a factory's default is a folder of this machine


class Wire:
    """A broker that takes what it is given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def publish(self, messages: Any) -> list[Any]:
        some = list(messages)
        self.given += some
        return [self for _ in some]

    def is_published(self) -> bool:
        return True


def said_by_wire(messages: Any) -> list[str]:
    """Return messages word for word: topic, properties with their signature, payload."""
    lines = []
    for one in messages:
        properties = " ".join(f"{name}={value}" for name, value in one.properties)
        payload = one.payload.decode()
        lines.append(f"{one.topic} retain={one.retain} {properties} {payload}")
    return sorted(lines)


def plans(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """Every plan of the old ward, sent again: those that did not change keep their number."""
    old = OldWard(checkout, fixtures, folder / "ward")
    old.asked("UPDATE plan SET sent = asked - 1")
    wire = Wire()
    post = checkout.find("PlanPost", "PlanSender")(old.open())
    for _ in range(3):
        post.deliver(wire, NOON)
    return said_by_wire(wire.given)


def told_seen(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The receipts that tell homes that a clinician has seen a reading."""
    old = OldWard(checkout, fixtures, folder / "ward")
    old.asked("UPDATE seen SET sent = asked - 1")
    wire = Wire()
    post = checkout.find("SeenPost", "ReadReceiptSender", "SeenSender")(old.open())
    for _ in range(3):
        post.deliver(wire, NOON)
    return said_by_wire(wire.given)


class Sender:
    """A home as the wire sees it: it signs what it sends, by the ward's own contract."""

    def __init__(self, checkout: Checkout, gateway: str, key: bytes, slot: int = 1) -> None:
        self.gateway, self.key, self.slot, self.seq = gateway, key, slot, 0
        self.envelope = checkout.find("Envelope", within="ward_service.contract")
        self.arrived = checkout.find("Arrived", "ArrivedMessage", "Message", within="ward_service.")

    def sends(self, payload: bytes, id_: UUID, at: datetime, key: bytes | None = None) -> Any:
        self.seq += 1
        topic = f"homeward/v1/{self.gateway}/readings"
        envelope = self.envelope(
            sent_at=at, slot=self.slot, stream="compared", seq=self.seq, correlation=id_.bytes
        )
        properties = tuple(envelope.properties(topic, payload, key or self.key))
        return self.arrived(topic, properties, id_.bytes, payload)


def id_number(n: int, at: datetime = NOON) -> UUID:
    """Return a UUIDv7 that is always the same."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | n)


def reading(n: int, spo2: float, at: datetime, **more: Any) -> bytes:
    values = [{"vital": "spo2", "value": spo2}, {"vital": "pulse_rate", "value": 70 + n % 30}]
    whole = {
        "reading_id": str(id_number(n)),
        "measured_at": at.isoformat(),
        "source": "ble",
        "observations": values,
        **more,
    }
    return json.dumps(whole).encode()


def take(checkout: Checkout) -> Callable[..., list[Any]]:
    found: Callable[..., list[Any]] = checkout.find("take_in", "dispatch_batch", "take_messages")
    return found


def receipts(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """What the old ward answers to one batch, and what it keeps: valid, twice, unreadable, odd."""
    old = OldWard(checkout, fixtures, folder / "ward")
    ward, now = old.open(), NOON + timedelta(minutes=5)
    before = old.asked("SELECT max(received_no) FROM reading")[0][0]
    places = old.asked(
        "SELECT gateway_id, slot FROM slot WHERE until IS NULL ORDER BY gateway_id, slot"
    )
    batch = []
    for n, (gateway, slot) in enumerate(places):
        home = Sender(checkout, gateway, ward.key_of(gateway), slot)
        home.seq = 1_000 * slot
        message = home.sends(reading(n, (97, 93, 90, 96, 88.5)[n % 5], now), id_number(n), now)
        batch += [message] * (1 + n % 2)
        odd, id_ = 1_000 + 10 * n, id_number(1_000 + 10 * n)
        match n % 8:
            case 0:
                batch.append(home.sends(b"not json", id_, now))
            case 1:
                batch.append(home.sends(b'{"reading_id": 7}', id_, now))
            case 2:
                batch.append(home.sends(reading(odd, 95, now), id_, now, key=b"x" * 32))
            case 3:
                home.slot = 77
                batch.append(home.sends(reading(odd, 95, now), id_, now))
            case 4:
                batch.append(home.sends(reading(n, 80, now), id_number(n), now))
            case 5:
                late = now - timedelta(hours=9)
                batch.append(home.sends(reading(odd, 91, late), id_, now))
            case 6:
                wrong = now - timedelta(days=400)
                batch.append(home.sends(reading(odd, 91, wrong), id_, now))
            case 7:
                answers = [{"question": "red_flags", "answer": "new_confusion"}]
                body = reading(odd, 96, now, source="patient", answers=answers, call_me=True)
                batch.append(home.sends(body, id_, now))
    answered = take(checkout)(ward, batch, now)
    rooms = ("ward_service.ingest.receipts", "ward_service.homes.receipts")
    sign = checkout.find_in(rooms, "signed", "sign_receipts")
    rows = old.asked(
        "SELECT hex(reading_id), level, findings, doubts, fills, late, time_doubtful, news2"
        " FROM reading WHERE received_no > ? ORDER BY received_no",
        before,
    )
    kept = old.asked("SELECT gateway_id, slot, reason, times FROM quarantine ORDER BY id")
    return {
        "messages": said_by_wire(sign(answered, ward.key_of, now)),
        "judged": [[str(value) for value in row] for row in rows],
        "quarantined": [[str(value) for value in row] for row in kept],
        "ledger": ledger(old),
    }


def ledger(old: OldWard) -> list[str]:
    """Return the ledger in its order, with names of stays and of alerts instead of ids.

    An alert is named by its class and the moment when it opened: a stay has one of a class at once.
    """
    alerts = {
        id_: f"{kind} {opened_at}"
        for id_, kind, opened_at in old.asked("SELECT id, alert_class, opened_at FROM alert")
    }
    rows = old.asked(
        "SELECT family_name, alert_id, at, noticed_at, by, what, words, change"
        " FROM ledger JOIN episode ON episode.id = episode_id"
        " JOIN patient ON patient.id = patient_id"
        " ORDER BY family_name, ledger.id"
    )
    lines = []
    for name, alert, at, noticed_at, by, what, words, change in rows:
        seen = alerts[alert] if alert else "stay"
        line = " | ".join((name, seen, at, noticed_at, by, what, words, change or ""))
        lines.append(UUIDS.sub("an id", line))
    return lines


def look(checkout: Checkout, ward: Any, now: datetime) -> None:
    look_at_silence = checkout.find("look_at_silence", "process_due_deadlines")
    while look_at_silence(ward, now) == 1_000:
        pass
    checkout.find("look_at_gaps", "process_gaps", "process_due_gaps")(ward, now)


def living_on(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The old ward for eight hours in which nothing comes: deadlines, ladders, calls."""
    old = OldWard(checkout, fixtures, folder / "ward")
    ward = old.open()
    for hours in (1, 4, 8):
        old.clock.at = NOON + timedelta(hours=hours)
        look(checkout, ward, old.clock.at)
    written = checkout.find("write_due")(ward, old.clock.at)
    calls = old.asked('SELECT key, "to", by, text_id, level, due_at, not_after FROM message')
    return {
        "ledger": ledger(old),
        "due": written,
        "calls": sorted(UUIDS.sub("an id", str(call)) for call in calls),
    }


def served(checkout: Checkout, ward: Any) -> Any:
    from fastapi.testclient import TestClient

    app = checkout.find("create_app", within="ward_service.api")(ward)
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/session", json={"username": "nurse-3", "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client


def board(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The ward list of the old ward as the API gives it."""
    old = OldWard(checkout, fixtures, folder / "ward")
    found = served(checkout, old.open()).get("/triage")
    return {"status": found.status_code, "board": found.json()}


def openapi(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The description of the API."""
    old = OldWard(checkout, fixtures, folder / "ward")
    return checkout.find("create_app", within="ward_service.api")(old.open()).openapi()


def wire_schema(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The messages between homes and ward as JSON Schema."""
    models = [
        checkout.find(name, within="ward_service.contract")
        for name in ("Reading", "Trace", "Status", "Receipts", "Plan")
    ]
    return {f"message {n}": model.model_json_schema() for n, model in enumerate(models)}


def log_names(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The names of all log lines that the code can write."""
    return sorted(checkout.log_names)


def extract(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The package that evaluators get from the old ward: every file, and the register's line."""
    old = OldWard(checkout, fixtures, folder / "ward")
    release = ("--requested-by", "An Evaluator", "--for", "comparing", "--agreed-by", "A Lead")
    url = f"sqlite:///{old.folder / 'ward.db'}"
    out = folder / "out" / "release"
    out.parent.mkdir()
    said = checkout.run(
        "evaluation-export", "build", "--out", str(out), *release, HOMEWARD_EXTRACT_DATABASE_URL=url
    )
    files = {
        str(path.relative_to(out.parent)): path.read_bytes().decode()
        for path in sorted(out.parent.rglob("*"))
        if path.is_file()
    }
    return {"said": said.replace(str(out), "OUT"), "files": files}


def replays(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """What the command says that the two versions of then would have changed."""
    old = OldWard(checkout, fixtures, folder / "ward")
    real_now = datetime.now(UTC).isoformat()  # noqa: TID251 - the demo clock begins at real time
    clock = f"{real_now} {(NOON + timedelta(days=1)).isoformat()} 1"
    said = {}
    for candidate in ("covid-oximetry-at-home@2", "covid-virtual-ward@1"):
        told = checkout.run(
            "ward-service", "replay", "--pathway", candidate, "--from", "2026-11-09",
            "--to", "2026-11-24", "--json", HOMEWARD_DATA_DIR=str(old.folder),
            HOMEWARD_USE="demo", HOMEWARD_DEMO_CLOCK=clock,
        )  # fmt: skip
        said[candidate] = json.loads(told)
    return said


def spool(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """What the old spool holds, and what waits in it, as this checkout reads it."""
    path = folder / "home.spool"
    path.write_bytes(gzip.decompress((fixtures / "home.spool.gz").read_bytes()))
    with checkout.find("Spool", within="device_gateway")(path) as opened:
        waiting = [
            [one.seq, str(one.reading_id), one.slot, one.payload.decode()]
            for one in opened.after(0, 999)
        ]
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        rows = {
            name: sorted(repr(row) for row in db.execute(f'SELECT * FROM "{name}"'))  # noqa: S608
            for name, sql in tables
            if sql.lower().startswith("create table")
        }
    return {"waiting": waiting, "tables": dict(tables), "rows": rows}


def street(checkout: Checkout, fixtures: Path, folder: Path) -> Any:
    """The ledger of an invented street that is lived through the pipeline, with a fixed seed."""
    old = OldWard(checkout, fixtures, folder / "ward")
    (old.folder / "ward.db").unlink()
    old.clock.at = STREET_BEGAN
    ward = old.open()
    add_gateway = checkout.find("add_gateway")
    admit = checkout.find_in(("ward_service.admission", "ward_service.stays"), "admit")
    admission = checkout.find("Admission", within="ward_service.contract")
    simulates = ("device_gateway.simulate", "device_gateway.playback")
    person, reports = (checkout.find_in(simulates, name) for name in ("person", "reports"))
    sent: list[tuple[datetime, int, Any]] = []
    for index in range(STREET_PEOPLE):
        gateway = f"street-{index:02d}"
        home = Sender(checkout, gateway, bytes.fromhex(add_gateway(ward, gateway, STREET_BEGAN)))
        given = admission(
            family_name=f"House-{index:02d}", given_name="Pat", birth_date="1950-01-01",
            sex="female", nhs_number=NHS_NUMBERS[index], gateway=gateway, phone="07700 900000",
            language="en", symptom_onset_date="2026-11-22", rest_spo2=97, referral_source="gp",
            referral_at=STREET_BEGAN - timedelta(days=1),
        )  # fmt: skip
        admit(ward, given, STREET_BEGAN)
        who = person(STREET_SEED, index, STREET_PEOPLE, STREET_BEGAN)
        sent += measured_by(checkout, reports(who), home, index)
    sent.sort(key=lambda one: one[:2])
    now = STREET_BEGAN
    while now < STREET_BEGAN + timedelta(hours=STREET_HOURS):
        now += timedelta(minutes=10)
        batch = [message for at, _, message in sent if now - timedelta(minutes=10) < at <= now]
        if batch:
            take(checkout)(ward, batch, now)
        look(checkout, ward, now)
    rows = old.asked(
        "SELECT gateway_id, seq, measured_at, source, level, findings, doubts, payload"
        " FROM reading ORDER BY gateway_id, received_no"
    )
    return {
        # Ids are random here, and of deadlines of one moment the order is that of ids.
        "ledger": sorted(ledger(old)),
        "readings": [UUIDS.sub("an id", str(row)) for row in rows],
        "messages": len(sent),
    }


def measured_by(
    checkout: Checkout, reports: Any, home: Sender, index: int
) -> Iterator[tuple[datetime, int, Any]]:
    homes = ("device_gateway.homes", "device_gateway.config")
    place_of = checkout.find_in(homes, "Place", "HomePlace")
    place = place_of(gateway=home.gateway, key=home.key.hex(), slot=1)
    for due in reports:
        if due.at > STREET_BEGAN + timedelta(hours=STREET_HOURS):
            return
        item = due.item if hasattr(due.item, "payload") else as_reading(checkout, due.item, place)
        if hasattr(item, "payload"):
            yield due.at, index, home.sends(item.payload, item.reading_id, due.at)


class Sendable(NamedTuple):
    """A reading of an invented home, as it travels."""

    reading_id: Any
    payload: bytes


def as_reading(checkout: Checkout, capture: Any, place: Any) -> Any:
    """Return what a frame makes of a home: by one function before, by three since."""
    within = ("device_gateway",)
    try:
        spooled = checkout.find("spooled", within="device_gateway")
    except LookupError:
        one = checkout.find_in(within, "measured")(capture)
        reading = checkout.find_in(within, "as_reading")(one, f"{place.gateway}/{place.slot}")
        return Sendable(reading.reading_id, checkout.find_in(within, "in_bytes")(reading))
    return spooled(capture, place)


def nhs_numbers() -> Iterator[str]:
    """Yield numbers of the 999 range whose check digit exists: nobody has them."""
    for n in range(1_000):
        base = f"999{n:06d}"
        total = sum(int(d) * w for d, w in zip(base, range(10, 1, -1), strict=True))
        if (check := (11 - total % 11) % 11) < 10:
            yield f"{base}{check}"


NHS_NUMBERS = list(nhs_numbers())
ITEMS: dict[str, Callable[[Checkout, Path, Path], Any]] = {
    "database schema": schema,
    "settings": settings_of,
    "plans": plans,
    "receipts": receipts,
    "receipts of what was seen": told_seen,
    "old ward living on": living_on,
    "ward list": board,
    "replays": replays,
    "extract": extract,
    "street": street,
    "spool": spool,
    "wire schema": wire_schema,
    "OpenAPI": openapi,
    "log names": log_names,
}


def as_json(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def main(root: Path, fixtures: Path, out: Path) -> None:
    checkout, said = Checkout(root), {}
    with tempfile.TemporaryDirectory() as name:
        for item, probe in ITEMS.items():
            folder = Path(name) / hashlib.sha256(item.encode()).hexdigest()[:8]
            folder.mkdir()
            try:
                found: Any = {"is": probe(checkout, fixtures, folder)}
            except Exception as error:  # noqa: BLE001 - one item must not hide the others
                where = traceback.format_exc().strip().splitlines()[-3:]
                found = {"failed": f"{type(error).__name__}: {error}", "where": where}
            said[item] = found
    out.write_text(json.dumps(said, default=as_json, sort_keys=True))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    main(*(Path(argument) for argument in sys.argv[1:4]))
