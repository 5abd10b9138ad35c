"""A box is enrolled, renewed, revoked and stolen, over a real broker with TLS and accounts."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device_gateway.config.homes_file import read_homes
from device_gateway.spool.spool import Spool
from tests.factories import Home as Sender
from tests.factories import a_reading, a_ward, an_admission
from tests.fakes.ward_peer import eventually
from tests.guarded_broker import GuardedBroker
from tests.journeys.house import House
from tests.services import GATEWAY, WARD
from tests.test_log_hygiene import MARK, PHONE, a_marked_admission
from ward_service.contract.clock import real_clock
from ward_service.contract.messages import topic
from ward_service.contract.vocabulary import EndReason
from ward_service.domain.inputs import Ended
from ward_service.enrolment.enrolment import add_gateway
from ward_service.stays.acts import act_on_stay
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of

HOME = "home-01"


@pytest.fixture
def secure(tmp_path: Path, guarded: GuardedBroker) -> Iterator[House]:
    more = {"HOMEWARD_DATA_DIR": str(tmp_path / "ward"), "HOMEWARD_USE": "demo"}
    more |= {"HOMEWARD_RESEND_AFTER_S": "3", "HOMEWARD_RECONNECT_MAX_S": "1"}
    made = House(tmp_path, guarded, more | guarded.environment)  # type: ignore[arg-type]
    yield made
    made.end()


def ward_service(house: House, *arguments: str) -> str:
    done = subprocess.run(
        [str(WARD), *arguments], env={**os.environ, **house.more}, capture_output=True, text=True
    )
    with (house.folder / "commands.log").open("a") as log:
        log.write(done.stderr)
    assert done.returncode == 0, done.stderr
    return done.stdout


def device_gateway(house: House, *arguments: str) -> str:
    done = subprocess.run(
        [str(GATEWAY), *arguments, "--homes", str(house.folder / "homes.json")],
        env={**os.environ, **house.more},
        capture_output=True,
        text=True,
    )
    with (house.folder / "homes.log").open("a") as log:
        log.write(done.stdout + done.stderr)
    assert done.returncode == 0, done.stderr
    return done.stdout


def enrolled(house: House, began: datetime) -> str:
    """Invite home-01, admit a marked person to it, start the ward, and enrol the box."""
    code = ward_service(house, "gateway", "invite", HOME).splitlines()[0]
    ward = a_ward(house.folder / "ward")
    admit(ward, a_marked_admission(), began)
    engine_of(ward.sessions).dispose()
    house.start_ward()
    assert house.ward
    device_gateway(house, "enrol", code, "--ward", f"http://127.0.0.1:{house.ward.port}")
    return code


def a_recording(
    house: House, name: str, count: int, at: datetime, spo2: int = 97, every_s: float = 1
) -> str:
    path = house.folder / f"{name}.csv"
    lines = [f"{(at + timedelta(seconds=every_s * n)).isoformat()},{spo2},72" for n in range(count)]
    path.write_text("\n".join(["measured_at,spo2,pulse_rate", *lines]) + "\n")
    return str(path)


def said(house: House, words: str) -> bool:
    return words in (house.folder / "homes.log").read_text()


def test_a_new_key_loses_nothing_and_refuses_nothing_that_was_on_its_way(secure: House) -> None:
    now = real_clock().now()
    enrolled(secure, now - timedelta(hours=1))
    first = read_homes(secure.folder / "homes.json")
    day = a_recording(secure, "day", 150, now, every_s=0.1)
    secure.start_homes("replay", day)
    secure.wait_for(10, 30)
    device_gateway(secure, "renew")
    assert eventually(lambda: said(secure, '"name": "broker.refused"'), within_s=10)
    secure.kill_homes()
    on_its_way(secure, first.homes[0].key.hex(), now)
    assert secure.counts()[HOME] < 150, "the key was renewed while readings flowed"
    secure.start_homes("replay", day)
    secure.homes_finish(60)
    assert secure.counts() == {HOME: 151}
    assert secure.ask("SELECT reason, times FROM quarantine") == []
    assert read_homes(secure.folder / "homes.json").homes[0].generation == 2


def on_its_way(house: House, old_key: str, now: datetime) -> None:
    """Hand the ward a reading that was signed before the key was renewed."""
    place = read_homes(house.folder / "homes.json")
    client = Client(CallbackAPIVersion.VERSION2, HOME, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(place.broker.username, place.broker.password)
    client.tls_set(ca_certs=str(place.broker.tls_ca))
    client.connect(place.broker.host, place.broker.port)
    client.loop_start()
    assert eventually(client.is_connected)
    arrived = Sender(HOME, old_key).sends(a_reading(at=now))
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = list(arrived.properties)
    properties.CorrelationData = arrived.correlation
    client.publish(
        topic(HOME, "readings"), arrived.payload, 1, properties=properties
    ).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_a_revoked_box_is_thrown_out_within_seconds_and_stays_out(secure: House) -> None:
    now = real_clock().now()
    code = enrolled(secure, now - timedelta(hours=1))
    key = read_homes(secure.folder / "homes.json").homes[0].key.hex()
    secure.start_homes("replay", a_recording(secure, "day", 10, now), "--fast", "--stay")
    secure.wait_for(10, 30)
    began = monotonic()
    assert f"{HOME} is revoked. People with a place at it: 1." in ward_service(
        secure, "gateway", "revoke", HOME
    )
    assert eventually(lambda: said(secure, '"name": "broker.refused"'), within_s=10)
    assert monotonic() - began < 10
    secure.kill_homes()
    assert secure.ward
    again = subprocess.run(
        [str(GATEWAY), "enrol", code, "--again", "--ward", f"http://127.0.0.1:{secure.ward.port}",
         "--homes", str(secure.folder / "homes.json")],
        env={**os.environ, **secure.more}, capture_output=True, text=True,
    )  # fmt: skip
    assert (again.returncode, "This code does not work" in again.stderr) == (5, True)
    assert "revoked" in ward_service(secure, "gateway", "list")
    assert key not in (secure.folder / "ward.log").read_text()


def test_a_stolen_box_knows_nobody_and_no_log_knows_a_secret(secure: House) -> None:
    """A marked person's home holds readings, a plan and logs: whoever has the box has no name."""
    now = real_clock().now()
    code = enrolled(secure, now - timedelta(hours=1))
    homes = secure.folder / "homes.json"
    secure.start_homes("replay", a_recording(secure, "day", 10, now), "--fast")
    secure.homes_finish(30)
    device_gateway(secure, "renew")
    secure.kill_ward()
    secure.start_homes("replay", a_recording(secure, "night", 10, now, 91), "--fast")
    spool = secure.folder / "spools" / f"{HOME}.spool"
    assert eventually(lambda: waiting(spool) == 10)
    secure.kill_homes()
    with Spool(spool) as held:
        assert [plan.slot for plan in held.plans()] == [1]  # the ward's own, for this person
    admission = a_marked_admission()
    person = [MARK, admission.nhs_number, PHONE, admission.birth_date.isoformat()]
    person += [admission.birth_date.strftime(form) for form in ("%d/%m/%Y", "%d %b %Y", "%Y%m%d")]
    box = [p for p in secure.folder.iterdir() if p.name.startswith("homes")]
    box += [*(secure.folder / "spools").iterdir()]
    assert {p.name for p in box} >= {"homes.json", "homes.log", "homes.broker-ca.pem", spool.name}
    for path in box:
        found = [each for each in person if each.encode() in path.read_bytes()]
        assert found == [], f"{path.name} knows somebody"
    whole = read_homes(homes)
    secret = [code, code.replace("-", ""), whole.homes[0].key.hex(), str(whole.broker.password)]
    secret += [line for line in secure.broker.environment.values() if len(line) == 64]  # type: ignore[attr-defined]
    assert len(secret) == 6
    logs = [*secure.folder.glob("*.log"), secure.folder / "broker" / "log"]
    assert {p.name for p in logs} == {"ward.log", "homes.log", "commands.log", "log"}
    for path in logs:
        found = [each for each in secret if each in path.read_text(errors="replace")]
        assert found == [], f"{path.name} knows a secret"


