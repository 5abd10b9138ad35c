"""The ward list in a real browser, over a real ward: what a clinician sees and does."""

import re
from collections.abc import Iterator
from datetime import timedelta
from signal import SIGCONT, SIGSTOP
from time import monotonic

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.conftest import missing
from tests.factories import Home as Sender
from tests.factories import a_reading, a_ward
from tests.journeys.browser import Dashboard, a_browser, chromium, sign_in
from tests.journeys.house import CLINICIAN, PASSWORD, House
from ward_service.bootstrap import add_account
from ward_service.contract.clock import real_clock
from ward_service.pipeline import take_batch
from ward_service.store.connect import engine_of
from ward_service.store.tables.stays import PatientRow

HOSTILE = "<img src=x onerror=\"document.title='taken over'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    with a_browser() as opened:
        yield opened


@pytest.fixture
def dashboard(house: House) -> Iterator[Dashboard]:
    """Three people: one red, one well with a hostile name, one who never reported."""
    began = real_clock().now() - timedelta(minutes=10)
    house.admit(["home-01", "home-02", "home-03"], began)
    tell(house, "home-01", 91)
    tell(house, "home-02", 97)
    ward = a_ward(house.folder / "ward")
    add_account(ward, "second", "Second Nurse", PASSWORD)
    with ward.sessions.begin() as session:
        second = session.query(PatientRow).order_by(PatientRow.family_name).all()[1]
        second.given_name = HOSTILE
    engine_of(ward.sessions).dispose()
    house.start_ward()
    assert house.ward
    made = Dashboard(house.folder, house.ward.port)
    yield made
    made.end()


def tell(house: House, gateway: str, spo2: float) -> None:
    """A reading as the ward would have taken it from the wire, just now."""
    ward = a_ward(house.folder / "ward")
    now = real_clock().now()
    sender = Sender(gateway, house.keys[gateway])
    take_batch(ward, [sender.sends(a_reading(spo2, at=now))], now)
    engine_of(ward.sessions).dispose()


def test_who_needs_somebody_first_is_first_and_says_why(
    browser: Browser, dashboard: Dashboard
) -> None:
    context = browser.new_context()
    outside: list[str] = []
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    page.on("request", lambda r: None if "127.0.0.1" in r.url else outside.append(r.url))
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("RED")
    expect(first).to_contain_text("SpO2 91 % <= 92 %")
    expect(page.get_by_text("DEMO USE: unsigned pathway, not for care")).to_be_visible()
    expect(page.locator("tbody")).to_contain_text(HOSTILE)
    assert page.title() == "(1 RED) Ward list"
    page.wait_for_timeout(4_000)  # one refresh more
    assert [url for url in outside if not url.startswith(("data:", "blob:"))] == []
    cookies = {c["name"]: c for c in context.cookies()}
    assert cookies["ward_session"]["httpOnly"]
    context.close()


