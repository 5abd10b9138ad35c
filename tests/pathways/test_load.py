"""A pathway file is whole, or it is refused with the field that is wrong."""

import pytest

from ward_service.errors import WardError
from ward_service.pathways.load import SHIPPED, load_all, read

TEXT = (SHIPPED / "covid-oximetry-at-home.yaml").read_text()


def test_every_shipped_pathway_is_whole() -> None:
    assert set(load_all()) == {"covid-oximetry-at-home"}


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("fills: spo2", "filled: spo2", "filled: Extra inputs"),
        ("tops: [92, 94]", "tops: [94, 92]", "edges must rise"),
        ("[red, amber, green]", "[red, amber]", "one more level than edges"),
        ("[red, amber, green]", "[red, overdue, green]", "green, amber or red"),
        ("believable: [50, 100]", "believable: [100, 50]", "lower edge must be below"),
        ("zone: Europe/London", "zone: Europe/Londn", "no time zone Europe/Londn"),
        ('"09:00", "13:00"', '"13:00", "09:00"', "times must rise"),
        ("    amber: 60", "    green: 60", "needed for red and for amber"),
        ("fills: spo2", "fills: pulse_rate", "needs bands of its own"),
        ("further_fall: 3", "further_fall: 0", "greater than 0"),
        ("version: 1", "version: one", "valid integer"),
        ("id: covid", "id: [covid", "is not YAML"),
        (
            "late_after_min: 15",
            "late_after_min: 15\nlate_after_min: 5",
            "says late_after_min twice",
        ),
    ],
)
def test_a_file_that_is_not_whole_says_what_is_wrong(was: str, becomes: str, said: str) -> None:
    assert was in TEXT
    with pytest.raises(WardError, match=said):
        read(TEXT.replace(was, becomes, 1), "own.yaml")


@pytest.mark.parametrize("line", [n for n, row in enumerate(TEXT.splitlines()) if ":" in row])
def test_no_number_has_a_default(line: int) -> None:
    rows = TEXT.splitlines()
    if rows[line].lstrip().startswith("#"):
        return
    without = "\n".join(row for n, row in enumerate(rows) if n != line)
    optional = "bands:" in rows[line] and "pulse" in rows[line]
    if not optional:
        with pytest.raises(WardError):
            read(without, "own.yaml")
