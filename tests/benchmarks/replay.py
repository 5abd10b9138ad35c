"""How fast a month is replayed: `python -m tests.benchmarks.replay [people] [days]`.

A store of invented people with three readings a day, acts, silence and low values is written in
bulk: lived through in memory by the same fold, for a few hundred patterns of a person, each used
again under other ids. Then it is replayed over the processors of this machine, beside folding it
with one, and beside only reading the rows. Never a timed assertion: it prints.
"""

import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import insert, select

from tests.factories import COH, NOON, a_ward
from ward_service.contract.ids import derived_id, new_id
from ward_service.contract.messages import Observation, Reading
from ward_service.contract.vocabulary import AlertOutcome, AlertState, Channel, Mode, Source, Vital
from ward_service.domain.alerts import AlertInPlay
from ward_service.domain.episode import Person, begin, step
from ward_service.domain.from_wire import as_input
from ward_service.domain.inputs import Acknowledged, Act, ContactMade, Input, Resolved, TimePassed
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.state import EpisodeState, Message, Step
from ward_service.pathways.load import SHIPPED
from ward_service.replay.run import Asked, replay
from ward_service.store.alerts import _FINDINGS, _SAME
from ward_service.store.connect import engine_of
from ward_service.store.stays import as_admitted, stored
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import ActRow, EpisodeRow, PatientRow
from ward_service.ward import Ward

PATTERNS = 300
TEXT = (SHIPPED / "covid-oximetry-at-home.yaml").read_text()
CANDIDATE = TEXT.replace("\nversion: 3\n", "\nversion: 4\n").replace(
    'default: { is: 92, source: "CLINICAL 1.3 [V2 S5, S7, S8, S9]" }',
    'default: { is: 93, source: "CLINICAL 1.3 [V2 S5, S7, S8, S9]" }',
)
CANDIDATE = CANDIDATE.replace(
    'default: { is: 94, source: "CLINICAL 1.3 [V2 S5, S7, S9, S22]" }',
    'default: { is: 95, source: "CLINICAL 1.3 [V2 S5, S7, S9, S22]" }',
)  # a red higher, and an amber higher: more alerts, which the ward answers as it usually does


@dataclass
class Lived:
    """One invented person's month, folded once."""

    admitted_at: datetime
    person: Person
    state: EpisodeState
    readings: list[tuple[int, datetime, str, Step]] = field(default_factory=list)
    acts: list[tuple[int, datetime, Act]] = field(default_factory=list)
    alerts: dict[UUID, AlertInPlay] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    inputs: int = 0

    def fold(self, episode_id: UUID, happened: Input, now: datetime) -> Step:
        done = step(episode_id, self.state, happened, now, COH)
        self.state = done.state
        self.alerts |= done.changed
        self.messages += done.messages
        self.inputs += not isinstance(happened, TimePassed)
        return done


def a_month(seed: int, days: int) -> Lived:
    """Three readings a day, one in twenty skipped, some low; alerts taken in time and ended."""
    random = Random(seed)
    admitted_at = NOON - timedelta(minutes=random.randrange(1, 240))
    usual = random.choice([98, 98, 97, 97, 96, 96, 95, 94])
    person = Person(
        Mode.MONITORED, limits_at_admission(COH), onset_on=admitted_at.date(), age_years=70
    )
    lived = Lived(admitted_at, person, begin(admitted_at, COH, person))
    id_ = UUID(int=seed)
    for day in range(days):
        for hour in (9, 13, 17):
            at = (NOON + timedelta(days=day)).replace(hour=hour) + timedelta(
                minutes=random.gauss(0, 20)
            )
            if at <= admitted_at or random.random() < 0.05:
                continue
            spo2 = min(99, max(85, round(usual + random.gauss(0, 1.2))))
            values = {Vital.SPO2: spo2, Vital.PULSE_RATE: random.randrange(60, 100)}
            reading = Reading(
                reading_id=derived_id(at, seed),
                measured_at=at,
                source=Source.BLE,
                observations=tuple(Observation(vital=v, value=x) for v, x in values.items()),
            )
            now = at + timedelta(seconds=random.randrange(1, 30))
            done = lived.fold(id_, as_input(reading, 1), now)
            payload = reading.model_dump_json(exclude_defaults=True)
            lived.readings.append((lived.inputs, now, payload, done))
            answer_in(lived, id_, random, now + timedelta(minutes=random.randrange(5, 90)))
    lived.fold(id_, TimePassed(), NOON + timedelta(days=days))
    return lived


