"""A letter, from the nurse who makes it to what the patient's page says of who has seen a reading.

Real processes: ward, broker, and the homes with their page.
"""

import re
from datetime import timedelta
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import httpx2 as httpx
import pytest

from tests.journeys.house import CLINICIAN, PASSWORD, House
from tests.services import free_port, wait_until_answers
from ward_service.contract.clock import real_clock
from ward_service.contract.doorcode import cleaned

LONDON = ZoneInfo("Europe/London")
PHONE, INTERPRETER = "01632 960 123", "01632 960 456"  # kept for drama: they ring nowhere


class Nurse:
    """Somebody who is signed in at the ward."""

    def __init__(self, house: House) -> None:
        assert house.ward
        self.url = f"http://127.0.0.1:{house.ward.port}"
        given = {"username": CLINICIAN, "password": PASSWORD}
        token = httpx.post(f"{self.url}/session", json=given).json()["token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, key: str = "", **given: Any) -> Any:
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        headers |= given.pop("headers", {})
        answer = httpx.request(method, f"{self.url}{path}", headers=headers, **given)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def patient(self) -> Any:
        return self.ask("GET", "/triage")["patients"][0]


def until(seen: Any, seconds: float = 40, every: float = 0.2) -> Any:
    end = monotonic() + seconds
    while not (found := seen()):
        assert monotonic() < end, "it never came"
        sleep(every)
    return found


@pytest.fixture
def page(house: House) -> str:
    house.more |= {"HOMEWARD_WARD_PHONE": PHONE, "HOMEWARD_INTERPRETER_PHONE": INTERPRETER}
    house.admit(["home-01"], real_clock().now() - timedelta(minutes=30))
    house.start_ward()
    port = free_port()
    house.start_homes("simulate", "--seed", "1", "--people", "1", "--page-port", str(port))
    wait_until_answers(port)
    return f"http://127.0.0.1:{port}"


def come_in(page: str, code: str) -> httpx.Client | None:
    visitor = httpx.Client(base_url=page, follow_redirects=True)
    if visitor.post("/in", data={"code": code, "year": "1950"}).status_code == 200:
        return visitor
    visitor.close()
    return None


def test_a_letter_lets_in_and_the_page_says_when_a_clinician_has_seen_a_reading(
    house: House, page: str
) -> None:
    nurse = Nurse(house)
    stay = nurse.patient()["episode_id"]
    made = nurse.ask(
        "POST", f"/episodes/{stay}/letters", "letter-1", json={"who": "carer", "page_url": page}
    )
    assert made["link"] == f"{page}/k/{made['code']}"
    until(lambda: house.ask("SELECT 1 FROM plan WHERE sent = asked AND asked > 1"))
    # The page looks for new doors every other second; wrong tries are few.
    visitor = until(lambda: come_in(page, made["code"].lower()), seconds=12, every=4)
    began = visitor.post("/reading")
    assert "/ask-red_flags" in str(began.url)
    sent = visitor.post(str(began.url), data={"answer": "blue_lips"})
    assert "/sent/" in str(sent.url)
    assert 'href="tel:01632960123"' in sent.text
    assert "Seen by a clinician at" not in sent.text
    helped = visitor.get("/help").text
    assert 'href="tel:01632960456"' in helped
    assert INTERPRETER in helped
    until(lambda: "Received by your team at" in visitor.get(str(sent.url)).text)
    [alert] = until(lambda: nurse.patient()["alerts"])
    before = real_clock().now().astimezone(LONDON)
    version = {"If-Match": f'"{alert["version"]}"'}
    nurse.ask("POST", f"/alerts/{alert['id']}/acknowledge", "take-it-1", headers=version)
    shown = until(
        lambda: re.search(r"Seen by a clinician at (\d\d:\d\d)", visitor.get(str(sent.url)).text)
    )
    after = real_clock().now().astimezone(LONDON)
    assert shown[1] in {f"{before:%H:%M}", f"{after:%H:%M}"}
    # Shut by a person: whoever came in is out, and the code opens nothing any more.
    nurse.ask("DELETE", f"/episodes/{stay}/doors/{made['door']}")
    until(lambda: "/in" in str(visitor.get("/").url))
    assert come_in(page, made["code"]) is None
    visitor.close()
    secret = cleaned(made["code"])[4:]
    for log in (house.folder / "homes.log", house.folder / "ward.log"):
        assert secret not in log.read_text().replace("-", "")