def waiting(spool: Path) -> int:
    """Return how many readings a spool holds, while another process has it open."""
    try:
        with sqlite3.connect(f"file:{spool}?mode=ro", uri=True) as db:
            [count] = db.execute("SELECT count(*) FROM outbox").fetchone()
    except sqlite3.OperationalError:
        return 0
    finally:
        if "db" in locals():
            db.close()
    return int(count)


def test_an_old_spool_drains_to_whoever_had_the_slot_then(house: House) -> None:
    """A measured with no network and was discharged; B has the slot. Then the box is online."""
    now = real_clock().now()
    ward = a_ward(house.folder / "ward")
    house.keys[HOME] = add_gateway(ward, HOME, now)
    changed = now - timedelta(hours=2)
    a = admit(ward, an_admission(HOME, n=1), now - timedelta(hours=4)).episode_id
    ended = Ended("nurse", EndReason.MOVED_AREA, "Went to stay elsewhere.", "yes", True)
    act_on_stay(ward, a, ended, "key-0001", changed)
    b = admit(ward, an_admission(HOME, n=2), changed + timedelta(minutes=1)).episode_id
    engine_of(ward.sessions).dispose()
    house.write_homes()
    house.broker.kill()
    spool = house.folder / "spools" / f"{HOME}.spool"
    old = a_recording(house, "of-a", 20, now - timedelta(hours=3), 91)
    new = a_recording(house, "of-b", 30, now - timedelta(hours=1), 97)
    for recording, held in ((old, 20), (new, 50)):
        house.start_homes("replay", recording, "--as-recorded")
        assert eventually(lambda held=held: waiting(spool) == held, within_s=20)  # type: ignore[misc]
        house.kill_homes()
    house.broker.start()
    house.start_ward()
    house.start_homes("replay", new, "--as-recorded")
    house.homes_finish(60)
    assert waiting(spool) == 0
    filed = house.ask("SELECT episode_id, spo2, count(*) FROM reading GROUP BY 1, 2 ORDER BY spo2")
    assert [(str(id_).replace("-", ""), spo2, count) for id_, spo2, count in filed] == [
        (a.hex, 91, 20),
        (b.hex, 97, 30),
    ]
    assert house.ask("SELECT reason FROM quarantine") == []
    reds = house.ask("SELECT DISTINCT episode_id, review FROM alert WHERE level = 'red'")
    assert [(str(id_).replace("-", ""), bool(review)) for id_, review in reds] == [(a.hex, True)]