def answer_in(lived: Lived, id_: UUID, random: Random, at: datetime) -> None:
    lived.fold(id_, TimePassed(), at)
    for alert in lived.state.alerts:
        deeds: list[Act] = []
        if alert.state is not AlertState.ACKNOWLEDGED:
            deeds.append(Acknowledged(alert.id, "nurse-1", alert.version))
            deeds.append(ContactMade(alert.id, "nurse-1", Channel.PHONE, True))
        else:
            outcome = random.choice([AlertOutcome.ADVICE, AlertOutcome.ADVICE, AlertOutcome.ED])
            deeds.append(
                Resolved(alert.id, "nurse-1", alert.version, outcome, True, True, False, "well")
            )
        for deed in deeds:
            lived.fold(id_, deed, at)
            lived.acts.append((lived.inputs, at, deed))


def write(ward: Ward, patterns: list[Lived], people: int) -> int:
    """Write everybody in bulk; return how many readings."""
    readings = 0
    for begun in range(0, people, 500):
        rows: dict[type, list[dict[str, Any]]] = {
            row: [] for row in (PatientRow, EpisodeRow, ReadingRow, ActRow, AlertRow, MessageRow)
        }
        for n in range(begun, min(begun + 500, people)):
            somebody(n, patterns[n % len(patterns)], rows)
        with ward.sessions.begin() as session:
            for row, values in rows.items():
                if values:
                    session.execute(insert(row.__table__), values)  # type: ignore[attr-defined]
        readings += len(rows[ReadingRow])
    return readings


_ACTS = {kind: TypeAdapter(kind) for kind in (Acknowledged, ContactMade, Resolved)}


def somebody(n: int, lived: Lived, rows: dict[type, list[dict[str, Any]]]) -> None:
    patient, episode = new_id(NOON), new_id(lived.admitted_at)
    named = {
        id_: derived_id(alert.opened_at, episode, number)
        for number, (id_, alert) in enumerate(lived.alerts.items())
    }
    rows[PatientRow].append(
        {
            "id": patient,
            "family_name": f"Invented-{n}",
            "given_name": "Pat",
            "birth_date": NOON.date().replace(year=1950),
            "nhs_number": "",
            "phone": "",
            "email": "",
            "reach": Channel.PHONE,
        }
    )
    rows[EpisodeRow].append(
        {
            "id": episode,
            "patient_id": patient,
            "pathway": COH.name,
            "admitted_at": lived.admitted_at,
            "birth_year": 1930 + n % 60,
            "sex": ("female", "male")[n % 2],
            "ethnicity": (None, "A")[n % 2],
            "deprivation_decile": 1 + n % 10,
            "language": "en",
            "channel": "ble",
            "mode": Mode.MONITORED,
            "admitted_as": as_admitted(lived.person),
            "state": stored(lived.state),
            "version": 1,
            "inputs": lived.inputs,
            "due_written_until": NOON,
        }
    )
    for number, now, payload, done in lived.readings:
        judged = done.judged
        assert judged is not None
        rows[ReadingRow].append(
            {
                "reading_id": judged.reading.reading_id,
                "gateway_id": f"home-{n}",
                "slot": 1,
                "episode_id": episode,
                "input_no": number,
                "measured_at": judged.reading.measured_at,
                "judged_at": judged.judged_at,
                "received_at": now,
                "source": Source.BLE,
                "context": judged.reading.context,
                "spo2": judged.reading.values[Vital.SPO2],
                "pulse_rate": judged.reading.values[Vital.PULSE_RATE],
                "payload": payload,
                "level": judged.assessment.level,
                "fills": True,
                "doubtful": False,
                "time_doubtful": False,
                "late": False,
                "pathway": COH.name,
            }
        )
    for number, now, deed in lived.acts:
        assert isinstance(deed, Acknowledged | ContactMade | Resolved)
        mine = replace(deed, alert_id=named[deed.alert_id])
        rows[ActRow].append(
            {
                "key": f"{n}-{number}",
                "username": "nurse-1",
                "episode_id": episode,
                "alert_id": mine.alert_id,
                "at": now,
                "kind": type(deed).__name__,
                "refused": "",
                "deed": _ACTS[type(deed)].dump_python(mine, mode="json"),
                "input_no": number,
            }
        )
    for alert in lived.alerts.values():
        values = {name: getattr(alert, name) for name in _SAME}
        findings = _FINDINGS.dump_python(alert.findings, mode="json")
        rows[AlertRow].append(
            values | {"id": named[alert.id], "episode_id": episode, "findings": findings}
        )
    for place, message in enumerate(lived.messages):
        rows[MessageRow].append(
            {
                "key": f"{n}-{place}",
                "episode_id": episode,
                "to": message.to,
                "by": [],
                "alert_id": named[message.alert_id] if message.alert_id else None,
                "text_id": message.text,
                "due_at": message.at,
                "written_at": message.at,
                "attempts": 0,
            }
        )


