"""Somebody at home with a phone: every screen, with and without a network, and nothing twice."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import TO_SAY, missing
from tests.device_gateway.web.conftest import CARERS_CODE, CODE, DOORS, YEAR, a_door
from tests.device_gateway.web.served import Served, served
from tests.journeys.browser import FLAGS, chromium

PHONE = {"width": 390, "height": 844}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PICTURES = os.environ.get("HOMEWARD_TEST_PICTURES", "")  # a folder, for whoever wants to look
READING = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # an id holds any two digits
BOX = "box.home"  # a name that is not this machine's own: over http it is no secure context
NOT_SENT = "NOT yet sent. Your team cannot see"
MOST_SENT = 60_000  # bytes of a screen with all its files: the issue's own
MOST_TAPS = 12  # taps and fields from the link to a first reading: the issue's own


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    flags = [*FLAGS, f"--host-resolver-rules=MAP {BOX} 127.0.0.1", "--ignore-certificate-errors"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield opened
        opened.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


@contextmanager
def a_phone(browser: Browser, javascript: bool = True) -> Iterator[BrowserContext]:
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        is_mobile=True,
        has_touch=True,
        java_script_enabled=javascript,
        ignore_https_errors=True,
    )
    context.set_default_timeout(15_000)
    yield context
    context.close()


def come_in(page: Page, url: str, code: str = CODE) -> None:
    page.goto(f"{url}/k/{code}")
    page.fill("#year", str(YEAR))
    page.click("text=Continue")
    expect(page.get_by_role("heading", name="Your readings")).to_be_visible()


def keeps_the_form(page: Page) -> None:
    """Wait until this phone could do without a network."""
    page.evaluate(
        """async () => {
          for (let n = 0; n < 300; n++) {
            if (navigator.serviceWorker.controller && await caches.match("/offline")) return;
            await new Promise((later) => setTimeout(later, 50));
          }
          throw new Error("this phone keeps no form");
        }"""
    )


class Fingers:
    """Whoever types, screen by screen; every tap and every field is counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def tap(self, name: str) -> None:
        self.count += 1
        self.page.locator("main").get_by_role("button", name=name, exact=True).click()

    def fill(self, field: str, text: str) -> None:
        self.count += 1
        self.page.locator(f"#{field}:visible").fill(text)

    def takes_a_reading(self, spo2: str = "97", pulse: str = "72") -> None:
        """From the first question to the advice."""
        self.up_to_the_numbers()
        self.fill("spo2", spo2)
        self.fill("pulse_rate", pulse)
        self.tap("Continue")
        self.to_the_end()

    def up_to_the_numbers(self) -> None:
        self.tap("None of these")
        self.tap("The number stands still")

    def to_the_end(self) -> None:
        self.tap("I cannot measure these")
        self.tap("The same")
        self.tap("None of these")
        self.tap("Send my reading")


def begin(page: Page) -> Fingers:
    fingers = Fingers(page)
    fingers.tap("Take a reading now")
    return fingers


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"page-{name}.png", full_page=True)


def readable(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:160]) for v in found]


def told(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading)).to_be_visible()


def banner_says(page: Page, words: str) -> None:
    expect(page.locator("#unsent p:visible", has_text=words)).to_have_count(1)


def all_is_sent(page: Page) -> None:
    """Wait until nothing is left on this phone. The banner alone is hidden before it has looked."""
    page.evaluate(
        """async () => {
          for (let n = 0; n < 300; n++) {
            if (!(await outbox.all()).length) return;
            await new Promise((later) => setTimeout(later, 50));
          }
          throw new Error("something waits on this phone");
        }"""
    )
    expect(page.locator("#unsent")).to_be_hidden()


def make_unreadable(page: Page) -> None:
    """What waits is now something that the server refuses whoever sends it: it stays."""
    page.evaluate("outbox.all().then(([one]) => outbox.put({...one, values: {spo2: 'ninety'}}))")


