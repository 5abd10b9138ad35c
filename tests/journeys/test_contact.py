"""A nurse works through a red in a real browser: taken, not reached, reached, closed."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.conftest import missing
from tests.factories import Home as Sender
from tests.factories import a_reading, a_ward
from tests.journeys.browser import Dashboard, a_browser, chromium, sign_in
from tests.journeys.house import CLINICIAN, PASSWORD, House
from ward_service.contract.clock import real_clock
from ward_service.pipeline import take_batch
from ward_service.store.connect import engine_of

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PICTURES = os.environ.get("HOMEWARD_TEST_PICTURES", "")  # a folder, for whoever wants to look


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    with a_browser() as opened:
        yield opened


@pytest.fixture
def dashboard(house: House) -> Iterator[Dashboard]:
    """One person, red a moment ago, on a ward that works."""
    house.admit(["home-01"], real_clock().now() - timedelta(minutes=10))
    ward = a_ward(house.folder / "ward")
    now = real_clock().now()
    sender = Sender("home-01", house.keys["home-01"])
    take_batch(ward, [sender.sends(a_reading(88, at=now))], now)
    engine_of(ward.sessions).dispose()
    house.start_ward()
    assert house.ward
    made = Dashboard(house.folder, house.ward.port)
    yield made
    made.end()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def tall(page: Page) -> None:
    """Show the whole page at once, for the picture and for axe."""
    page.set_viewport_size({"width": 1280, "height": 3600})
    page.wait_for_timeout(500)


def readable(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:160]) for v in found]


def switch(page: Page, label: str) -> None:
    """Click a switch once the page is drawn: while it is, the old one may still stand there."""
    found = page.get_by_text(label)
    expect(found).to_have_count(1, timeout=15_000)
    found.click()


def record_contact(page: Page, how_it_went: str, note: str) -> None:
    switch(page, "Record a contact with the patient")
    expect(page.get_by_text("this page stands still")).to_be_visible(timeout=15_000)
    page.get_by_text(how_it_went).click()
    page.get_by_label("What was said, or where a message was left").fill(note)
    page.get_by_role("button", name="Record this contact").click()
    expect(page.get_by_text("this page stands still")).to_be_hidden(timeout=15_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_nurse_reaches_the_patient_of_a_red_and_closes_it(
    browser: Browser, dashboard: Dashboard, house: House, scheme: str
) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    context.set_default_timeout(15_000)
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    picture(page, f"list-new-{scheme}")
    page.locator("button.take").click()
    expect(page.get_by_text("Taken. It is yours: speak with the patient by")).to_be_visible(
        timeout=15_000
    )
    state = page.locator("td.how")
    expect(state).to_contain_text("speak with the patient by", timeout=15_000)
    picture(page, f"list-taken-{scheme}")

    page.locator("button.open").click()
    deadline = page.get_by_text("→ speak with the patient by")
    expect(deadline).to_be_visible(timeout=20_000)
    unsigned = page.get_by_text("DEMO USE: UNSIGNED pathway, not for care")
    expect(unsigned).to_be_visible(timeout=15_000)
    picture(page, f"patient-taken-{scheme}")
    record_contact(page, "No, not reached", "No answer, a message was left.")
    expect(deadline).to_be_visible(timeout=15_000)  # only speaking with somebody counts
    switch(page, "Record a contact with the patient")
    expect(page.get_by_role("button", name="Record this contact")).to_be_visible(timeout=15_000)
    picture(page, f"patient-contact-{scheme}")
    said = {"contact": readable(page)}
    switch(page, "Record a contact with the patient")
    expect(page.get_by_text("this page stands still")).to_be_hidden(timeout=15_000)
    record_contact(page, "Yes, we spoke", "Breathless on the stairs; sits up now.")
    expect(page.get_by_text("somebody spoke with the patient at")).to_be_visible(timeout=15_000)
    expect(deadline).to_have_count(0)

    switch(page, "Record what was done and close")
    page.get_by_text("Emergency department").click()
    page.get_by_label("What was done (needed for a red)").fill("Ambulance sent.")
    page.get_by_role("button", name="Close this alert").click()
    expect(page.get_by_text("resolved; opened")).to_be_visible(timeout=15_000)
    page.get_by_text("History (").first.click()
    page.wait_for_timeout(500)
    expect(unsigned).to_be_visible(timeout=15_000)  # also after the page was drawn anew
    picture(page, f"patient-closed-{scheme}")
    said["closed"] = readable(page)
    assert said == {"contact": [], "closed": []}
    done = "SELECT what, words FROM ledger WHERE by = 'nurse' ORDER BY id"
    assert house.ask(done) == [
        ("acknowledged", ""),
        ("not reached", "phone: No answer, a message was left."),
        ("contact", "phone: Breathless on the stairs; sits up now."),
        ("resolved", "ed: Ambulance sent."),
    ]
    context.close()


def test_a_stay_is_paused_and_a_task_done_from_screens_that_everybody_can_read(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    context = browser.new_context()
    context.set_default_timeout(15_000)
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    page.locator("button.open").click()
    labels = ["Change this person's own limits", "Pause: expect", "End this stay"]
    for number, label in enumerate(labels, 1):
        switch(page, label)
        still = page.get_by_text("this page stands still")
        expect(still).to_have_count(number, timeout=15_000)
    expect(page.get_by_role("button", name="End the stay of INVENTED-1, Pat")).to_be_visible()
    page.get_by_text("Own limits", exact=True).click()
    page.wait_for_timeout(500)
    tall(page)
    picture(page, "patient-stay")
    said = {"stay": readable(page)}
    page.get_by_text("Travelling").click()
    day = real_clock().now() + timedelta(days=2)
    page.get_by_role("spinbutton", name="day, Until which day").click()
    page.keyboard.type(f"{day:%d%m%Y}")
    page.get_by_role("spinbutton", name="hour, Until what time").click()
    page.keyboard.type("0900")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("PAUSED until")).to_be_visible()
    picture(page, "patient-paused")
    page.get_by_role("link", name="To do").click()
    expect(page.get_by_role("heading", name="To do")).to_be_visible()
    picture(page, "to-do")
    said["to do"] = readable(page)
    assert said == {"stay": [], "to do": []}
    assert house.ask("SELECT count(*) FROM ledger WHERE what = 'paused' AND by = 'nurse'") == [(1,)]
    context.close()
