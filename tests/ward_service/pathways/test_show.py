"""What a lead reads before signing: everything that the file says, each number with its source."""

from typing import Any

import pytest

from tests.ward_service.pathways.documents import NAMES, earlier, shipped, with_value
from ward_service.pathways.diff import diff
from ward_service.pathways.file import Written
from ward_service.pathways.show import brief, show

COH = Written.model_validate(shipped("covid-oximetry-at-home"))


def changed(place: str, value: Any, name: str = "covid-oximetry-at-home") -> Written:
    return Written.model_validate(with_value(shipped(name), place, value))


def line_with(words: str, written: Written = COH) -> str:
    [line] = [line for line in show(written) if words in line]
    return " ".join(line.split())


def test_a_number_is_shown_with_its_unit_and_its_source() -> None:
    assert line_with("red_max  ") == (
        "red_max 92 %: the highest resting SpO2 that is red CLINICAL 1.3 [V2 S5, S7, S8, S9]"
    )
    assert line_with("SpO2, standard") == (
        "SpO2, standard red 92 % or less; amber 93 to 94 %; green 95 % or more"
    )
    assert line_with("the first is chased after") == (
        "the first is chased after 1 h CLINICAL 1.7 [V S30]"
    )


def test_how_good_a_source_is_stands_before_the_line() -> None:
    assert line_with(" late after ").startswith("! late after 15 min ours, unsigned")
    assert line_with("trend_drop   ").startswith("~ trend_drop 3 %")
    assert line_with("amber: repeat within").startswith("amber: repeat within 1 h")
    copd = Written.model_validate(earlier("copd-88-92", 1))
    assert line_with("amber_drop   ", copd).startswith("? amber_drop not set")


def test_what_is_unsigned_is_counted() -> None:
    before = {line.split()[0]: int(line.split()[1]) for line in show(COH)[-5:-2]}
    after = show(changed("stale_after>source", "our own formulary, 2026"))[-5:-2]
    assert before["?"] == 0
    assert f"  ! {before['!'] - 1:3}  ours, unsigned: no source gives it" in after


def test_it_says_whether_it_can_be_signed() -> None:
    assert "It cannot be signed:" in show(COH)
    doc = with_value(shipped("covid-oximetry-at-home"), "owner", {"name": "I. N.", "role": "GP"})
    assert show(Written.model_validate(doc))[-1] == "A named clinical lead may sign it."


def test_the_words_and_sources_can_be_left_out() -> None:
    assert any("Call 999" in line for line in show(COH))
    assert not any("Call 999" in line or "NG191" in line for line in show(COH, words=False))


def test_a_line_fits_a_wide_terminal() -> None:
    for name in NAMES:
        lines = show(Written.model_validate(shipped(name)))
        assert max(map(len, lines[: lines.index("SOURCES")])) <= 136


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (
            "parameters>red_max>default>is",
            91,
            [
                "red_max: 92 % became 91 %",
                "SpO2, standard, red: 92 % or less became 91 % or less",
                "SpO2, standard, amber: 93 to 94 % became 92 to 94 %",
            ],
        ),
        (
            "parameters>red_max>means",
            "x",
            ['red_max: "the highest resting SpO2 that is red" became "x"'],
        ),
        (
            "parameters>red_max>bounds>is",
            [81, 95],
            ["bounds, red_max: 80 to 95 % became 81 to 95 %"],
        ),
        ("missing>remind_after>is", ["3 h", "4 h"], ["reminder 1 after: 2 h became 3 h"]),
        ("missing>remind_after>is", ["2 h"], ["reminder 2 after: gone, was 4 h"]),
        (
            "missing>remind_after>is",
            ["2 h", "4 h", "5 h"],
            ["reminder 3 after: new, 5 h"],
        ),
        (
            "schedule>times>is",
            ["09:00", "17:00"],
            ["times: 09:00, 13:00, 17:00 (Europe/London) became 09:00, 17:00 (Europe/London)"],
        ),
        (
            "stale_after>source",
            "our own formulary",
            [
                'stale after: still 16 h; its source "ours, unsigned: from the last agreed time to '
                'the next morning\'s" became "our own formulary"'
            ],
        ),
        (
            "ladders>self_escalate>red>contact_within>is",
            "30 min",
            ["Who is called, self escalate: red, contact within: 1 h became 30 min"],
        ),
        (
            "questions>feeling>answers>is>worse",
            "red",
            ["feeling: red, worse: new", "feeling: amber, worse: gone"],
        ),
        ("owner>role", "GP", ["owner: nobody yet, no role became nobody yet, GP"]),
    ],
)  # fmt: skip
def test_what_changed_is_said_in_words(place: str, value: Any, said: list[str]) -> None:
    assert diff(COH, changed(place, value)) == said


def test_nothing_changed_is_nothing_said() -> None:
    assert diff(COH, COH) == []


def test_the_brief_page_has_every_number_with_its_mark() -> None:
    page = " ".join(" ".join(brief(COH)).split())
    assert "red_max: 92 % · amber_max: 94 % · trend_drop: 3 % ~" in page
    assert "late after: 15 min !" in page
    assert "CLINICAL 1.3" not in page
    assert "Call 999" not in page
