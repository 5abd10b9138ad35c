"""A pathway file is whole, or it is refused with the field that is wrong."""

from datetime import time, timedelta
from typing import Any

import pytest

from tests.ward_service.pathways.documents import (
    EARLIER,
    NAMES,
    places,
    read_doc,
    refusals,
    shipped,
    with_value,
    without,
)
from ward_service.contract.rules import Edge
from ward_service.contract.vocabulary import Level, Mode, Vital
from ward_service.errors import PathwayRefusedError
from ward_service.pathways.load import SHIPPED, load, load_all, read

TEXT = (SHIPPED / "covid-oximetry-at-home.yaml").read_text()
COH = read(TEXT, "coh.yaml").pathway


def test_every_shipped_pathway_is_whole() -> None:
    assert set(load_all()) == {"covid-oximetry-at-home", "covid-virtual-ward", "copd-88-92"}


def test_the_rules_see_what_the_file_says() -> None:
    bands = COH.vitals[Vital.SPO2].bands["standard"]
    assert bands.edges == (Edge("red_max"), Edge("amber_max"))
    assert bands.levels == (Level.RED, Level.AMBER, Level.GREEN)
    assert COH.schedule.times == (time(9), time(13), time(17))
    assert COH.confirmation.repeat_within[Level.RED] == timedelta(minutes=5)
    assert COH.ladders[Mode.MONITORED][Level.AMBER].steps[0].out_of_hours == ()
    assert COH.ladders[Mode.MONITORED][Level.RED].steps[0].out_of_hours[0].to == "patient"
    assert COH.remembers == (2, timedelta(0))
    assert COH.service.days == tuple(range(7))
    assert (COH.duration.days, COH.duration.from_onset) == (14, True)


def test_an_edge_may_hang_on_the_usual_value() -> None:
    bands = load(EARLIER / "copd-88-92-1.yaml").pathway.vitals[Vital.SPO2].bands["baseline"]
    red = Edge("red_drop", below_baseline=True, not_below="absolute_floor")
    assert bands.edges == (red, Edge("amber_drop", below_baseline=True))


# What is changed in the text, and what is said of it: the field, and what is wrong with it.
@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("fills: spo2", "filled: spo2", "filled: Extra inputs"),
        ("fills: spo2", "filled: spo2", "fills: Field required"),
        ("fills: spo2", "fills: spo3", "fills: Input should be 'spo2'"),
        ("level: red }", "level: overdue }", "bands.standard.0.level: .*green, amber or red"),
        ("above: true", "above: false", "above: Input should be True"),
        ("- { above: true", "- { up_to: red_max, above: true", "either up_to, or above"),
        (
            "- { up_to: amber_max, level: amber }",
            "- { above: true, level: amber }",
            "bands.standard: .*the last band, and no other",
        ),
        ("is: [50, 100]", "is: [100, 50]", "vitals.spo2: .*lower edge must be below"),
        ("{ is: 92, source", "{ is: true, source", "red_max.default.is: .*valid number"),
        ("{ is: 92, source", '{ is: "92", source', "red_max.default.is: .*valid number"),
        ("{ is: 92, source", "{ is: 92.5, source", "spo2.bands.standard: 93 lies in no band"),
        ("{ is: 92, source", "{ is: 79, source", "red_max: .*79 lies outside the bounds"),
        ("is: [80, 95]", "is: [95, 80]", "red_max: .*lower must be below the upper"),
        (', source: "CLINICAL 1.3 [V2 S5, S7, S8, S9]"', "", "red_max.default.source: Field req"),
        ("[V2 S5, S7, S8, S9]", "[V2 S5, S99]", "red_max.default: S99 is not among the sources"),
        ('"CLINICAL 1.3 [V2 S5, S7, S8, S9]"', '" "', "red_max.default.source: .*pattern"),
        ("choose: one", "choose: words", "feeling: .*answers: null where words"),
        ("zone: Europe/London", "zone: Europe/Londn", "schedule.zone: .*no time zone"),
        ('"09:00", "13:00"', '"13:00", "09:00"', "schedule.times: .*they must rise"),
        ('"09:00", "13:00"', '"9:00", "13:00"', "schedule.times.is.0: .*a time of day is written"),
        ("[2 h, 4 h]", "[4 h, 2 h]", "missing.remind_after: .*they must rise"),
        ("{ is: 16 h", "{ is: 16", "stale_after.is: .*a length of time is written like"),
        ("{ is: 16 h", "{ is: 16h", "stale_after.is: .*a length of time is written like"),
        ("{ is: 16 h", "{ is: -16 h", "stale_after.is: .*a length of time is written like"),
        ("{ is: 16 h", "{ is: 0 h", "stale_after.is: .*longer than nothing"),
        ("on_timeout: confirm", "on_timeout: withdraw", "on_timeout: Input should be 'confirm'"),
        ("is: [2, 5, 7, 10, 12]", "is: [2, 5, 7, 10, 15]", "check_in_days: day 15 lies after"),
        ("is: 14 days", "is: 90 min", "duration: .*whole days"),
        ('closes: { is: "20:00"', 'closes: { is: "07:00"', "service: .*closes after it opens"),
        ('"09:00", "13:00"', '"09:00", "09:00"', "schedule.times: .*they must rise"),
        (
            "- { above: true, level: green }",
            "- { up_to: red_max, level: green }",
            "bands.standard: .*the last band, and no other",
        ),
        ("    amber: { is: 60 min", "    green: { is: 60 min", "repeat_within.amber: Field req"),
        ("version: 3", "version: one", "version: .*valid integer"),
        ("id: covid", "id: [covid", "file: it is not YAML"),
        ("late_after: {", "late_after: 3\nlate_after: {", "says late_after twice"),
        ("readings: { is: 3", "readings: { is: 3.5", "readings.is: .*valid integer"),
        ("readings: { is: 3", "readings: { is: 1", "readings.is: .*greater than or equal to 2"),
    ],
)
def test_a_file_that_is_not_whole_says_what_is_wrong(was: str, becomes: str, said: str) -> None:
    assert was in TEXT
    with pytest.raises(PathwayRefusedError, match=said):
        read(TEXT.replace(was, becomes, 1), "own.yaml")


