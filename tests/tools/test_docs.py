"""The docs are true: what they name exists."""

import re
from pathlib import Path

import pytest

from device_gateway.settings import Settings as HomeSettings
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


def test_every_setting_is_explained_to_whoever_operates_a_ward_or_a_home() -> None:
    explained = (ROOT / "docs/do/operate.md").read_text()
    for field in (*Settings.model_fields, *HomeSettings.model_fields):
        assert f"`{field.upper()}`" in explained, field
