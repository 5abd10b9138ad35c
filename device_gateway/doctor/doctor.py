"""Is this home well? Each check says in plain words what it found, and what to do about it.

Nothing here changes anything: the spool is opened for reading only, and a gateway that runs is not
thrown off its connection to the broker.
"""

import ctypes
import fcntl
import os
import shutil
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from device_gateway.config.devices_file import FILE_NAME, DevicesError, read_devices
from device_gateway.config.homes_file import Broker, HomesError, HomesFile, Place, read_homes
from device_gateway.spool.file import SpoolError
from device_gateway.spool.records import HeldPlan
from device_gateway.spool.spool import Spool
from ward_service.domain.plan import PlanError, read_plan

PATIENCE_S: Final = 10.0  # for one answer of the broker; a rural line answers in 2
# A day of one person's continuous minutes is 3 MB; below this a fortnight's outage would not fit.
DISK_LOW: Final = 200_000_000  # bytes; ours
# A home that works has a receipt for each agreed reading; two days without one is worth a look.
HEARD_LONG_AGO: Final = timedelta(days=2)  # ours
_CLOCK_NOT_SET: Final = 5  # TIME_ERROR of adjtimex(2): nobody disciplines the kernel's clock


class Verdict(StrEnum):
    """What a check found. `MIND`: it works, and somebody should know."""

    FINE = "fine"
    MIND = "mind"
    BAD = "NOT WELL"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do (empty: nothing)."""

    what: str
    verdict: Verdict
    words: str
    todo: str = ""


def examine(homes: Path, spool_dir: Path, now: datetime) -> Iterator[Check]:
    """Yield what each check found, as it is found; the broker may take some seconds."""
    yield check_clock(spool_dir, now)
    yield check_disk(spool_dir)
    try:
        known = read_homes(homes)
    except HomesError as error:
        todo = "Ask the ward for a code, then: device-gateway enrol CODE --ward ADDRESS"
        yield Check("homes", Verdict.BAD, f"{error}.", todo)
        return
    yield _said_of(homes, known)
    for place in known.homes:
        path = spool_dir / f"{place.gateway}.spool"
        yield from check_spool(path, place, now)
        yield from check_plans(path, place, now)
    first = known.homes[0]
    runs = is_held(spool_dir / f"{first.gateway}.spool")
    yield check_broker(known.broker, first, runs=runs)
    yield from _check_radio(homes.with_name(FILE_NAME))


def check_disk(folder: Path) -> Check:
    """Look whether the disk under the spool has room, and lets us write."""
    there = folder
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        todo = f"Run it as the user that owns {there}, or: sudo chown $USER {there}"
        return Check("disk", Verdict.BAD, f"{there} cannot be written to.", todo)
    free = shutil.disk_usage(there).free
    if free < DISK_LOW:
        todo = "Free space on this disk. What is in the spool is safe, and is sent meanwhile."
        return Check("disk", Verdict.BAD, f"Only {_megabytes(free)} are free for readings.", todo)
    return Check("disk", Verdict.FINE, f"{_megabytes(free)} are free for readings.")


def check_clock(spool_dir: Path, now: datetime) -> Check:
    """Look whether somebody sets the clock, and whether it went back behind what was measured."""
    newest = max((at for path in spool_dir.glob("*.spool") if (at := _newest(path))), default=None)
    said = f"It is {now:%Y-%m-%d %H:%M:%S} UTC by this machine."
    if newest is not None and now < newest:
        words = f"{said} The newest reading here is of {newest:%Y-%m-%d %H:%M:%S}."
        todo = "Set the clock: sudo timedatectl set-ntp true. Readings are sent all the same."
        return Check("clock", Verdict.BAD, words, todo)
    if _kernel_clock() == _CLOCK_NOT_SET:
        todo = "Turn network time on: sudo timedatectl set-ntp true"
        return Check("clock", Verdict.MIND, f"{said} Nothing here sets it by the network.", todo)
    return Check("clock", Verdict.FINE, f"{said} It is set by the network.")


def _kernel_clock() -> int:
    """Return what the kernel says of its clock, whoever sets it: timesyncd, chrony or ntpd."""
    nothing_to_change = ctypes.create_string_buffer(256)  # struct timex, all zero: only ask
    return int(ctypes.CDLL(None).adjtimex(nothing_to_change))


def check_spool(path: Path, place: Place, now: datetime) -> Iterator[Check]:
    """Look what a home's spool holds, whether it is being sent, and when the ward last answered."""
    what = f"spool of {place.gateway}"
    if not path.exists():
        todo = "Start it: device-gateway run"
        yield Check(what, Verdict.MIND, "Nothing was ever measured here.", todo)
        return
    try:
        depth, oldest, heard = _read_spool(path)
    except sqlite3.Error as error:
        todo = "Keep the file, and give support a copy. Do not delete it: it may hold readings."
        yield Check(what, Verdict.BAD, f"It cannot be read ({error}).", todo)
        return
    runs = is_held(path)
    words = "1 reading waits" if depth == 1 else f"{depth} readings wait"
    words += " for the ward's receipt"
    if oldest is not None:
        words += f", the oldest for {_age(now - oldest)}"
    if not runs:
        todo = "Start it: device-gateway run"
        yield Check(what, Verdict.BAD, f"{words}. No device-gateway is running.", todo)
    elif depth:
        todo = "If this does not fall, look at the line about the broker."
        yield Check(what, Verdict.MIND, f"{words}. A device-gateway is running.", todo)
    else:
        yield Check(what, Verdict.FINE, f"{words}. A device-gateway is running.")
    if heard is not None and now - heard > HEARD_LONG_AGO:
        words = f"The ward last answered {_age(now - heard)} ago."
        todo = "If somebody has measured since, ring the ward: they may not have it."
        yield Check("ward", Verdict.MIND, words, todo)
    elif heard is not None:
        yield Check("ward", Verdict.FINE, f"The ward last answered {_age(now - heard)} ago.")


