"""Every screen of the page in a real browser, over a real server thread: what is seen on each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import cast

from playwright.sync_api import Page

from device_gateway.home import open_home
from device_gateway.web.serve import Address, serving
from tests.device_gateway.conftest import a_place
from tests.device_gateway.web.conftest import CODE, DOORS, NOWHERE, YEAR, Hand
from tests.factories import COH, NOON
from tests.services import free_port, wait_until_answers
from tests.ward_service.domain.test_plan import a_stay
from tools.pseudo import CODE as PSEUDO
from tools.pseudo import pseudo_texts
from ward_service.contract.clock import Clock
from ward_service.contract.plan import Plan
from ward_service.domain.plan import care_of, written

# The pathway as it would be if somebody had put it into the pseudo-language.
SPOKEN = replace(COH, texts={**COH.texts, PSEUDO: pseudo_texts(COH.texts["en"])})


@contextmanager
def a_page_for(
    language: str, folder: Path, interpreter: str = "", at: datetime = NOON
) -> Iterator[str]:
    """Serve the page of one home whose person speaks a language; yield its address."""
    state = replace(a_stay(SPOKEN, None), admitted_at=at - timedelta(days=2))
    care = care_of(state, SPOKEN, language=language, use="demo", signed=False)
    care = care.model_copy(update={"interpreter": interpreter})
    clock = cast(Clock, Hand(at))
    home = open_home(a_place(1), NOWHERE, folder, clock, Event())
    home.adviser.take_plan(1, written(Plan(number=1, care=care, doors=DOORS)), at)
    port = free_port()
    with serving([home], folder, clock, Address("127.0.0.1", port)):
        wait_until_answers(port, 20)
        yield f"http://127.0.0.1:{port}"
    home.spool.close()


def walk(page: Page, address: str) -> Iterator[str]:
    """Go through the page as a person does; yield the name of each screen while it is shown."""
    page.goto(f"{address}/in")
    yield "the door"
    page.fill("#code", CODE)
    page.fill("#year", str(YEAR - 1))
    _go(page, "main button")
    yield "a wrong year"
    page.fill("#year", str(YEAR))
    _go(page, "main button")
    yield "home, empty"
    _go(page, "main button")
    yield "red flags"
    _go(page, "main form:not(.answers) button")
    yield "red flags, none chosen"
    _go(page, "#none")
    yield "how to measure"
    page.locator("summary").first.click()
    yield "how to measure, more"
    _go(page, "main form button")
    yield "the oximeter"
    oximeter = page.url
    _go(page, "main form button >> nth=0")
    yield "the oximeter, empty"
    _type(page, "72", "97")
    yield "swapped"
    _go(page, "main .ask form button >> nth=0")
    page.goto(oximeter)
    _type(page, "45", "130")
    yield "unlikely"
    _type(page, "91", "104")
    yield "others"
    _go(page, "button[name=skip]")
    yield "feeling"
    _go(page, "#answer-1")
    yield "amber symptoms"
    _go(page, "#none")
    yield "last"
    _go(page, "main button.big")
    yield "sent, red"
    page.goto(f"{address}/")
    yield "home"
    page.goto(f"{address}/readings")
    yield "readings"
    page.goto(f"{address}/help")
    yield "help"
    page.goto(f"{address}/nowhere")
    yield "nowhere"
    page.goto(f"{address}/")
    _go(page, "main button")
    page.check("#answer-3")
    _go(page, "main form:not(.answers) button")
    yield "emergency"


def _type(page: Page, spo2: str, pulse: str) -> None:
    page.fill("input#spo2", spo2)
    page.fill("input#pulse_rate", pulse)
    _go(page, "form:has(input#spo2) button >> nth=0")


def _go(page: Page, selector: str) -> None:
    """Click, and wait until the next screen is there."""
    with page.expect_navigation():
        page.click(selector)