# What is changed in the file, and what is said of it.
@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (
            "findings>trend>all_of>0>median_is>at_least",
            None,
            None,  # a limit that is not there is none
        ),
        ("findings>trend>all_of>0>median_is>at_most", None, "median_is: .*say at_most, at_least"),
        ("findings>trend>all_of>0>missed", {}, "missed.windows: Field required"),
        ("findings>trend>all_of>0>exertion_fall", {"falls_by": "trend_drop"}, "a condition is one"),
        ("findings>trend>all_of>0", {}, "all_of.0: .*a condition is one of"),
        ("findings>trend>all_of", [], "all_of: .*at least 1 item"),
        (
            "findings>trend>all_of>0",
            {"changed_by": {"vital": "spo2", "within": {"is": "1 h", "source": "x y"}}},
            "changed_by: .*say falls_by or rises_by",
        ),
        (
            "findings>trend>all_of>0",
            {"value_is": {"vital": "spo2", "context": "rest"}},
            "value_is: .*say at_most, at_least, or both",
        ),
        ("news2>used", True, "totals: they are given where NEWS2 is used"),
        (
            "news2>totals",
            [
                {"at_least": 5, "level": "red", "source": "x y"},
                {"at_least": 7, "level": "red", "source": "x y"},
            ],
            "totals: the most points come first",
        ),
        ("continuous>stable_spread>is", -1, "stable_spread: .*without a sign"),
        ("ladders>monitored>red>steps>1>after>is", "0 min", "red: .*each comes after the one"),
        ("ladders>monitored>red>steps>0>out_of_hours", "holt", "out_of_hours"),
        ("ladders>monitored>red>steps>0>in_hours", [], "in_hours: .*at least 1 item"),
        ("ladders>monitored>red>steps", [], "red.steps: .*at least 1 item"),
        ("ladders>monitored>green", {}, "ladders.monitored.green: Extra inputs"),
    ],
)
def test_a_section_that_is_not_whole_says_what_is_wrong(
    place: str, value: Any, said: str | None
) -> None:
    doc = with_value(shipped("covid-oximetry-at-home"), place, value)
    if said is None:
        read_doc(doc)
        return
    with pytest.raises(PathwayRefusedError, match=said):
        read_doc(doc)


def test_every_reason_is_given_at_once() -> None:
    text = TEXT.replace("fills: spo2\n", "").replace("on_timeout: confirm", "on_timeout: wait")
    with pytest.raises(PathwayRefusedError) as refused:
        read(text, "own.yaml")
    assert [reason.split(":")[0] for reason in refused.value.problems] == [
        "fills",
        "confirmation.on_timeout",
    ]


def test_a_word_is_read_as_it_looks() -> None:
    # YAML 1.1 would say 780 and false here, and nobody would see it.
    read(TEXT.replace('"09:00", "13:00"', '"09:00", 13:00', 1), "own.yaml")
    text = TEXT.replace("        none: null", "        no: null", 1)
    text = text.replace("answer.red_flags.none", "answer.red_flags.no")
    assert "no" in read(text, "own.yaml").pathway.questions["red_flags"].answers
    for number in ("0x5c", "9_2", "092", "9.2e1", ".inf", "1:32"):
        with pytest.raises(PathwayRefusedError, match="valid number"):
            read(TEXT.replace("{ is: 92, source", f"{{ is: {number}, source", 1), "own.yaml")


# What a file may leave out whole: a vital that nothing judges, one of several kinds of bands.
OPTIONAL = {
    "vitals>temperature",
    "vitals>supplemental_oxygen",
    "vitals>systolic_bp",
    "vitals>spo2>bands>baseline",
    "findings>below_usual",  # its number is one of the bands as well
}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_has_a_default(name: str) -> None:
    doc = shipped(name)
    names = [place for place, _ in places(doc) if not place.rsplit(">", 1)[-1].isdigit()]
    missed = {place for place in names if not refusals(without(doc, place))}
    assert missed - OPTIONAL == set()
    assert len(names) > 400
