"""A nurse on the phone in a real browser: asked, read back, kept once, and told what to say."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import missing
from tests.journeys.browser import Dashboard, a_browser, chromium, sign_in
from tests.journeys.house import CLINICIAN, PASSWORD, House
from tests.journeys.test_contact import picture, readable, switch, tall
from ward_service.contract.clock import real_clock

WAIT_MS = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    with a_browser() as opened:
        yield opened


@pytest.fixture
def dashboard(house: House) -> Iterator[Dashboard]:
    """Somebody who was admitted two days ago and has never sent anything."""
    house.admit(["home-01"], real_clock().now() - timedelta(days=2))
    house.start_ward()
    assert house.ward
    made = Dashboard(house.folder, house.ward.port)
    yield made
    made.end()


def opens_the_patient(browser: Browser, dashboard: Dashboard) -> Page:
    context = browser.new_context()
    context.set_default_timeout(WAIT_MS)
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    page.locator("button.open").first.click()
    expect(page.get_by_role("heading", name="By phone and from paper")).to_be_visible()
    return page


def test_a_reading_by_phone_is_read_back_kept_once_and_the_script_is_said(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    page = opens_the_patient(browser, dashboard)
    switch(page, "Take a reading by phone")
    expect(page.get_by_text("tell them to call 999 now")).to_be_visible()
    page.get_by_text("A carer", exact=True).click()
    page.get_by_label("Oxygen (%)").fill("91 %")
    page.get_by_label("Pulse").first.fill("104")
    page.keyboard.press("Tab")
    page.get_by_label("Temperature").fill("37,2")
    tall(page)
    picture(page, "phone-form")
    said = {"form": readable(page)}
    page.get_by_role("button", name="Check this reading").click()
    sentence = "Oxygen 91 per cent, pulse 104, temperature 37.2."
    expect(page.get_by_role("heading", name=sentence)).to_be_visible()
    keep = page.get_by_role("button", name="Keep this reading")
    expect(keep).to_be_disabled()
    assert house.ask("SELECT count(*) FROM reading") == [(0,)]
    page.get_by_text("I read it back, and they say that it is right").click()
    expect(keep).to_be_enabled()
    picture(page, "phone-read-back")
    said["read back"] = readable(page)
    keep.dblclick()  # a double tap is one reading
    expect(page.get_by_text("Say this now")).to_be_visible()
    expect(page.get_by_role("heading", name="RED.")).to_be_visible()
    page.wait_for_timeout(1_000)
    picture(page, "phone-script")
    said["script"] = readable(page)
    assert said == {"form": [], "read back": [], "script": []}
    kept = "SELECT source, spoke, entered_by, spo2, level FROM reading"
    assert house.ask(kept) == [("staff_phone", "carer", CLINICIAN, 91.0, "red")]
    page.get_by_role("button", name="I have said it").click()
    expect(page.get_by_text("Say this now")).to_be_hidden()
    page.context.close()


def test_a_paper_diary_is_entered_with_the_keyboard_and_its_old_red_calls_nobody(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    page = opens_the_patient(browser, dashboard)
    switch(page, "Enter a paper diary")
    expect(page.get_by_label("Day", exact=True)).to_be_visible()
    page.get_by_label("Day", exact=True).focus()
    now = real_clock().now()
    rows = [(now - timedelta(hours=30), "86"), (now - timedelta(hours=5), "97")]
    for n, (at, spo2) in enumerate(rows):
        for text in (f"{at:%d/%m/%Y}", f"{at:%H:%M}", spo2):
            page.keyboard.type(text)
            page.keyboard.press("Tab")
        for _ in range(5 if n == 0 else 0):  # pulse, temperature, letters, own words, looked again
            page.keyboard.press("Tab")
    tall(page)
    picture(page, "diary-form")
    assert readable(page) == []
    page.get_by_role("button", name="Keep this diary").click()
    expect(
        page.get_by_text("opened for review").or_(page.get_by_text("for review")).first
    ).to_be_visible()
    kept = "SELECT source, spo2, level, late FROM reading ORDER BY measured_at"
    assert house.ask(kept) == [("paper", 86.0, "red", 1), ("paper", 97.0, "green", 1)]
    alert = "SELECT review, state FROM alert WHERE alert_class = 'physiological'"
    assert house.ask(alert) == [(1, "open")]
    called = (
        "SELECT count(*) FROM message JOIN alert ON alert.id = message.alert_id "
        "WHERE alert.alert_class = 'physiological'"
    )
    assert house.ask(called) == [(0,)]
    page.context.close()
