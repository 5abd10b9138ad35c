"""`Why did this ring?` in a real browser, on a telephone, a tablet and a desk: one click."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import missing
from tests.factories import Home as Sender
from tests.factories import a_reading, a_ward
from tests.journeys.browser import Dashboard, a_browser, chromium, sign_in
from tests.journeys.house import CLINICIAN, PASSWORD, House
from ward_service.contract.clock import real_clock
from ward_service.pipeline import take_batch
from ward_service.store.connect import engine_of

# Where to leave pictures for somebody who looks at them; by default nowhere.
PICTURES = os.environ.get("HOMEWARD_PICTURES")


@pytest.fixture
def dashboard(house: House) -> Iterator[Dashboard]:
    """One person with a red."""
    now = real_clock().now()
    house.admit(["home-01"], now - timedelta(minutes=10))
    ward = a_ward(house.folder / "ward")
    sender = Sender("home-01", house.keys["home-01"])
    take_batch(ward, [sender.sends(a_reading(91, at=now))], now)
    engine_of(ward.sessions).dispose()
    house.start_ward()
    assert house.ward
    made = Dashboard(house.folder, house.ward.port)
    yield made
    made.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    with a_browser() as opened:
        yield opened


def test_one_click_says_why_on_every_width_and_nothing_lies_beside_the_screen(
    browser: Browser, dashboard: Dashboard
) -> None:
    for width in (390, 820, 1440):
        context = browser.new_context(viewport={"width": width, "height": 900})
        page = sign_in(context, dashboard.url, CLINICIAN, PASSWORD)
        page.locator("button.open").first.click()
        page.get_by_text("Why did this ring?").click(timeout=20_000)
        expect(page.get_by_text("What confirmed it")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("covid-oximetry-at-home.yaml:").first).to_be_visible()
        expect(page.get_by_text("the pathway's own number")).to_be_visible()
        expect(page.get_by_text("NEXT,")).to_be_visible()
        beyond = page.evaluate(
            "() => [...document.querySelectorAll('[data-testid=stMarkdownContainer]')]"
            ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).length"
        )
        assert beyond == 0, width
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"explanation-{width}.png")
        if width == 390:
            page.wait_for_timeout(11_000)  # the page is drawn anew by itself, and it stays open
            expect(page.get_by_text("What confirmed it")).to_be_visible()
        context.close()