def only_the_page_sends(page: Page) -> None:
    """No Background Sync: what the worker would send is not what this test looks at."""
    page.evaluate(
        "Object.defineProperty(navigator.serviceWorker, 'ready', {value: new Promise(() => {})})"
    )


def unsent(page: Page) -> int:
    return int(page.evaluate("outbox.all().then((all) => all.length)"))


# --- with a network -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", BOX])
def test_from_the_link_to_a_first_reading_it_takes_twelve_taps_and_fields(
    browser: Browser,
    home: Served,
    host: str,
    record_property: Callable[[str, object], None],
) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        page.goto(f"{home.url(host)}/k/{CODE}")
        fingers = Fingers(page)
        fingers.fill("year", str(YEAR))
        fingers.tap("Continue")
        fingers.tap("Take a reading now")
        fingers.takes_a_reading()
        expect(
            page.get_by_role("heading", name="In the range that your team expects")
        ).to_be_visible()
        assert fingers.count <= MOST_TAPS
        record_property(TO_SAY, f"page: {fingers.count} taps and fields to a first reading")
    assert len(home.readings()) == 1


def test_with_the_keyboard_alone_a_reading_is_sent(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        page.goto(f"{home.url()}/k/{CODE}")

        def reach(wanted: str) -> None:
            """Press Tab until the element with these words, or this id, has the focus."""
            said = (
                "[document.activeElement].map((it) => it.matches('body') ? [] : "
                "[it.id, it.innerText])[0]"
            )
            for _ in range(40):
                if wanted in page.evaluate(said):
                    return
                page.keyboard.press("Tab")
            raise AssertionError(f"no way to {wanted}")

        page.keyboard.type(str(YEAR))  # the field has the focus
        page.keyboard.press("Enter")
        for heading, reached in (
            ("Your readings", "Take a reading now"),
            ("Do you have any", "None of these"),
            ("Rest first", "The number stands still"),
        ):
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
            reach(reached)
            page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="What does it show")).to_be_visible()
        reach("spo2")
        page.keyboard.type("97")
        reach("pulse_rate")
        page.keyboard.type("72")
        page.keyboard.press("Enter")
        for heading, reached in (
            ("Can you measure", "I cannot measure these"),
            ("How do you feel", "The same"),
            ("Have you noticed", "None of these"),
            ("Anything else", "Send my reading"),
        ):
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
            reach(reached)
            page.keyboard.press("Enter")
        expect(
            page.get_by_role("heading", name="In the range that your team expects")
        ).to_be_visible()
    assert len(home.readings()) == 1


def test_without_javascript_everything_works(browser: Browser, home: Served) -> None:
    with a_phone(browser, javascript=False) as phone:
        page = phone.new_page()
        come_in(page, home.url(BOX))
        begin(page).takes_a_reading("91", "104")
        told(page, "This is low. Read this now")
        page.click("main >> text=My readings")
        expect(page.get_by_role("cell", name="91 %")).to_be_visible()
        page.goto(f"{home.url(BOX)}/offline")
        expect(page.get_by_text("needs JavaScript")).to_be_visible()
    assert len(home.readings()) == 1


def test_two_devices_at_once_and_the_back_button(browser: Browser, home: Served) -> None:
    with a_phone(browser) as his, a_phone(browser) as hers:
        one, other = his.new_page(), hers.new_page()
        come_in(one, home.url())
        come_in(other, home.url(), CARERS_CODE)
        first, second = begin(one), begin(other)
        first.up_to_the_numbers()
        second.up_to_the_numbers()
        first.fill("spo2", "97")
        second.fill("spo2", "95")
        first.fill("pulse_rate", "72")
        second.fill("pulse_rate", "80")
        first.tap("Continue")
        second.tap("Continue")
        expect(one.get_by_role("heading", name="Can you measure")).to_be_visible()
        one.go_back()
        expect(one.locator("#spo2")).to_have_value("97")
        first.fill("spo2", "96")
        first.tap("Continue")
        first.to_the_end()
        second.to_the_end()
        expect(one.get_by_text("96 %", exact=False).first).to_be_visible()
        expect(other.get_by_text("95 %", exact=False).first).to_be_visible()
        one.go_back()
        expect(one.get_by_text("What became of it")).to_be_visible()  # it was sent already
    assert sorted(r.observations[0].value for r in home.readings()) == [95, 96]


