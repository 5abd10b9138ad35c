"""Nobody is asked to exert themselves below 96 % at rest.

Source: CEBM, rapid exercise tests, 2020 [CEBM-EXERTION-2020].
"""

from datetime import timedelta

import pytest

from tests.factories import COH, NOON, minutes
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import Context, Quality, Vital
from ward_service.domain.episode import begin, step
from ward_service.domain.exertion import exertion_prompt
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.state import EpisodeState

EPISODE = derived_id(NOON, "an episode")


def after(spo2: float, **more: object) -> EpisodeState:
    reading = ReadingArrived(derived_id(NOON, spo2), NOON, {Vital.SPO2: spo2}, **more)  # type: ignore[arg-type]
    return step(EPISODE, begin(NOON - minutes(60), COH), reading, NOON, COH).state


@pytest.mark.parametrize(("spo2", "allowed"), [(96, True), (95.9, False), (95, False), (100, True)])
def test_exertion_is_asked_for_only_at_96_or_more_at_rest(spo2: float, allowed: bool) -> None:
    assert exertion_prompt(after(spo2), COH, NOON).allowed is allowed


def test_what_is_not_known_forbids_it() -> None:
    nothing = begin(NOON - minutes(60), COH)
    assert not exertion_prompt(nothing, COH, NOON).allowed
    poor = after(98, quality=(Quality.POOR_SIGNAL,))
    assert not exertion_prompt(poor, COH, NOON).allowed
    walked = after(98, context=Context.EXERTION)
    assert not exertion_prompt(walked, COH, NOON).allowed


def test_yesterdays_reading_at_rest_is_no_leave_to_exert() -> None:
    state = after(98)
    assert exertion_prompt(state, COH, NOON + COH.history_spacing).allowed
    later = NOON + COH.history_spacing + timedelta(seconds=1)
    assert not exertion_prompt(state, COH, later).allowed
