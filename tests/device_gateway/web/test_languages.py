"""Languages are data: whole, checked or said not to be, and readable in every one of them."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from device_gateway.web import translations
from device_gateway.web.presenter import blocks
from device_gateway.web.time_words import age_in, day_and_time_in, time_in
from device_gateway.web.translations import FOLDER, Language, languages, read
from tests.conftest import missing
from tests.device_gateway.web.conftest import House, a_reading_typed, comes_in
from tests.device_gateway.web.screens import SPOKEN, a_page_for, walk
from tests.journeys.browser import a_browser, chromium
from tests.ward_service.domain.test_plan import a_stay
from tools.pseudo import CODE as PSEUDO
from tools.pseudo import pseudo, write_catalogue
from tools.words import strings, write, wrong_with
from ward_service.domain.plan import care_of

EASY = "en-x-easy"
UNCHECKED = "Nobody has checked this translation."
LACKING = "Not all of this page is in your language."
FOLDED = "<details><summary>"
SAME_IN_FULL = "The same in full English"


@pytest.fixture
def with_pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogues that are shipped, and that of the pseudo-language."""
    folder = tmp_path / "words"
    shutil.copytree(FOLDER, folder)
    write_catalogue(folder)
    monkeypatch.setattr(translations, "FOLDER", folder)
    return folder


# --- catalogues ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.po")), ids=lambda path: path.stem)
def test_every_catalogue_says_all_that_the_page_says(path: Path) -> None:
    assert list(wrong_with(path, strings())) == []


def test_the_tool_finds_what_is_missing_gone_changed_and_doubtful(tmp_path: Path) -> None:
    path = tmp_path / "cy.po"
    head = {"X-Language-Name": "Cymraeg", "PO-Revision-Date": "2026-11-25 00:00+0000"}
    words = {
        "Back": "Yn ôl",
        "Seen at {at}": "Gwelwyd",
        "Call 999": "Ffoniwch",
        "Gone": "Wedi mynd",
    }
    write(path, head, words)
    path.write_text(path.read_text() + '\n#, fuzzy\nmsgid "Weight"\nmsgstr "Pwysau"\n')
    wanted = dict.fromkeys(("Back", "Seen at {at}", "Call 999", "Weight"), "home.html")
    assert list(wrong_with(path, wanted)) == [
        "cy.po: its head does not say X-Direction.",
        "cy.po: its head does not say Last-Translator.",
        "cy.po: its head does not say X-Reviewed-By.",
        "cy.po: 'Weight' is fuzzy: somebody must look at it.",
        "cy.po: 'Seen at {at}' has other placeholders there.",
        "cy.po: 'Call 999' has other numbers to ring there.",
        "cy.po: it does not say 'Weight' (home.html).",
        "cy.po: the page says 'Gone' no more.",
    ]


def test_what_is_said_by_way_of_a_table_is_among_the_strings() -> None:
    found = strings()
    assert {"This is low. Read this now", "beats a minute", "Call 999 now, or go to A&E"} <= set(
        found
    )
    assert "just now" in found


def test_nobody_is_said_to_have_reviewed_a_catalogue_that_we_ship() -> None:
    assert {code for code, one in languages().items() if one.reviewer} == {"en"}
    assert set(languages()) == {"en", EASY}  # the pseudo-language is not shipped
    easy = read(FOLDER / f"{EASY}.po")
    assert (easy.translator, easy.date) == ("Homeward", "2026-11-25")


# --- ages and dates ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "age", "said"),
    [
        ("en", timedelta(seconds=59), "just now"),
        ("en", timedelta(minutes=1), "1 minute ago"),
        ("en", timedelta(minutes=59, seconds=59), "59 minutes ago"),
        ("en", timedelta(hours=1), "1 hour ago"),
        ("en", timedelta(hours=47, minutes=59), "47 hours ago"),  # never rounded up, nor younger
        ("en", timedelta(hours=48), "2 days ago"),
        ("en", timedelta(days=13), "13 days ago"),
        (EASY, timedelta(minutes=2), "2 minutes ago"),
        ("pl", timedelta(minutes=2), "2 minuty temu"),
        ("pl", timedelta(minutes=5), "5 minut temu"),
        ("pl", timedelta(minutes=22), "22 minuty temu"),
        ("ar", timedelta(hours=2), "قبل ساعتين"),
        ("zz", timedelta(hours=2), "2 hours ago"),
    ],
)
def test_ages_have_the_plurals_of_their_language(code: str, age: timedelta, said: str) -> None:
    assert age_in(Language(code, code), age) == said


def test_dates_are_written_as_the_speakers_of_a_language_write_them() -> None:
    at = datetime(2026, 11, 2, 14, 5, tzinfo=UTC)
    written = {code: day_and_time_in(Language(code, code), at) for code in ("en", EASY, "pl", "ur")}
    assert written["en"] == written[EASY] == "2 Nov 14:05"
    assert written["pl"] == "2 lis 14:05"
    assert "نومبر" in written["ur"]
    assert time_in(Language("en-US", "English"), at) == "14:05"


def test_lines_are_paragraphs_and_dashes_are_lists() -> None:
    assert blocks("Call 999 if:\n- one\n- two\nNow.\n") == ["Call 999 if:", ("one", "two"), "Now."]


# --- what stands beside it -----------------------------------------------------------------------


def in_language(house: House, language: str, **care: object) -> None:
    told = care_of(a_stay(SPOKEN, None), SPOKEN, language=language, use="demo", signed=False)
    fields = {name: getattr(told, name) for name in ("language", "texts", "reviewed")}
    house.plan(**{**fields, **care})