def test_a_double_tap_is_one_reading(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        fingers = begin(page)
        fingers.up_to_the_numbers()
        fingers.fill("spo2", "97")
        fingers.fill("pulse_rate", "72")
        page.locator("main").get_by_role("button", name="Continue", exact=True).dblclick()
        fingers.tap("I cannot measure these")
        fingers.tap("The same")
        fingers.tap("None of these")
        page.locator("main").get_by_role("button", name="Send my reading").dblclick()
        expect(page.get_by_text("What became of it")).to_be_visible()
    assert len(home.readings()) == 1


def test_who_is_out_in_the_middle_goes_on_after_coming_in_again(
    browser: Browser, home: Served
) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        fingers = begin(page)
        fingers.up_to_the_numbers()
        fingers.fill("spo2", "91")
        fingers.fill("pulse_rate", "104")
        phone.clear_cookies(name="visit")
        fingers.tap("Continue")
        expect(page.get_by_text("What you typed before is still there")).to_be_visible()
        assert "?back=/reading/" in page.url
        assert "91" not in READING.sub("", page.url.removeprefix(home.url()))
        page.fill("#code", CODE)
        page.fill("#year", str(YEAR))
        fingers.tap("Continue")
        expect(page.locator("#spo2")).to_have_value("91")
        expect(page.locator("#pulse_rate")).to_have_value("104")
        fingers.tap("Continue")
        fingers.to_the_end()
        told(page, "This is low. Read this now")
    [reading] = home.readings()
    assert ("red_flags", "none") in [(a.question, a.answer) for a in reading.answers]


# --- without one, over http: the box's spool is the queue ----------------------------------------


def test_over_http_what_cannot_be_sent_is_said_and_stays_in_the_form(
    browser: Browser, home: Served
) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url(BOX))
        assert page.evaluate("[isSecureContext, 'serviceWorker' in navigator, outbox.here]") == [
            False,
            False,
            False,
        ]
        fingers = begin(page)
        fingers.up_to_the_numbers()
        fingers.fill("spo2", "91")
        fingers.fill("pulse_rate", "104")
        home.away()
        fingers.tap("Continue")
        expect(page.get_by_role("heading", name="This is NOT saved")).to_be_visible()
        expect(page.get_by_text("Stay near the box")).to_be_visible()
        expect(page.get_by_text("Go on without a network")).to_be_hidden()
        expect(page.locator("#spo2")).to_have_value("91")
        assert readable(page) == []
        picture(page, "not-reached")
        home.back()
        fingers.tap("Continue")
        fingers.to_the_end()
        told(page, "This is low. Read this now")
    assert [o.value for o in home.readings()[0].observations] == [91, 104]


# --- without one, over https ---------------------------------------------------------------------


def test_offline_it_is_judged_by_the_plan_and_sent_once_when_the_network_is_back(
    browser: Browser, tmp_path: Path
) -> None:
    """Over https with a certificate; the server is truly gone."""
    with served(tmp_path, tls=True) as home, a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        home.away()
        fingers = begin(page)
        expect(page.get_by_text("There is no network just now")).to_be_visible()
        fingers.up_to_the_numbers()
        fingers.fill("spo2", "91")
        fingers.fill("pulse_rate", "104")
        fingers.tap("Continue")
        fingers.tap("I cannot measure these")
        fingers.tap("The same")
        fingers.tap("None of these")
        page.locator("main").get_by_role("button", name="Send my reading").dblclick()
        told(page, "This is low. Read this now")
        expect(page.get_by_text("If it is still 92 % or lower")).to_be_visible()
        banner_says(page, f"1 reading is saved on this phone and {NOT_SENT}")
        expect(page.get_by_text("they cannot see it, and nobody is being told")).to_be_visible()
        assert readable(page) == []
        picture(page, "offline-red")
        assert unsent(page) == 1
        typed_at = home.clock.now()
        page.reload()  # nothing is lost by closing the page
        banner_says(page, NOT_SENT)
        home.back()
        page.evaluate("Promise.all([outbox.flush(), outbox.flush()])")
        all_is_sent(page)
        assert unsent(page) == 0
        [reading] = home.readings()
        assert [o.value for o in reading.observations] == [91, 104]
        assert abs((reading.measured_at - typed_at).total_seconds()) < 30


