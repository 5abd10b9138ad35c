"""A letter, from the nurse who makes it to what the patient's page says of who has seen a reading.

Real processes: ward, broker, and the homes with their page.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import httpx2 as httpx
import pytest
from playwright.sync_api import Browser, expect
from pypdf import PdfReader

from tests.conftest import missing
from tests.factories import Home as Sender
from tests.factories import a_reading, a_ward
from tests.journeys.browser import Dashboard, a_browser, chromium, sign_in
from tests.journeys.house import CLINICIAN, PASSWORD, House
from tests.journeys.test_contact import picture, readable, switch, tall
from tests.services import free_port, wait_until_answers
from ward_service.contract.clock import real_clock
from ward_service.contract.page_code import cleaned
from ward_service.pipeline import take_batch
from ward_service.store.connect import engine_of

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
    house.admit(["home-01"], real_clock().now() - timedelta(minutes=10))
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
    assert "Ring your team: " not in sent.text  # in an emergency nothing stands beside 999
    assert "Seen by a clinician at" not in sent.text
    helped = visitor.get("/help").text
    assert f"Ring your team: {PHONE}" in helped
    assert 'href="tel:01632960123"' in helped
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


# At the dashboard


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    with a_browser() as opened:
        yield opened


@pytest.fixture
def dashboard(house: House) -> Iterator[Dashboard]:
    house.more |= {"HOMEWARD_PAGE_URL": "https://page.example", "HOMEWARD_WARD_PHONE": PHONE}
    house.admit(["home-01"], real_clock().now() - timedelta(minutes=10))
    ward = a_ward(house.folder / "ward")
    now = real_clock().now()
    sender = Sender("home-01", house.keys["home-01"])
    take_batch(ward, [sender.sends(a_reading(97, at=now))], now)
    engine_of(ward.sessions).dispose()
    house.start_ward()
    assert house.ward
    made = Dashboard(house.folder, house.ward.port)
    yield made
    made.end()


def test_a_nurse_makes_a_letter_which_is_shown_once_and_revokes_it(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    context = browser.new_context(accept_downloads=True)
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    assert house.ask("SELECT count(*) FROM seen") == [(0,)]  # a list is nobody's eyes
    page.locator("button.open").first.click()
    page.wait_for_selector("text=Letters and codes", timeout=15_000)
    until(lambda: house.ask("SELECT seen_by FROM seen") == [(CLINICIAN,)])
    tall(page)
    switch(page, "Make a letter with a code")
    page.get_by_text("The patient", exact=True).click()
    page.get_by_role("button", name="Make the letter").click()
    shown = page.get_by_text(re.compile(r"^\w{4}-\w{3}-\w{3}$")).first
    expect(shown).to_be_visible(timeout=15_000)
    code = shown.inner_text()
    picture(page, "letter")
    assert readable(page) == []
    with page.expect_download() as got:
        page.get_by_role("button", name="Download the letter").click()
    [paper] = PdfReader(got.value.path()).pages
    assert code in paper.extract_text()
    assert PHONE in paper.extract_text()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text(code)).to_have_count(0, timeout=15_000)
    switch(page, "Revoke a code")
    page.get_by_text(f"{code[:4]}… (the patient)").click()
    page.get_by_role("button", name="Revoke it").click()
    until(lambda: house.ask("SELECT count(*) FROM door WHERE revoked_by = 'nurse'") == [(1,)])
    context.close()
