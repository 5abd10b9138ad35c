"""The docs are true: what they name exists."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from device_gateway.settings import Settings as HomeSettings
from tools import api_page
from ward_service.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMED = re.compile(r"`((?:tests|ward_service|device_gateway|clinician_dashboard|evaluation_export|"
                   r"docs|locks|store|contract|domain)/[\w./-]*\w)`")  # fmt: skip
LINKED = re.compile(r"\]\(([^)#]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    for name in NAMED.findall(text):
        places = [ROOT / name, ROOT / "ward_service" / name]
        assert any(place.exists() for place in places), f"{page.name} names {name}"
    for link in LINKED.findall(text):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name} links {link}"


ROW_NAME = re.compile(r"(?m)^\| `([A-Z_]+)` \|")
ROW = re.compile(r"(?m)^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|")


def as_written(default: object) -> str:
    """Return a default as the page has it: blank where there is none, numbers without `.0`."""
    if default is None or default is PydanticUndefined:
        return ""
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_every_setting_of_a_ward_and_a_home_has_its_row_and_default() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    ward, _, rest = page.partition("## A home")
    home, _, _ = rest.partition("## Dashboard")
    for part, settings in ((ward, Settings), (home, HomeSettings)):
        rows = ROW.findall(part)
        fields = settings.model_fields
        expected = {name.upper(): as_written(field.default) for name, field in fields.items()}
        assert dict(rows) == expected
        assert len(rows) == len(expected), "a variable stands twice"


def test_no_page_names_a_setting_that_does_not_exist() -> None:
    known = set(ROW_NAME.findall((ROOT / "docs/reference/settings.md").read_text()))
    known |= {"HOME", "DEMO_CLOCK"}  # of the launcher, in the last lines of that page
    for page in PAGES:
        named = set(re.findall(r"HOMEWARD_([A-Z_]+[A-Z])", page.read_text()))
        assert named <= known, f"{page.name} names {named - known}"


def test_every_page_stands_in_the_index() -> None:
    index = ROOT / "docs/README.md"
    listed = {(index.parent / link).resolve() for link in LINKED.findall(index.read_text())}
    assert {page for page in PAGES if page.is_relative_to(index.parent)} - {index} <= listed


def test_the_page_on_the_api_is_as_the_routes_draw_it() -> None:
    """When a route has changed: `python -m tools.api_page` writes the page again."""
    assert api_page.API.read_text(encoding="utf-8") == api_page.page()


def test_the_page_on_the_api_says_which_routes_need_no_account() -> None:
    opened = re.findall(r"`(\w+ [^`]+)` \*open\*", api_page.page())
    assert set(opened) == {
        "POST /session", "POST /enrolments", "POST /gateways/{gateway_id}/renewals", "GET /health",
    }  # fmt: skip


def test_the_index_of_decisions_has_each_once_with_its_heading() -> None:
    page = (ROOT / "DECISIONS.md").read_text()
    headings = re.findall(r"(?m)^## (\d+)\. (.+)$", page)
    assert [int(number) for number, _ in headings] == list(range(1, len(headings) + 1))
    index = re.findall(r"(?m)^\| (\d+) \| \[([^]]+)\]\(#", page)
    assert index == headings
    for entry in re.split(r"(?m)^## ", page)[1 : len(headings) + 1]:
        assert re.search(r"(?m)^\d{4}-\d\d-\d\d · ", entry), entry[:40]
        merged = "· merged into" in entry
        for part in ("**Decision.**", "**Price.**", "**Alternatives.**"):
            assert merged or part in entry, entry[:40]
