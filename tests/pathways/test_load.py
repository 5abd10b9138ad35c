"""A pathway file is whole, or it is refused with the field that is wrong."""

from datetime import time, timedelta

import pytest

from ward_service.contract.vocabulary import Level, Mode, Vital
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.pathway import Edge
from ward_service.domain.texts import text_for
from ward_service.errors import WardError
from ward_service.pathways.load import SHIPPED, load_all, read

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
    assert COH.remembers == (2, timedelta(0))


def test_texts_say_this_persons_own_numbers() -> None:
    own = limits_at_admission(COH).changed({"red_max": 89.0, "amber_max": 91.0})
    assert "above 89 % and up to 91 %" in text_for("advice.amber", COH, own)
    assert "Call 999 or go to A&E" in text_for("advice.green", COH, own)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("fills: spo2", "filled: spo2", "filled: Extra inputs"),
        ("level: red }", "level: overdue }", "green, amber or red"),
        ("is: [50, 100]", "is: [100, 50]", "lower edge must be below"),
        ("zone: Europe/London", "zone: Europe/Londn", "no time zone Europe/Londn"),
        ('"09:00", "13:00"', '"13:00", "09:00"', "they must rise"),
        ('"09:00", "13:00"', '"9:00", "13:00"', "a time of day is written"),
        ("{ is: 15 min, source", "{ is: 15, source", "a length of time is written like"),
        ("{ is: 92, source", "{ is: true, source", "valid number"),
        ("on_timeout: confirm", "on_timeout: withdraw", "on_timeout: Input should be 'confirm'"),
        ("version: 2", "version: one", "valid integer"),
        ("id: covid", "id: [covid", "is not YAML"),
        ("late_after: {", "late_after: 3\nlate_after: {", "says late_after twice"),
    ],
)
def test_a_file_that_is_not_whole_says_what_is_wrong(was: str, becomes: str, said: str) -> None:
    assert was in TEXT
    with pytest.raises(WardError, match=said):
        read(TEXT.replace(was, becomes, 1), "own.yaml")


def test_a_word_is_read_as_it_looks() -> None:
    # YAML 1.1 would say 780 and false here, and nobody would see it.
    read(TEXT.replace('"09:00", "13:00"', '"09:00", 13:00', 1), "own.yaml")
    text = TEXT.replace("        none: null", "        no: null", 1)
    text = text.replace("answer.red_flags.none", "answer.red_flags.no")
    assert "no" in read(text, "own.yaml").pathway.questions["red_flags"].answers
