"""A marked patient walks the whole way; no log line, topic, error or spool knows them."""

import json
from datetime import timedelta
from pathlib import Path

import httpx2 as httpx
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.factories import NOON, a_reading, a_ward, an_admission
from tests.factories import Home as Sender
from tests.journeys.house import CLINICIAN, PASSWORD, House
from tests.services import Broker
from ward_service.bootstrap import add_account
from ward_service.contract.clock import real_clock
from ward_service.contract.http.stays import Admission
from ward_service.contract.ids import new_id
from ward_service.enrolment.enrolment import add_gateway
from ward_service.ingest.message import ArrivedMessage
from ward_service.logs import set_up
from ward_service.pipeline import take_batch
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of

MARK = "Zzyzxmarked"
PHONE = "07700900999"  # a number that is kept for drama, and belongs to nobody


def a_marked_admission() -> Admission:
    whole = an_admission("home-01", n=77).model_dump()
    marked = {"family_name": MARK, "given_name": MARK, "phone": PHONE}
    return Admission.model_validate(whole | marked)


def test_nobody_can_be_found_in_what_the_processes_say(tmp_path: Path, broker: Broker) -> None:
    house = House(tmp_path, broker)
    began = real_clock().now() - timedelta(hours=1)
    heard: list[MQTTMessage] = []
    listener = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    listener.on_message = lambda _, __, message: heard.append(message)
    listener.connect(broker.host, broker.port)
    listener.subscribe("#", 1)
    listener.loop_start()
    ward = a_ward(tmp_path / "ward")
    add_account(ward, CLINICIAN, "Nurse", PASSWORD)
    admission = a_marked_admission()
    house.keys["home-01"] = add_gateway(ward, "home-01", began)
    admit(ward, admission, began)
    engine_of(ward.sessions).dispose()
    homes = [{"gateway": "home-01", "key": house.keys["home-01"], "slot": 1}]
    path = tmp_path / "homes.json"
    path.write_text(
        json.dumps({"broker": {"host": broker.host, "port": broker.port}, "homes": homes})
    )
    path.chmod(0o600)
    recording = tmp_path / "day.csv"
    recording.write_text(f"measured_at,spo2,pulse_rate\n{NOON.isoformat()},91,72\n{MARK},97,72\n")
    house.start_ward()
    house.start_homes("replay", str(recording), "--fast")
    assert house.homes
    house.homes.wait(30)
    house.wait_for(1, 20)
    _ask_for_trouble(house, admission)
    house.end()
    listener.disconnect()
    listener.loop_stop()
    secrets = (MARK, admission.nhs_number, PHONE, house.keys["home-01"], PASSWORD)
    said = [(p.name, p.read_text(errors="replace")) for p in tmp_path.glob("*.log")]
    assert {name for name, _ in said} == {"ward.log", "homes.log"}
    wire = [(m.topic, m.payload.decode(errors="replace") + str(m.properties)) for m in heard]
    spools = [(p.name, p.read_bytes().decode("latin-1")) for p in tmp_path.glob("spools/*")]
    assert wire
    assert spools
    for name, text in [*said, *wire, *spools]:
        found = [secret for secret in secrets if secret in text or secret in name]
        assert found == [], f"{name} knows somebody"


def _ask_for_trouble(house: House, admission: Admission) -> None:
    """Everything that makes a process say something: wrong sign-in, wrong bodies, wrong paths."""
    assert house.ward
    base = f"http://127.0.0.1:{house.ward.port}"
    httpx.post(f"{base}/session", json={"username": MARK, "password": MARK + PASSWORD})
    token = httpx.post(
        f"{base}/session", json={"username": CLINICIAN, "password": PASSWORD}
    ).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    body = admission.model_dump(mode="json")
    for wrong in (body, body | {"nhs_number": MARK}, {MARK: MARK}):
        answer = httpx.post(f"{base}/episodes", json=wrong, headers=headers)
        assert answer.status_code in (409, 422)
    httpx.get(f"{base}/alerts/{MARK}", headers=headers)


def test_what_breaks_our_code_is_logged_without_its_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception's text can repeat the payload: only its type is said."""
    ward = a_ward(tmp_path)
    sender = Sender("home-01", add_gateway(ward, "home-01", NOON))
    admit(ward, an_admission("home-01"), NOON - timedelta(hours=1))

    def broken(*_: object, **__: object) -> object:
        raise KeyError(MARK)

    monkeypatch.setattr("ward_service.stays.stay.step", broken)
    set_up()
    message: ArrivedMessage = sender.sends(a_reading(91))
    take_batch(ward, [message, sender.sends_bytes(MARK.encode(), new_id(NOON))], NOON)
    said = capfd.readouterr().err
    assert "KeyError" in said
    assert MARK not in said
    with ward.unit_of_work(read_only=True) as store:
        reasons = store.quarantine.by_reason()
    assert not any(MARK in reason for reason in reasons)