def check_plans(path: Path, place: Place, now: datetime) -> Iterator[Check]:
    """Look by which plan the people of a home are advised, and how old it is."""
    try:
        with Spool(path, look_only=True) as spool:
            plans = spool.plans()
    except SpoolError:
        plans = []  # there is no spool, or it cannot be read: the check of it says so
    for held in plans:
        yield _said_of_plan(f"plan of slot {held.slot}", held, now)
    if not plans:
        words = "No plan: only the plain safety words are told."
        todo = "If somebody was admitted here, the ward sends it as soon as this home is online."
        yield Check(f"plan of {place.gateway}", Verdict.MIND, words, todo)


def _said_of_plan(what: str, held: HeldPlan, now: datetime) -> Check:
    which = f"Number {held.number}, which came {_age(now - held.received_at)} ago"
    try:
        plan = read_plan(held.payload)
    except PlanError:
        words = f"{which}, is not understood: only the plain safety words are told."
        return Check(what, Verdict.BAD, words, "Tell support: this program may be too old for it.")
    if plan.ended:
        words = f"{which}, says that the stay has ended: only the plain safety words are told."
        return Check(what, Verdict.FINE, words)
    return Check(what, Verdict.FINE, f"{which}, is in force.")


def _check_radio(file: Path) -> Iterator[Check]:
    try:
        devices = read_devices(file)
    except DevicesError as error:
        yield Check("radio", Verdict.BAD, f"{error}.")
        return
    if find_spec("bleak") is None or find_spec("dbus_fast") is None:
        todo = "It needs Linux, and the gateway's own extra: pip install homeward[gateway]"
        verdict = Verdict.BAD if devices.devices else Verdict.MIND
        yield Check("radio", verdict, "This program has no Bluetooth in it.", todo)
        return
    from device_gateway.doctor.radio import check_radio

    yield from check_radio(devices)