def test_the_page_that_waits_says_sent_when_another_tab_has_sent_it(
    browser: Browser, home: Served
) -> None:
    """The page asks the outbox, and not its own sending: two tabs, one reading."""
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        home.away()
        begin(page).takes_a_reading("93", "80")
        told(page, "This needs another look")
        other = phone.new_page()
        home.back()
        other.goto(home.url())  # sends on load
        all_is_sent(other)
        expect(page.locator("[data-say=sent]")).to_be_visible()
        expect(page.get_by_text("nobody is being told")).to_be_hidden()
        both = [tab.evaluate_handle("outbox.flush()") for tab in (page, other)]
        assert len(both) == 2
        page.get_by_text("See what became of it").click()
        expect(page.get_by_text("Not with your team yet")).to_be_visible()
    assert len(home.readings()) == 1


def test_an_answer_that_is_lost_makes_no_second_reading(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        page.goto(f"{home.url()}/offline")
        only_the_page_sends(page)
        page.evaluate(
            "const really = fetch; window.lost = 0;"
            "window.fetch = async (...of) => { const answer = await really(...of);"
            " if (of[0] === '/api/readings' && !window.lost++) throw new TypeError('lost');"
            " return answer; }"
        )
        Fingers(page).takes_a_reading()
        banner_says(page, NOT_SENT)
        page.evaluate(
            "async () => { for (let n = 0; !lost && n < 300; n++)"
            " await new Promise((later) => setTimeout(later, 50)); }"
        )
        assert page.evaluate("lost") == 1
        assert len(home.readings()) == 1  # it came, and the phone does not know
        page.evaluate("outbox.flush()")
        expect(page.locator("[data-say=sent]")).to_be_visible()
    assert len(home.readings()) == 1


def test_a_page_of_some_network_in_between_is_no_receipt(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        page.goto(f"{home.url()}/offline")
        only_the_page_sends(page)
        page.evaluate(
            "const really = fetch; window.fetch = (...of) => of[0] === '/api/readings'"
            " ? Promise.resolve(new Response('<h1>Welcome to our wifi</h1>')) : really(...of)"
        )
        Fingers(page).takes_a_reading()
        banner_says(page, NOT_SENT)
        assert unsent(page) == 1
        page.goto(home.url())
        all_is_sent(page)
    assert len(home.readings()) == 1


def test_two_readings_typed_offline_confirm_each_other_and_go_in_order(
    browser: Browser, home: Served
) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        phone.set_offline(True)
        page.clock.install()
        page.goto(f"{home.url()}/")
        fingers = Fingers(page)
        fingers.takes_a_reading("91", "88")
        expect(page.get_by_text("If it is still 92 % or lower")).to_be_visible()
        page.clock.fast_forward(90_000)
        fingers.tap("Measure again")
        fingers.takes_a_reading("90", "90")
        expect(page.get_by_text("go to A&E at once or call 999, and tell them")).to_be_visible()
        banner_says(page, f"2 readings are saved on this phone and {NOT_SENT}")
        phone.set_offline(False)
        page.evaluate("outbox.flush()")
        all_is_sent(page)
    readings = home.readings()
    assert [r.observations[0].value for r in readings] == [91, 90]
    assert 80 < (readings[1].measured_at - readings[0].measured_at).total_seconds() < 130


def test_a_red_flag_offline_is_told_at_once(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        phone.set_offline(True)
        page.goto(f"{home.url()}/")
        page.get_by_text("Blue lips or a blue face").click()
        Fingers(page).tap("None of these")  # takes nothing back
        expect(page.get_by_role("heading", name="Call 999 now, or go to A&E")).to_be_visible()
        phone.set_offline(False)
        page.evaluate("outbox.flush()")
        all_is_sent(page)
    [reading] = home.readings()
    assert [a.answer for a in reading.answers] == ["blue_lips"]


def test_who_is_out_keeps_the_reading_and_is_asked_in(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        phone.set_offline(True)
        page.goto(f"{home.url()}/")
        Fingers(page).takes_a_reading("93", "80")
        home.plan(DOORS[1:])  # the ward has shut this door
        page.wait_for_timeout(2_100)  # doors are looked at anew
        phone.set_offline(False)
        page.evaluate("outbox.flush()")
        banner_says(page, "Come in again with your letter")
        assert home.readings() == []
        page.click("#unsent >> text=Come in")
        page.wait_for_url("**/in")
        page.evaluate(
            "async () => { for (let n = 0; await caches.match('/offline') && n < 100; n++)"
            " await new Promise((later) => setTimeout(later, 50)); }"
        )
        assert page.evaluate("caches.match('/offline').then(Boolean)") is False
        home.plan((*DOORS[1:], a_door("NEW14XW9TR")))
        page.wait_for_timeout(2_100)
        come_in(page, home.url(), "NEW14XW9TR")
        all_is_sent(page)
    assert len(home.readings()) == 1


def test_a_reading_is_never_sent_for_somebody_else(browser: Browser, tmp_path: Path) -> None:
    """Another person has the place now, and comes in on the same phone."""
    with served(tmp_path) as home, a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        phone.set_offline(True)
        page.goto(f"{home.url()}/")
        Fingers(page).takes_a_reading("93", "80")
        home.since = home.clock.now()
        home.plan((a_door("NEXT4XW9TR"),))
        page.wait_for_timeout(2_100)
        phone.set_offline(False)
        come_in(page, home.url(), "NEXT4XW9TR")
        banner_says(page, "belongs to somebody else's letter")
        assert unsent(page) == 1
        assert "93" not in page.locator("#unsent").inner_text()
        assert home.readings() == []


def test_what_the_server_cannot_read_is_shown_and_kept(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        phone.set_offline(True)
        page.goto(f"{home.url()}/")
        Fingers(page).takes_a_reading("93", "80")
        banner_says(page, NOT_SENT)
        make_unreadable(page)
        phone.set_offline(False)
        page.evaluate("outbox.flush()")
        banner_says(page, "could not read a reading of this phone")
        banner_says(page, "ninety")
        assert unsent(page) == 1
        assert readable(page) == []


def test_forgetting_takes_everything_from_the_phone_but_not_unasked(
    browser: Browser, home: Served
) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        phone.set_offline(True)
        page.goto(f"{home.url()}/")
        Fingers(page).takes_a_reading("93", "80")
        banner_says(page, NOT_SENT)
        make_unreadable(page)
        phone.set_offline(False)
        page.goto(f"{home.url()}/")
        page.click("text=Forget me on this device")
        expect(page.get_by_text("what is not sent is lost")).to_be_visible()
        assert unsent(page) == 1
        page.click("text=Forget me on this device")
        page.wait_for_url("**/in")
        page.wait_for_load_state("load")
        assert unsent(page) == 0
        left = page.evaluate(
            "Promise.all([caches.keys(), navigator.serviceWorker.getRegistrations()])"
            ".then(([caches, workers]) => [caches.length, workers.length])"
        )
        assert left == [0, 0]


def test_no_name_and_no_reading_is_in_what_the_phone_caches(browser: Browser, home: Served) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        come_in(page, home.url())
        keeps_the_form(page)
        begin(page).takes_a_reading("91", "113")
        page.wait_for_url("**/sent/*")
        page.goto(home.url())
        keeps_the_form(page)
        cached = page.evaluate(
            """async () => {
              const all = {};
              for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                  all[new URL(request.url).pathname] = await (await cache.match(request)).text();
                }
              }
              return all;
            }"""
        )
    assert "/offline" in cached
    assert {path for path in cached if not path.startswith("/static/")} == {"/offline"}
    for text in cached.values():
        assert not re.search(rf"{CODE}|{YEAR}|\b113\b|home-01", text)


def walk(page: Page, url: str, look: Callable[[str], None]) -> None:
    """Go through every screen from the letter to a reading sent, and look at each."""
    page.goto(f"{url}/in")
    look("in")
    come_in(page, url)
    look("home")
    fingers = begin(page)
    for name, answer in (
        ("ask-red_flags", "None of these"),
        ("measure", "The number stands still"),
    ):
        page.wait_for_url(f"**/{name}")
        look(name)
        fingers.tap(answer)
    page.wait_for_url("**/oximeter")
    look("oximeter")
    fingers.fill("spo2", "97")
    fingers.fill("pulse_rate", "72")
    fingers.tap("Continue")
    for name, answer in (
        ("others", "I cannot measure these"),
        ("ask-feeling", "The same"),
        ("ask-amber_symptoms", "None of these"),
        ("last", "Send my reading"),
    ):
        page.wait_for_url(f"**/{name}")
        look(name)
        fingers.tap(answer)
    page.wait_for_url("**/sent/*")
    look("sent")
    for name in ("readings", "help", "offline"):
        page.goto(f"{url}/{name}")
        look(name)


def test_every_screen_reads_well_weighs_little_and_can_be_installed(
    browser: Browser,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Weighed as sent, with empty caches: each screen with all its files."""
    sent: dict[str, float] = {}
    problems: dict[str, list[tuple[str, str]]] = {}
    with served(tmp_path, tls=True) as home, a_phone(browser) as phone:
        page = phone.new_page()
        cdp = phone.new_cdp_session(page)
        cdp.send("Network.enable")
        cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
        cdp.send("Network.setBypassServiceWorker", {"bypass": True})
        weight = [0.0]
        cdp.on("Network.loadingFinished", lambda told: weight.append(told["encodedDataLength"]))

        def look(name: str) -> None:
            weight.clear()
            page.reload()
            page.wait_for_load_state("networkidle")
            sent[name] = sum(weight)
            problems[name] = readable(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            picture(page, name)

        walk(page, home.url(), look)
        errors = cdp.send("Page.getInstallabilityErrors")["installabilityErrors"]
        worker = phone.new_page()
        worker.goto(home.url())
        keeps_the_form(worker)
        assert [e["errorId"] for e in errors if e["errorId"] != "in-incognito"] == []
    assert {name: found for name, found in problems.items() if found} == {}
    heaviest = max(sent, key=lambda name: sent[name])
    said = f"page: heaviest screen as sent: {heaviest} {sent[heaviest] / 1000:.1f} kB"
    record_property(TO_SAY, f"{said}; home {sent['home'] / 1000:.1f} kB, of {len(sent)} screens")
    assert sent[heaviest] < MOST_SENT


def test_a_reading_can_be_sent_over_a_link_as_slow_as_2g(
    browser: Browser, home: Served, record_property: Callable[[str, object], None]
) -> None:
    with a_phone(browser) as phone:
        page = phone.new_page()
        slow = {"latency": 300, "downloadThroughput": 31_250, "uploadThroughput": 31_250}
        cdp = phone.new_cdp_session(page)
        cdp.send("Network.enable")
        cdp.send("Network.emulateNetworkConditions", {"offline": False, **slow})
        began = home.clock.now()
        come_in(page, home.url())
        begin(page).takes_a_reading()
        expect(
            page.get_by_role("heading", name="In the range that your team expects")
        ).to_be_visible()
        took = (home.clock.now() - began).total_seconds()
        record_property(TO_SAY, f"page: a first reading at 250 kbit/s, 300 ms: {took:.1f} s")
    assert len(home.readings()) == 1
