"""The tables in the docs are the ones that the rules read."""

from tools import charts


def test_the_page_on_news2_is_as_the_rule_draws_it() -> None:
    """When the rule has changed: `python -m tools.charts` writes the page anew."""
    assert charts.NEWS2.read_text(encoding="utf-8") == charts.news2()


def test_a_row_is_drawn_as_the_source_prints_it() -> None:
    # Source: see docs/reference/clinical.md#news2; written by hand, so that the drawing itself is
    # checked too.
    page = charts.news2()
    for row in (
        "| breathing rate (/min) | ≤ 8 | | 9 to 11 | 12 to 20 | | 21 to 24 | ≥ 25 |",
        "| SpO2 scale 1 (%) | ≤ 91 | 92 to 93 | 94 to 95 | ≥ 96 | | | |",
        "| SpO2 scale 2, on air (%) | ≤ 83 | 84 to 85 | 86 to 87 | ≥ 88 | | | |",
        "| SpO2 scale 2, on oxygen (%) "
        "| ≤ 83 | 84 to 85 | 86 to 87 | 88 to 92 | 93 to 94 | 95 to 96 | ≥ 97 |",
        "| blood pressure (mmHg) | ≤ 90 | 91 to 100 | 101 to 110 | 111 to 219 | | | ≥ 220 |",
        "| pulse (/min) | ≤ 40 | | 41 to 50 | 51 to 90 | 91 to 110 | 111 to 130 | ≥ 131 |",
        "| temperature (°C) | ≤ 35.0 | | 35.1 to 36.0 | 36.1 to 38.0 | 38.1 to 39.0 | ≥ 39.1 | |",
        "| air or oxygen | | | | air | | oxygen | |",
        "| consciousness | | | | A | | | C, V, P, U |",
    ):
        assert row in page


def test_the_page_acknowledges_its_source() -> None:
    # See docs/reference/clinical.md#news2-responses: no copyright restriction, acknowledge the RCP;
    # the charts are not restyled.
    page = charts.news2()
    assert "acknowledge the Royal College of Physicians" in page
    assert "not the official charts" in page