def test_easy_words_have_the_full_ones_folded_beside_them_and_nothing_else(house: House) -> None:
    in_language(house, EASY)
    comes_in(house.client)
    shown = house.client.get("/help").text
    assert "We cannot rely on this reading" not in shown
    assert shown.count(SAME_IN_FULL) == 2  # how to measure, and the night
    assert '<p lang="en" dir="ltr">The ward is closed until 08:00.' in shown
    assert 'class="beside"' not in shown
    assert UNCHECKED not in shown
    asked = house.client.post("/reading").text
    assert "You cough up blood" in asked
    assert asked.count(SAME_IN_FULL) == 1  # one for the whole screen, and none inside a button
    assert "Coughing up blood" in asked[asked.index(SAME_IN_FULL) :]
    assert "Coughing up blood" not in asked[: asked.index(SAME_IN_FULL)]


def test_reviewed_easy_words_stand_alone(house: House) -> None:
    in_language(house, EASY, reviewed=(EASY,))
    comes_in(house.client)
    told = a_reading_typed(house.client, "91", "104")
    assert "Is it still 92 % or lower?" in told
    assert SAME_IN_FULL not in told


def test_words_that_nobody_reviewed_have_english_and_the_interpreter_beside_them(
    house: House, with_pseudo: Path
) -> None:
    in_language(house, PSEUDO, interpreter="01632 960 123")
    comes_in(house.client)
    told = a_reading_typed(house.client, "91", "104")
    assert f'<html lang="{PSEUDO}" dir="rtl">' in told
    assert pseudo("This is low. Read this now") in told
    assert '<span class="beside" lang="en" dir="ltr">This is low. Read this now</span>' in told
    assert "<p>This reading is low. Sit still, and measure again now." in told
    assert f"{UNCHECKED} Ring 01632 960 123 and say the name of your language." in told
    assert 'href="tel:01632960123"' in told
    asked = house.client.post("/reading").text
    assert pseudo("Coughing up blood") in asked
    assert '<span class="beside" lang="en" dir="ltr">Coughing up blood</span>' in asked


@pytest.mark.parametrize(
    ("interpreter", "number"), [("", "111"), ("0300 555 0100", "0300 555 0100")]
)
def test_a_language_that_nobody_has_written_is_said_to_be_missing_and_never_guessed(
    house: House, interpreter: str, number: str
) -> None:
    in_language(house, "so", interpreter=interpreter)
    comes_in(house.client)
    told = a_reading_typed(house.client, "91", "104")
    assert f"{LACKING} Ring {number} and say the name of your language." in told
    assert "This is low. Read this now" in told
    assert 'lang="so"' not in told
    assert f"Ring {number} and say the name of your language" in house.client.get("/help").text


def test_the_plan_chooses_the_language_and_not_the_browser_until_somebody_does(
    house: House, with_pseudo: Path
) -> None:
    shutil.copy(with_pseudo / f"{PSEUDO}.po", with_pseudo / "cy.po")
    in_language(house, EASY)
    house.client.headers["accept-language"] = "cy"
    assert "Measure now" in comes_in(house.client)
    house.client.post("/language", data={"code": "en"})
    asked = house.client.post("/reading").text
    assert "Coughing up blood" in asked
    assert "You cough up blood" not in asked
    house.client.post("/language", data={"code": "cy"})
    shown = house.client.get("/").text
    assert pseudo("Take a reading now") in shown
    assert LACKING in shown  # the page can say it, but this plan has no advice in it


def test_english_has_nothing_beside_it(house: House) -> None:
    for language in ("en", "en-GB", "EN"):
        in_language(house, language)
        comes_in(house.client)
        told = a_reading_typed(house.client, "91", "104")
        assert 'class="beside"' not in told
        assert 'class="doubt"' not in told
        assert FOLDED not in told


# --- in a browser --------------------------------------------------------------------------------

TWICE = "document.documentElement.style.fontSize = '38px'"  # 200 % of what the page is set in
ONCE = "document.documentElement.style.fontSize = ''"
# What reaches beyond the window in the direction of reading, or is cut off in a box of its own.
WIDE = """() => {
  const out = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
  for (const it of document.querySelectorAll('main *, header *, footer *')) {
    if (it.closest('.scroll, svg, .skip')) continue;
    const box = it.getBoundingClientRect();
    const out_of_it = box.left < -1 || box.right > innerWidth + 1;
    if (box.width && out_of_it) out.push(it.outerHTML.slice(0, 80));
  }
  return out;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    with a_browser() as browser:
        yield browser


@pytest.mark.parametrize("language", ["en", EASY, PSEUDO])
def test_every_screen_is_accessible_and_never_scrolls_sideways(
    language: str, browser: Browser, tmp_path: Path, with_pseudo: Path
) -> None:
    axe = Axe()
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(20_000)
    seen, found = [], []
    with a_page_for(language, tmp_path) as address:
        for name in walk(page, address):
            seen.append(name)
            found += [f"{name}: {one}" for one in _wrong(page, axe)]
    context.close()
    assert not found, "\n".join(found)
    assert len(seen) == 21


def _wrong(page: Page, axe: Axe) -> Iterator[str]:
    yield from page.evaluate(WIDE)
    page.evaluate(TWICE)
    yield from (f"at 200 %: {one}" for one in page.evaluate(WIDE))
    page.evaluate(ONCE)
    yield from _violations(axe, page, None)
    page.emulate_media(color_scheme="dark")
    only: dict[str, object] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    yield from (f"dark: {one}" for one in _violations(axe, page, only))
    page.emulate_media(color_scheme="light")


def _violations(axe: Axe, page: Page, options: Mapping[str, object] | None) -> Iterator[str]:
    for violation in axe.run(page, options=options).response["violations"]:
        where = [" ".join(node["html"].split())[:90] for node in violation["nodes"]]
        yield f"{violation['id']}: {where}"
