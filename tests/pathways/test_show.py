"""What a lead reads before signing: everything that the file says, each number with its source."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from tests.pathways.documents import NAMES, Doc, places, shipped, with_value
from ward_service.pathways.describe import describe
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
    copd = Written.model_validate(shipped("copd-88-92"))
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


# One of these is another value than the one that stands, and still of its kind.
CANDIDATES: tuple[Any, ...] = (
    "other_words",
    "red", "amber", "temperature", "pulse_rate", "exertion", "symptom", "missing", "sms", "phone",
    "patient", "self_escalate", "monitored", "monday", "tuesday", "several", "one", "onset",
    "admission", "up_to", "7 days", "3 min", "7 h", "07:07", "18:30", "Europe/Paris", "2027-01-01",
    None, True, False, 1, 2, 3, 5, 91, 93.0, 99, "confirm",
    "11:00", 0, 6, 8, 20, 150, 1.5, [{"to": "patient", "by": "agreed", "text": "advice.red"}],
    ["sms"], {"is": 90, "source": "ours"}, {"below_baseline": "drop", "not_below": None},
)  # fmt: skip


def changes(place: str, value: Any, doc: Doc) -> list[Written]:
    """Return the whole files that differ in one value only."""
    found: list[Written] = []
    likely_first = sorted(CANDIDATES, key=lambda other: type(other) is not type(value))
    for candidate in likely_first:
        if candidate == value:
            continue
        try:
            found.append(Written.model_validate(with_value(doc, place, candidate)))
        except ValidationError:
            continue
        break
    return found


# What cannot be another without something beside it changing too.
ALONE = re.compile(
    r".*>(above|on_timeout)|questions>other>(choose|answers)|news2>used|check_in_days>is>\d+"
)
SAME_UNIT = re.compile(r"parameters>\w+>vital")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_a_file_says_is_hidden_from_whoever_signs_it(name: str) -> None:
    doc = shipped(name)
    before = describe(Written.model_validate(doc))
    # The vital of a parameter shows in its unit, and `check` holds it to the bands that use it.
    leaves = [
        (place, value)
        for place, value in places(doc)
        if not isinstance(value, dict | list) and not SAME_UNIT.fullmatch(place)
    ]
    hidden, unchanged = [], []
    for place, value in leaves:
        others = changes(place, value, doc)
        if not others:
            unchanged.append(place)
        hidden += [place for other in others if describe(other) == before]
    assert hidden == []
    assert [place for place in unchanged if not ALONE.fullmatch(place)] == []
    assert len(leaves) > 300


def test_the_brief_page_has_every_number_with_its_mark() -> None:
    page = " ".join(" ".join(brief(COH)).split())
    assert "red_max: 92 % · amber_max: 94 % · trend_drop: 3 % ~" in page
    assert "late after: 15 min !" in page
    assert "CLINICAL 1.3" not in page
    assert "Call 999" not in page