def check_broker(broker: Broker, place: Place, *, runs: bool) -> Check:
    """Visit the broker as this gateway, and leave again.

    While the gateway `runs`, only under another client id: its own would throw it off. A broker
    whose accounts are bound to their client id lets no other in, which then says nothing.
    """
    where = f"{broker.host}:{broker.port}"
    try:
        socket.create_connection((broker.host, broker.port), PATIENCE_S).close()
    except socket.gaierror:
        todo = "Look whether this machine is on the network, then ask the ward for the address."
        return Check("broker", Verdict.BAD, f"Nobody here knows where {broker.host} is.", todo)
    except OSError as error:
        todo = "Look whether this machine is on the network. What is measured waits in the spool."
        reason = error.strerror or "no answer"
        return Check("broker", Verdict.BAD, f"{where} does not answer ({reason}).", todo)
    try:
        refused = _visit(broker, f"{place.gateway}-doctor" if runs else place.gateway)
    except ssl.SSLCertVerificationError as error:
        todo = "If the clock above is right, ask the ward for a new code and enrol again."
        words = f"{where} has no certificate that we trust ({error.verify_message})."
        return Check("broker", Verdict.BAD, words, todo)
    except (OSError, ValueError):
        todo = "Ask the ward whether their broker speaks TLS, and on which port."
        return Check("broker", Verdict.BAD, f"{where} answers, but not as a broker does.", todo)
    if refused and runs and broker.username is not None:
        words = f"{where} is there. A gateway is running, so nobody else is let in to look."
        todo = "If readings wait and do not get fewer, stop the gateway and run this again."
        return Check("broker", Verdict.MIND, words, todo)
    if refused:
        todo = "Ask the ward for a new code and enrol again; this gateway may have been revoked."
        return Check("broker", Verdict.BAD, f"{where} refuses this gateway ({refused}).", todo)
    how = "encrypted" if broker.tls_ca else "NOT encrypted"
    words = f"{where} lets this gateway in; the line is {how}."
    if broker.tls_ca is None and broker.host not in ("127.0.0.1", "localhost", "::1"):
        todo = "Ask the ward for an address with TLS: others on this line can read along."
        return Check("broker", Verdict.MIND, words, todo)
    return Check("broker", Verdict.FINE, words)


def _visit(broker: Broker, client_id: str) -> str:
    """Sign in and leave; return why we were refused, empty when we were not.

    Raises:
        OSError: the connection broke before there was an answer.
    """
    answers: SimpleQueue[str] = SimpleQueue()

    def hear(_: Client, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        answers.put(str(reason) if reason.is_failure else "")

    client = Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
    )
    client.connect_timeout = PATIENCE_S
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls_ca is not None:
        client.tls_set(ca_certs=str(broker.tls_ca))
    client.on_connect = hear
    client.connect(broker.host, broker.port, keepalive=10)
    client.loop_start()
    try:
        return answers.get(timeout=PATIENCE_S)
    except Empty:
        raise OSError("no answer") from None
    finally:
        client.disconnect()
        client.loop_stop()


def _said_of(path: Path, known: HomesFile) -> Check:
    names = ", ".join(place.gateway for place in known.homes)
    return Check("homes", Verdict.FINE, f"{path} names {names}.")


def _read_spool(path: Path) -> tuple[int, datetime | None, datetime | None]:
    """Return how many readings wait, when the oldest was taken, and when a receipt last came."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        depth, oldest = db.execute("select count(*), min(taken_at) from outbox").fetchone()
        [heard] = db.execute("select max(receipted_at) from kept").fetchone()
    return int(depth), _moment(oldest), _moment(heard)


def _newest(path: Path) -> datetime | None:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "select max(at) from (select max(taken_at) as at from outbox"
                " union select max(measured_at) from kept)"
            ).fetchall()
    except sqlite3.Error:
        return None  # the check of the spool says so
    return _moment(rows[0][0])


def is_held(path: Path) -> bool:
    """Say whether a process has this spool open: it holds the lock then."""
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _age(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