@contextmanager
def watching() -> Iterator[list[float]]:
    """Watch the memory of this process and its children: the highest sum seen, in MB."""
    highest, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            highest[0] = max(highest[0], sum(resident(pid) for pid in family()))

    thread = threading.Thread(target=watch)
    thread.start()
    yield highest
    stop.set()
    thread.join()


def family() -> list[int]:
    found, me = [os.getpid()], os.getpid()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == me:
            found.append(int(status.parent.name))
    return found


def resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def cpu_s() -> float:
    """Seconds that this process and its ended children computed: others may share the cores."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def say(what: str, seconds: float, readings: int, whole: float) -> None:
    print(f"{what:44s}{seconds:8.1f} s{readings / seconds:10.0f} /s{whole / seconds:8.2f}")


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 12_000
    days = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    with tempfile.TemporaryDirectory(prefix="homeward-benchmark-") as name:
        ward = a_ward(Path(name))
        patterns = [a_month(seed, days) for seed in range(PATTERNS)]
        readings = write(ward, patterns, people)
        alerts = sum(len(p.alerts) for p in patterns) * people // PATTERNS
        print(f"{people} people, {days} days, {readings} readings, about {alerts} alerts")
        patterns.clear()
        held = resident(os.getpid())
        began = time.perf_counter()
        with ward.sessions() as session:
            row = ReadingRow
            rows = session.execute(
                select(row.episode_id, row.input_no, row.received_at, row.slot, row.payload)
            )
            assert sum(1 for _ in rows) == readings
        plain = time.perf_counter() - began
        say("only reading the rows", plain, readings, plain)
        url, until = ward.settings.database, NOON + timedelta(days=days)
        asked = Asked(CANDIDATE, "candidate", NOON, until)
        for processes in (os.cpu_count() or 1, 1):
            with watching() as highest:
                began, computed = time.perf_counter(), cpu_s()
                report = replay(url, asked, processes=processes)
                took, computed = time.perf_counter() - began, cpu_s() - computed
            say(f"replay, {processes} processes", took, readings, plain)
            each = computed / readings * 1e6
            print(f"{'  seconds computed, in all':44s}{computed:8.1f} s{each:10.0f} us each")
            print(f"{'  peak memory beyond what this held before':44s}{highest[0] - held:8.0f} MB")
            if "--once" in sys.argv:
                break
        whole = report.whole
        print(f"{whole.live} alerts live, {whole.candidate} of the candidate, {whole.more} more")
        engine_of(ward.sessions).dispose()


if __name__ == "__main__":
    main()
