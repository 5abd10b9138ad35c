"""How homes are, in words: stale is visibly stale, and a number is never without its age."""

from typing import Any

import pytest

from clinician_dashboard.view_models import homes as said
from tests.clinician_dashboard.test_view_models import a_line
from tests.factories import NOON, minutes
from ward_service.contract.http.board import PatientLine
from ward_service.contract.http.homes import DeviceView, HolderView, HomeView, TroubleView


def a_home_of(line: PatientLine, **more: Any) -> HomeView:
    device = DeviceView(
        model="Nonin 3230",
        family="nonin",
        slots=(1,),
        seen_at=NOON - minutes(5),
        frame_at=NOON - minutes(5),
        battery=80,
    )
    given: dict[str, Any] = {
        "gateway": "home-01",
        "holders": (HolderView(slot=1, episode_id=line.episode_id),),
        "online": True,
        "since": NOON - minutes(90),
        "heard_at": NOON - minutes(1),
        "quiet": False,
        "missing": 0,
        "missing_since": None,
        "told_at": NOON - minutes(1),
        "depth": 0,
        "oldest_at": None,
        "bytes": 4_096,
        "radio": "on",
        "software": "homeward 0.1",
        "clock_ahead_s": 0.4,
        "unclaimed": 0,
        "plans": {1: 4},
        "devices": (device,),
        "troubles": (),
    }
    return HomeView(**(given | more))


LINE = a_line(family_name="Ash")


def row(**more: Any) -> dict[str, str]:
    [found] = said.home_rows([a_home_of(LINE, **more)], [LINE], NOON)
    return found


def test_a_home_that_is_well_is_said_in_one_line() -> None:
    assert row() == {
        "home": "home-01",
        "who lives there": "1: ASH, Pat",
        "state": "online since 10:30",
        "last heard": "1 min ago",
        "waiting there": "none, said 1 min ago",
        "missing": "none",
        "devices": "Nonin 3230 (place 1): heard 5 min ago, battery 80 % then",
        "clock": "right",
        "plans": "1: no. 4",
        "software": "homeward 0.1",
        "as of": "1 min ago",
    }
    assert said.worries(a_home_of(LINE), NOON) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"online": False, "quiet": True}, "OFFLINE since 10:30, 1 h 30 min"),
        (
            {"heard_at": NOON - minutes(40), "quiet": True},
            "QUIET: was online, and nothing came for 40 min",
        ),
        ({"online": None, "since": None, "heard_at": None, "quiet": True}, "NEVER HEARD FROM"),
        ({"online": None, "since": None, "quiet": True}, "says nothing of itself"),
    ],
)
def test_a_home_that_is_not_heard_is_loud(more: dict[str, Any], words: str) -> None:
    home = a_home_of(LINE, **more)
    assert said.state_words(home, NOON) == words
    assert said.worries(home, NOON) == [words]
    assert said.worries(a_home_of(LINE, holders=(), **more), NOON) == []  # nobody lives there


def test_what_waits_at_home_says_how_old_it_is_and_how_old_that_is() -> None:
    told = {"depth": 7, "oldest_at": NOON - minutes(125), "told_at": NOON - minutes(60)}
    assert row(**told)["waiting there"] == "7, the oldest 2 h 5 min old, said 1 h ago"
    # Its clock is an hour ahead, and what it says of moments is so too.
    ahead = {"clock_ahead_s": 3_600.0, "oldest_at": NOON - minutes(65)}
    assert row(**(told | ahead))["clock"] == "1 h ahead"
    assert row(**(told | ahead))["waiting there"] == "7, the oldest 2 h 5 min old, said 1 h ago"
    assert row(clock_ahead_s=-7_200.0)["clock"] == "2 h behind"


def test_what_a_home_never_said_is_not_known_and_never_zero() -> None:
    nothing: dict[str, Any] = {
        "told_at": None, "depth": None, "clock_ahead_s": None, "software": None, "devices": (),
        "plans": {}, "heard_at": None,
    }  # fmt: skip
    found = row(**nothing)
    assert (found["waiting there"], found["clock"], found["last heard"], found["as of"]) == (
        "not known",
        "not known",
        "never",
        "",
    )


def test_what_is_wrong_is_said_with_its_place_and_its_age() -> None:
    wrong = TroubleView(words="the battery is low", slot=1, since=NOON - minutes(30))
    home = a_home_of(
        LINE, troubles=(wrong,), missing=3, missing_since=NOON - minutes(20), unclaimed=1
    )
    assert said.worries(home, NOON) == [
        "3 readings made there and not here, missing since 11:40",
        "place 1: the battery is low, since 11:30 (said 1 min ago)",
        "1 reading that nobody there has claimed (said 1 min ago)",
    ]


def test_a_device_that_was_never_heard_and_somebody_who_left_are_said_to_be_so() -> None:
    silent = DeviceView(model="", family="", slots=(), seen_at=None, frame_at=None, battery=None)
    home = a_home_of(LINE, devices=(silent,))
    [found] = said.home_rows([home], [], NOON)
    assert found["devices"] == "a device: never heard"
    assert found["who lives there"] == "1: somebody who is no longer on the list"
