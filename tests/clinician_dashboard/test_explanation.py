"""Why an alert rang, in the words of the screen. Plain Python: no screen needed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from clinician_dashboard.view_models.explanation import SAME_FOR_ALL, explanation_text
from tests.factories import NOON, minutes
from ward_service.contract.http.explanation import (
    CitationView,
    ConfirmationView,
    ExplanationView,
    LimitOriginView,
    ReasonView,
    RungView,
    SourceTitleView,
)
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import AlertClass, AlertState, Level

RED_MAX = LimitOriginView(
    name="red_max", means="the highest resting SpO2 that is red", value=92, usual=92
)
ROW = CitationView(
    key="parameters.red_max.default",
    place="covid-oximetry-at-home.yaml:49",
    text='default: { is: 92, source: "CLINICAL 1.3 [V2 S5, S7, S8, S9]" }',
    source="CLINICAL 1.3 [V2 S5, S7, S8, S9]",
    titles=(SourceTitleView(code="S5", title="Pulse Today, Nov 2020"),),
)


def a_reason(**more: Any) -> ReasonView:
    given: dict[str, Any] = {
        "level": Level.RED,
        "words": "SpO2 91 % <= 92 %",
        "at": NOON,
        "reading_ids": (new_id(NOON),),
        "rule": "spo2.red",
        "value": "SpO2 91 %",
        "limit": "<= 92 %",
        "basis": "a band of the pathway",
        "citations": (ROW,),
        "limits": (RED_MAX,),
    }
    return ReasonView(**(given | more))


def an_explanation(**more: Any) -> ExplanationView:
    given: dict[str, Any] = {
        "alert_id": new_id(NOON),
        "episode_id": new_id(NOON),
        "alert_class": AlertClass.PHYSIOLOGICAL,
        "level": Level.RED,
        "state": AlertState.OPEN,
        "opened_at": NOON,
        "noticed_at": NOON,
        "zone": "Europe/London",
        "pathway": "covid-oximetry-at-home@2",
        "title": "COVID Oximetry @home",
        "findings": (a_reason(),),
        "confirmation": (ConfirmationView(words="Confirmed: no repeat came.", at=NOON),),
        "rungs": (
            RungView(round=1, number=1, whom="ward nurse", due_at=NOON, taken_at=NOON),
        ),
        "next_rung": RungView(round=1, number=2, whom="ward doctor", due_at=NOON + minutes(15)),
        "ladder": "the last step comes again every 15 min until somebody answers.",
    }  # fmt: skip
    return ExplanationView(**(given | more))


def test_a_reason_says_its_limit_whose_it_is_and_its_row_of_the_pathway() -> None:
    [reason] = explanation_text(an_explanation(), NOON).reasons
    assert reason.words == "SpO2 91 % <= 92 % (red), measured 12:00"
    assert reason.limits == [
        "The highest resting SpO2 that is red (red_max): 92, the pathway's own number"
    ]
    assert reason.rows == [
        "Rule: a band of the pathway.",
        "covid-oximetry-at-home.yaml:49 default: "
        '{ is: 92, source: "CLINICAL 1.3 [V2 S5, S7, S8, S9]" } (S5: Pulse Today, Nov 2020)',
    ]


def test_a_source_that_does_not_stand_on_the_line_is_said_after_it() -> None:
    answer = CitationView(
        key="questions.red_flags.answers.is.collapse",
        place="covid-oximetry-at-home.yaml:125",
        text="collapse: red",
        source="NG191 [V S25]",
    )
    [reason] = explanation_text(
        an_explanation(findings=(a_reason(citations=(answer,)),)), NOON
    ).reasons
    assert reason.rows[1] == "covid-oximetry-at-home.yaml:125 collapse: red Source: NG191 [V S25]"


def test_a_persons_own_number_says_who_set_it_when_and_why() -> None:
    own = RED_MAX.model_copy(
        update={"value": 88, "own": True, "set_by": "nurse-3", "set_at": NOON, "reason": "COPD"}
    )
    [reason] = explanation_text(an_explanation(findings=(a_reason(limits=(own,)),)), NOON).reasons
    assert reason.limits[0].endswith(
        ": 88, this person's own, set by nurse-3 12:00; the pathway has 92: COPD"
    )


def test_a_rule_without_a_persons_number_says_that_it_is_the_same_for_everyone() -> None:
    [reason] = explanation_text(an_explanation(findings=(a_reason(limits=()),)), NOON).reasons
    assert reason.limits == [SAME_FOR_ALL]


def test_who_was_called_comes_before_who_is_next_and_what_follows() -> None:
    text = explanation_text(an_explanation(), NOON)
    assert text.calls == [
        "12:00: step 1, ward nurse",
        "NEXT, 12:15: step 2, ward doctor",
        "The last step comes again every 15 min until somebody answers.",
    ]


def test_a_step_that_an_answer_stopped_is_not_said_to_have_called() -> None:
    stopped = RungView(
        round=2, number=2, whom="ward doctor", due_at=NOON, stopped_at=NOON - minutes(3)
    )
    text = explanation_text(an_explanation(rungs=(stopped,), next_rung=None), NOON)
    assert text.calls[0] == "Due 12:00: step 2, ward doctor, round 2; not called, stopped at 11:57"


def test_in_summer_a_moment_is_said_in_utc_too() -> None:
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    text = explanation_text(
        an_explanation(findings=(a_reason(at=summer),)), summer + timedelta(minutes=1)
    )
    assert text.reasons[0].words.endswith("measured 13:00 (12:00 UTC)")


def test_an_unsigned_pathway_is_said_to_be_unsigned() -> None:
    assert explanation_text(an_explanation(), NOON).pathway.endswith(", UNSIGNED")
    signed = an_explanation(signed_by="I. Nvented, clinical lead")
    assert explanation_text(signed, NOON).pathway.endswith("signed by I. Nvented, clinical lead")
