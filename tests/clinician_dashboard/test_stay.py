"""A stay and its tasks in words."""

from datetime import date, time
from typing import Any
from uuid import UUID

import pytest

from clinician_dashboard.view_models import stay
from tests.clinician_dashboard.test_view_models import a_line
from tests.factories import NOON, minutes
from ward_service.contract.http.stays import LimitsView, ParameterView, TaskView
from ward_service.contract.vocabulary import EndReason, PauseReason, Spo2Target, TaskKind


def some_limits(**more: Any) -> LimitsView:
    red = ParameterView(
        name="red_max", means="the highest red", value=90, usual=92, low=80, high=95
    )
    drop = ParameterView(name="drop", means="a fall", value=None, usual=None, low=1, high=10)
    given: dict[str, Any] = {
        "number": 2,
        "target": Spo2Target.STANDARD,
        "usual_spo2": None,
        "home_oxygen": None,
        "parameters": (red, drop),
        "spo2_bands": (),
    }
    return LimitsView(**(given | more))


def a_task(episode_id: UUID, **more: Any) -> TaskView:
    given: dict[str, Any] = {
        "episode_id": episode_id,
        "kind": TaskKind.CHECK_IN,
        "number": 2,
        "due_at": NOON,
        "words": "day 2 of the stay",
    }
    return TaskView(**(given | more))


def test_own_numbers_stand_beside_the_pathways() -> None:
    own, unset = stay.limit_rows(some_limits())
    assert own == {
        "number": "the highest red",
        "own": "90",
        "pathway's": "92",
        "differs": "differs",
        "may be": "80 to 95",
    }
    assert (unset["own"], unset["differs"]) == ("nobody has set it", "")


def test_what_is_not_known_is_said_to_be_so() -> None:
    assert "usual SpO2 not known · oxygen at home: not known" in stay.limits_words(some_limits())
    known = stay.limits_words(some_limits(usual_spo2=91, home_oxygen=False))
    assert "usual SpO2 91 % · oxygen at home: no" in known
    assert "no exertion now" in known


@pytest.mark.parametrize(
    ("month", "written"), [(7, "2026-07-01T09:00:00+01:00"), (12, "2026-12-01T09:00:00+00:00")]
)
def test_a_time_that_is_written_is_that_of_the_wall(month: int, written: str) -> None:
    assert stay.moment(date(2026, month, 1), time(9)).isoformat() == written


def test_every_code_of_the_contract_has_words() -> None:
    assert set(stay.PAUSES) == set(PauseReason)
    assert set(stay.ENDS) == set(EndReason)
    assert set(stay.TARGETS) == set(Spo2Target)
    assert set(stay.TASKS) == set(TaskKind)


def test_a_task_says_whose_it_is_and_that_its_time_has_gone() -> None:
    line = a_line(phone="07700 900000")
    late, soon = stay.task_rows(
        [a_task(line.episode_id), a_task(line.episode_id, due_at=NOON + minutes(65))],
        [line],
        NOON + minutes(5),
    )
    assert late["due"] == "PAST ITS TIME: 12:00, 5 min ago"
    assert late["patient"].startswith("INVENTED, Pat · NHS")
    assert (late["phone"], soon["due"]) == ("07700 900000", "13:05")


def test_a_task_of_somebody_who_has_left_is_still_said() -> None:
    [row] = stay.task_rows([a_task(a_line().episode_id)], [], NOON)
    assert row["patient"] == "somebody who is no longer on the list"
