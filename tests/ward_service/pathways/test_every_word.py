"""Everything that a file says reaches whoever signs it, and all but notes for people the rules."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from tests.ward_service.pathways.documents import NAMES, Doc, places, put, shipped
from ward_service.pathways.describe import describe
from ward_service.pathways.file import Written
from ward_service.pathways.translate import translate

# One of these is another value than the one that stands, and still of its kind.
CANDIDATES: tuple[Any, ...] = (
    "other_words",
    "red", "amber", "temperature", "pulse_rate", "exertion", "symptom", "missing", "sms", "phone",
    "rest", "patient", "self_escalate", "monitored", "monday", "tuesday", "several", "one", "onset",
    "admission", "up_to", "7 days", "3 min", "7 h", "07:07", "18:30", "Europe/Paris", "2027-01-01",
    None, True, False, 1, 2, -1, 3, 5, 91, 93.0, 99, "confirm",
    "11:00", 0, 6, 8, 20, 150, 240, 1.5, [{"to": "patient", "by": "agreed", "text": "advice.red"}],
    ["sms"], {"is": 90, "source": "ours"}, {"below_baseline": "drop", "not_below": None},
)  # fmt: skip


# What cannot be another without something beside it changing too.
ALONE = re.compile(
    r".*>(above|on_timeout)|questions>other>(choose|answers)|news2>used|check_in_days>is>\d+"
)
# What people read, and the rules do not: who owns it, since when, from where, how it is printed.
FOR_PEOPLE = re.compile(
    r"(owner|sources|roles)>\w+|languages>[\w-]+>(name|right_to_left|translator|date)|effective_from|"
    r"supersedes|change_note|news2>reason|(.*>)?source|vitals>(?!spo2)\w+>digits>is|questions>other>choose"
)
# The vital of a parameter shows in its unit, and `check` holds it to the bands that use it.
SAME_UNIT = re.compile(r"parameters>\w+>vital")


def changed(place: str, value: Any, doc: Doc) -> Written | None:
    """Return a whole file that differs in one value only; None when there can be no other."""
    likely_first = sorted(CANDIDATES, key=lambda other: type(other) is not type(value))
    for candidate in likely_first:
        if candidate == value:
            continue
        put(doc, place, candidate)
        try:
            return Written.model_validate(doc)
        except ValidationError:
            continue
        finally:
            put(doc, place, value)
    return None


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_hidden_from_whoever_signs_it_or_lost_on_the_way_to_the_rules(name: str) -> None:
    doc = shipped(name)
    written = Written.model_validate(doc)
    shown, ruled = describe(written), translate(written)
    hidden, lost, unchanged, tried = [], [], [], 0
    for place, value in list(places(doc)):
        if isinstance(value, dict | list):
            continue
        other = changed(place, value, doc)
        if other is None:
            unchanged.append(place)
            continue
        tried += 1
        if describe(other) == shown and not SAME_UNIT.fullmatch(place):
            hidden.append(place)
        # What NEWS2 would mean is no rule of a pathway that does not use it.
        if place == "news2>single_three>is" and not written.news2.used:
            continue
        if not FOR_PEOPLE.fullmatch(place) and translate(other) == ruled:
            lost.append(place)
    assert (hidden, lost) == ([], [])
    assert [place for place in unchanged if not ALONE.fullmatch(place)] == []
    assert tried > 300