def test_three_quick_clicks_take_one_alert_and_the_second_nurse_is_told(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    one, other = browser.new_context(), browser.new_context()
    page = sign_in(one, dashboard.url, CLINICIAN, PASSWORD)
    second = sign_in(other, dashboard.url, "second", PASSWORD)
    # The second nurse's list stands still while she is about to click what she sees.
    second.locator("button.take").first.focus()
    take = page.locator("button.take").first
    take.click()
    take.click(force=True, no_wait_after=True)
    expect(page.locator("tbody tr").first).to_contain_text("Taken", timeout=15_000)
    taken = "SELECT count(*) FROM ledger WHERE what = 'acknowledged'"
    assert house.ask(taken) == [(1,)]
    expect(second.locator("tbody tr").first).to_contain_text("Taken", timeout=15_000)
    one.close()
    other.close()


def test_a_new_red_is_announced_and_moves_nobody_under_the_pointer(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    context = browser.new_context()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    page.locator("tbody tr").nth(1).locator("button.open").focus()
    before = page.locator("tbody tr").evaluate_all("rows => rows.map(r => r.dataset.patient)")
    tell(house, "home-02", 88)  # the last of the list becomes red
    expect(page.locator("button.news")).to_be_visible(timeout=15_000)
    held = page.locator("tbody tr").evaluate_all("rows => rows.map(r => r.dataset.patient)")
    assert held == before
    expect(page.locator(".said")).to_contain_text("New red alert")
    page.locator("button.news").click()
    page.wait_for_timeout(500)
    after = page.locator("tbody tr").evaluate_all("rows => rows.map(r => r.dataset.patient)")
    assert after != before
    context.close()


def test_a_reload_keeps_the_patient_and_their_address_names_nobody(
    browser: Browser, dashboard: Dashboard
) -> None:
    context = browser.new_context()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    names = []
    for n in (0, 1):
        page.locator("button.open").nth(n).click()
        page.wait_for_selector("text=Readings (", timeout=15_000)
        names.append(page.locator("h1").inner_text())
        assert re.search(r"/patient\?stay=[0-9a-f-]{36}$", page.url), page.url
        page.reload()
        page.wait_for_selector("text=Readings (", timeout=15_000)
        assert page.locator("h1").inner_text() == names[-1]
        if n == 0:
            page.get_by_role("link", name="Ward list").click()
            page.wait_for_selector("tbody tr", timeout=15_000)
    assert names[0] != names[1]
    context.close()


def test_a_red_is_closed_with_what_was_done_and_not_without(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    context = browser.new_context()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    page.locator("button.take").first.click()
    expect(page.locator("tbody tr").first).to_contain_text("Taken", timeout=15_000)
    page.locator("button.open").first.click()
    page.get_by_text("Record what was done and close").first.click(timeout=15_000)
    expect(page.get_by_text("this page stands still")).to_be_visible(timeout=15_000)
    page.wait_for_timeout(12_000)  # longer than the page would wait to ask again
    page.get_by_role("button", name="Close this alert").click()
    expect(page.get_by_text("Choose an outcome first")).to_be_visible(timeout=15_000)
    page.get_by_text("Advice given").click()
    page.get_by_role("button", name="Close this alert").click()
    expect(page.get_by_text("A red needs a note")).to_be_visible(timeout=15_000)
    page.get_by_label("What was done (needed for a red)").fill("Rang; a nurse visits at four.")
    page.get_by_role("button", name="Close this alert").click()
    resolved = "SELECT words FROM ledger WHERE what = 'resolved' AND by = 'nurse'"
    until = monotonic() + 20
    while not (said := house.ask(resolved)) and monotonic() < until:
        page.wait_for_timeout(200)
    assert said == [("advice: Rang; a nurse visits at four.",)]
    context.close()


def test_when_the_ward_is_gone_the_screen_says_so_by_itself(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    context = browser.new_context()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    house.kill_ward()
    expect(page.get_by_text("The ward does not answer")).to_be_visible(timeout=20_000)
    assert page.locator("tbody tr").count() == 3  # the last that was known, and said to be so
    expect(page.get_by_text("NOT UPDATING for")).to_be_visible(timeout=30_000)
    context.close()


def test_when_the_ward_hangs_the_warning_does_not_fade(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    context = browser.new_context()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    assert house.ward
    house.ward.process.send_signal(SIGSTOP)
    expect(page.get_by_text("NOT UPDATING for")).to_be_visible(timeout=30_000)
    faded = (
        "() => [...document.querySelectorAll('*')]"
        ".filter(e => +getComputedStyle(e).opacity < 1 && e.innerText).length"
    )
    for _ in range(150):
        assert page.evaluate(faded) == 0
        page.wait_for_timeout(200)
    house.ward.process.send_signal(SIGCONT)
    context.close()


def test_an_act_that_the_ward_never_answered_can_be_tried_again(
    browser: Browser, dashboard: Dashboard, house: House
) -> None:
    context = browser.new_context()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    house.kill_ward()
    page.locator("button.take").first.click()
    expect(page.get_by_text("NOT taken")).to_be_visible(timeout=20_000)
    expect(page.locator("button.take").first).to_have_text(re.compile("^Take "), timeout=20_000)
    assert page.locator("button.take").first.get_attribute("aria-disabled") is None
    context.close()


def test_nobody_unknown_sees_anything(browser: Browser, dashboard: Dashboard) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(dashboard.url)
    assert page.url.endswith("/sign-in")
    page.fill("#username", CLINICIAN)
    page.fill("#password", "a wrong password")
    page.click("button")
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.locator("#username")).to_have_value(CLINICIAN)
    page.fill("#username", HOSTILE)
    page.fill("#password", "a wrong password")
    page.click("button")
    expect(page.locator("#username")).to_have_value(HOSTILE)
    assert page.title() == "Sign in to the ward"
    context.close()


def test_signing_out_leaves_nothing_to_come_back_to(browser: Browser, dashboard: Dashboard) -> None:
    context = browser.new_context()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    link = page.get_by_role("link", name="Sign out")
    there, list_ = link.bounding_box(), page.locator("tbody").bounding_box()
    assert there
    assert list_
    assert there["y"] + there["height"] < list_["y"]  # not below forty rows
    link.click()
    page.wait_for_url("**/sign-in", timeout=15_000)
    page.wait_for_timeout(5_500)  # as long as an answer about a session is believed
    page.goto(dashboard.url)
    assert page.url.endswith("/sign-in")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_can_be_read_by_everybody(
    browser: Browser, dashboard: Dashboard, scheme: str
) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.goto(dashboard.url)
    axe = Axe()
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    assert axe.run(page, options=rules).response["violations"] == []
    page.close()
    page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
    found = {"list": axe.run(page, options=rules).response["violations"]}
    page.locator("button.open").first.click()
    page.wait_for_url(re.compile(r"/patient\?stay="), timeout=15_000)
    page.wait_for_selector("text=Readings (", timeout=15_000)
    found["patient"] = axe.run(page, options=rules).response["violations"]
    page.get_by_role("link", name="Homes").click()
    page.wait_for_selector("text=NEVER HEARD FROM", timeout=15_000)
    found["homes"] = axe.run(page, options=rules).response["violations"]
    page.get_by_role("link", name="Data quality").click()
    page.wait_for_selector("text=readings are kept", timeout=15_000)
    found["data quality"] = axe.run(page, options=rules).response["violations"]
    said = {
        screen: [(v["id"], v["nodes"][0]["html"][:160]) for v in violations]
        for screen, violations in found.items()
    }
    assert said == {"list": [], "patient": [], "homes": [], "data quality": []}
    context.close()
