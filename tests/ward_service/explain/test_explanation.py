"""Why an alert rang, from a real ward's database: what a nurse reads is what happened."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from tests.factories import NOON, Home, a_home, a_reading, a_ward, minutes
from ward_service.contract.http.explanation import ExplanationView, ReasonView
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import AlertOutcome, Channel, Quality
from ward_service.domain.inputs import Acknowledged, ContactMade, LimitsChanged, Resolved
from ward_service.errors import NotFoundError
from ward_service.explain.load import explain_alert
from ward_service.explain.text import moment, without_notes, write
from ward_service.pathways.load import SHIPPED
from ward_service.pipeline import process_due_deadlines, take_batch
from ward_service.stays.acts import act, act_on_stay
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

COH_LINES = (SHIPPED / "covid-oximetry-at-home.yaml").read_text().splitlines()


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


Reads = Callable[..., None]


@pytest.fixture
def reads(ward: Ward, home: Home) -> Reads:
    def reads(spo2: float, minute: float, received: float | None = None) -> None:
        at = NOON + minutes(minute)
        came = at if received is None else NOON + minutes(received)
        take_batch(ward, [home.sends(a_reading(spo2, at=at))], came)

    return reads


def alerts(ward: Ward) -> list[AlertRow]:
    with ward.sessions() as session:
        return list(session.scalars(select(AlertRow).order_by(AlertRow.opened_at)))


def the_stay(ward: Ward) -> UUID:
    with ward.sessions() as session:
        return session.scalars(select(EpisodeRow.id)).one()


def explained(ward: Ward, which: int = -1) -> ExplanationView:
    with ward.unit_of_work(read_only=True) as store:
        return explain_alert(store, alerts(ward)[which].id)


def one_finding(explanation: ExplanationView) -> ReasonView:
    [finding] = explanation.findings
    return finding


def confirmed_by(explanation: ExplanationView) -> list[str]:
    return [step.words for step in explanation.confirmation]


def change(ward: Ward, minute: float, key: str = "new-limits", **parameters: float) -> None:
    deed = LimitsChanged("nurse-3", "told by Mrs Invented", parameters)
    act_on_stay(ward, the_stay(ward), deed, key, NOON + minutes(minute))


def take(ward: Ward, minute: float) -> None:
    row = alerts(ward)[-1]
    act(ward, row.id, Acknowledged(row.id, "nurse-3", row.version), "take", NOON + minutes(minute))


# Findings and limits


def test_a_red_says_its_value_its_limit_its_line_and_its_source(ward: Ward, reads: Reads) -> None:
    reads(91, 0)
    finding = one_finding(explained(ward))
    assert (finding.value, finding.limit, finding.rule) == ("SpO2 91 %", "<= 92 %", "spo2.red")
    band, number = finding.citations
    assert band.text == "- { up_to: red_max, level: red }"
    assert number.source == "CLINICAL 1.3 [V2 S5, S7, S8, S9]"
    assert [title.code for title in number.titles] == ["S5", "S7", "S8", "S9"]
    for cited in finding.citations:
        name, _, line = cited.place.partition(":")
        assert name == "covid-oximetry-at-home.yaml"
        assert COH_LINES[int(line) - 1].strip() == cited.text


def test_the_pathways_own_number_is_said_to_be_nobodys(ward: Ward, reads: Reads) -> None:
    reads(91, 0)
    [limit] = one_finding(explained(ward)).limits
    assert (limit.name, limit.value, limit.usual, limit.own) == ("red_max", 92, 92, False)
    assert limit.set_by == ""


def test_a_persons_own_number_says_who_set_it_and_when(ward: Ward, reads: Reads) -> None:
    change(ward, 1, red_max=88, amber_max=90)
    reads(88, 2)
    [limit] = one_finding(explained(ward)).limits
    assert (limit.name, limit.value, limit.usual, limit.own) == ("red_max", 88, 92, True)
    assert (limit.set_by, limit.set_at) == ("nurse-3", NOON + minutes(1))


def test_each_finding_is_explained_by_the_limits_of_its_own_time(ward: Ward, reads: Reads) -> None:
    """A reading, then new limits, then a worse reading that joins the same alert."""
    reads(94, 0)
    change(ward, 1, red_max=90, amber_max=93)
    reads(89, 2)
    before, after = explained(ward).findings
    assert [(x.name, x.value, x.own) for x in before.limits] == [("amber_max", 94, False)]
    assert [(x.name, x.value, x.own) for x in after.limits] == [("red_max", 90, True)]
    assert (before.limit, after.limit) == ("<= 94 %", "<= 90 %")


def test_a_reading_measured_before_new_limits_and_received_after_has_the_new_ones(
    ward: Ward, reads: Reads
) -> None:
    change(ward, 5, red_max=90, amber_max=93)
    reads(93, 1, received=6)
    [limit] = one_finding(explained(ward)).limits
    assert (limit.name, limit.value, limit.own) == ("amber_max", 93, True)


def test_limits_changed_often_name_who_set_this_number_last(ward: Ward, reads: Reads) -> None:
    change(ward, 1, red_max=91)
    change(ward, 2, "again", red_max=90)
    change(ward, 3, "others", amber_max=95)
    reads(90, 4)
    [limit] = one_finding(explained(ward)).limits
    assert (limit.value, limit.set_at) == (90, NOON + minutes(2))


def test_a_fall_below_the_usual_says_which_usual(ward: Ward, reads: Reads) -> None:
    """The middle of three lies 3 below the 97 of admission: amber, although no band says so."""
    change(ward, 1, red_max=85, amber_max=90)
    for n in range(3):
        reads(94, 2 + 90 * n)
    trend = one_finding(explained(ward))
    assert trend.rule == "finding.trend"
    assert [(x.name, x.value) for x in trend.limits] == [("trend_drop", 3), ("usual_spo2", 97)]
    assert trend.citations[0].key == "findings.trend"


def test_silence_and_a_reading_that_cannot_be_read_have_their_lines_too(
    ward: Ward, home: Home
) -> None:
    take_batch(ward, [home.sends_bytes(b"{", new_id(NOON))], NOON)
    process_due_deadlines(ward, NOON + timedelta(hours=6))
    technical, missing = (explained(ward, n) for n in (0, 1))
    assert one_finding(technical).citations[0].key == "ladders.monitored.technical.steps.0.after"
    assert one_finding(missing).citations[0].key == "missing.first_chase_after"
    assert one_finding(missing).limits == ()


# What confirmed it


def test_a_repeat_that_says_the_same_confirms(ward: Ward, reads: Reads) -> None:
    reads(91, 0)
    reads(90, 3)
    assert confirmed_by(explained(ward)) == [
        "A repeat within 5 min was asked for. The alert was provisional until then, and the ladder "
        "ran; without a repeat it stands.",
        "Confirmed by a repeat: SpO2 90 % <= 92 %.",
    ]


def test_no_repeat_in_time_confirms_at_the_deadline(ward: Ward, reads: Reads) -> None:
    reads(91, 0)
    process_due_deadlines(ward, NOON + minutes(30))
    explanation = explained(ward)
    assert confirmed_by(explanation)[1:] == [
        "Confirmed: no repeat came in time, so the alert stands."
    ]
    last = explanation.confirmation[-1]
    assert last.at == NOON + minutes(5)
    assert [c.key for c in last.citations] == [
        "confirmation.repeat_within.red",
        "confirmation.on_timeout",
    ]


def test_a_repeat_in_range_withdraws_and_a_second_red_says_that_it_is_one(
    ward: Ward, reads: Reads
) -> None:
    reads(91, 0)
    reads(97, 2)
    reads(91, 60)
    first, second = explained(ward, 0), explained(ward, 1)
    assert confirmed_by(first)[1:] == ["Withdrawn: repeat in range: SpO2 97 % > 94 %."]
    assert confirmed_by(second) == [
        "No repeat was asked for: it is the second red within 24 h.",
    ]
    assert second.confirmation[0].citations[0].key == "confirmation.second_red_within"
    assert first.ladder == "The alert has ended: nobody is called any more."


def test_a_late_red_asks_for_no_repeat(ward: Ward, reads: Reads) -> None:
    reads(91, 0, received=60)
    explanation = explained(ward)
    assert confirmed_by(explanation) == ["No repeat was asked for: the reading came late."]
    assert explanation.late


def test_an_answer_has_nothing_to_repeat(ward: Ward, home: Home) -> None:
    reading = a_reading(97).model_copy(update={"call_me": True})
    take_batch(ward, [home.sends(reading)], NOON)
    explanation = explained(ward)
    assert confirmed_by(explanation) == [
        "No repeat was asked for: there is no number to measure again."
    ]
    assert one_finding(explanation).citations[0].key == "asks_for_call"


def test_a_doubtful_red_is_said_to_be_doubtful(ward: Ward, home: Home) -> None:
    reading = a_reading(80, quality=[Quality.POOR_SIGNAL])
    take_batch(ward, [home.sends(reading)], NOON)
    assert one_finding(explained(ward)).doubtful
    assert any("(red, doubtful)" in line for line in write(explained(ward)))


# The ladder


def test_steps_taken_and_the_next_one_have_their_moments_and_their_lines(
    ward: Ward, reads: Reads
) -> None:
    reads(91, 0)
    process_due_deadlines(ward, NOON + minutes(16))
    explanation = explained(ward)
    taken = [(r.number, r.whom, r.due_at, r.taken_at) for r in explanation.rungs]
    first, second = NOON, NOON + minutes(15)
    assert taken == [
        (1, "ward nurse", first, first),
        (2, "ward doctor", second, second + minutes(1)),
    ]
    following = explanation.next_rung
    assert following is not None
    assert (following.number, following.whom) == (3, "ward doctor")
    assert following.due_at == NOON + minutes(30)
    assert following.citation is not None
    assert following.citation.key == "ladders.monitored.red.steps.1.after"
    assert explanation.ladder == "the last step comes again every 15 min until somebody answers."


def test_a_step_held_until_morning_says_when_it_comes_and_what_follows(
    ward: Ward, home: Home
) -> None:
    night = NOON + timedelta(hours=11)
    take_batch(ward, [home.sends(a_reading(94, at=night))], night)
    explanation = explained(ward)
    waiting = explanation.next_rung
    assert waiting is not None
    opening = NOON + timedelta(hours=20)
    assert (waiting.number, waiting.whom, waiting.due_at) == (1, "ward nurse", opening)
    assert explanation.ladder == (
        "step 2 follows 1 h later; the last step comes again every 1 h until somebody answers."
    )


def test_an_alert_that_has_an_owner_says_that_the_ladder_stands_still(
    ward: Ward, reads: Reads
) -> None:
    reads(91, 0)
    take(ward, 1)
    explanation = explained(ward)
    assert explanation.next_rung is None
    assert explanation.ladder.startswith("nurse-3 has it, so the ladder stands still.")
    assert explanation.contact_by == NOON + minutes(61)
    assert confirmed_by(explanation)[1:] == ["nurse-3 acted (acknowledged) before a repeat came."]
    [_, stopped] = explanation.rungs
    assert stopped.stopped_at == NOON + minutes(1)


def test_a_worse_reading_begins_a_new_round_at_its_own_level(ward: Ward, reads: Reads) -> None:
    reads(94, 0)
    reads(91, 10)
    explanation = explained(ward)
    keys = [(r.round, r.citation.key) for r in explanation.rungs if r.citation and r.taken_at]
    assert keys == [
        (1, "ladders.monitored.amber.steps.0.after"),
        (2, "ladders.monitored.red.steps.0.after"),
    ]


def test_out_of_hours_the_patient_and_on_call_are_named(ward: Ward, home: Home) -> None:
    night = NOON + timedelta(hours=11)
    take_batch(ward, [home.sends(a_reading(91, at=night))], night)
    explanation = explained(ward)
    assert explanation.rungs[-1].whom == "patient, on call"
    assert explanation.next_rung is not None
    assert explanation.next_rung.whom == "on call senior"


# The text


def test_times_are_those_of_the_ward_and_utc_in_summer_and_across_midnight() -> None:
    summer = datetime(2026, 7, 1, 12, 5, tzinfo=UTC)
    assert moment(summer, "Europe/London") == "01 Jul 2026 13:05 (12:05 UTC)"
    midnight = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert moment(midnight, "Europe/London") == "02 Jul 2026 00:30 (01 Jul 23:30 UTC)"


def test_what_people_typed_and_who_the_patient_is_stay_out(ward: Ward, reads: Reads) -> None:
    change(ward, 1, red_max=91)
    reads(90, 2)
    take(ward, 3)
    row = alerts(ward)[-1]
    note = "rang Mrs Invented"
    spoke = ContactMade(row.id, "nurse-3", Channel.PHONE, True, note)
    act(ward, row.id, spoke, "spoke", NOON + minutes(4))
    row = alerts(ward)[-1]
    ended = Resolved(row.id, "nurse-3", row.version, AlertOutcome.ADVICE, True, True, False, note)
    act(ward, row.id, ended, "ended", NOON + minutes(5))
    whole = explained(ward)
    text = "\n".join(write(without_notes(whole)))
    assert "Invented" not in text
    assert "Invented" not in without_notes(whole).model_dump_json()
    assert "phone (a note was typed)" in text
    assert "nurse-3" in text
    assert note in "\n".join(write(whole))


def test_the_text_reads_from_finding_to_ledger(ward: Ward, reads: Reads) -> None:
    reads(91, 0)
    lines = write(explained(ward))
    named = ["Findings", "What confirmed it", "Who is called", "Ledger", "Sources"]
    assert [line for line in lines if line in named] == named
    assert sum(line.startswith("S5: ") for line in lines) == 1
    text = "\n".join(lines)
    for said in (
        "1. SpO2 91 % <= 92 % (red), measured 24 Nov 2026 12:00 (12:00 UTC)",
        "Value: SpO2 91 %. Limit: <= 92 %",
        "Source: CLINICAL 1.3 [V2 S5, S7, S8, S9]",
        "red_max is 92, the pathway's own number (the highest resting SpO2 that is red)",
        "NEXT: step 2: ward doctor, due 24 Nov 2026 12:15 (12:15 UTC)",
        "UNSIGNED",
    ):
        assert said in text


def test_an_alert_that_is_not_there_is_refused(ward: Ward) -> None:
    with ward.unit_of_work(read_only=True) as store, pytest.raises(NotFoundError):
        explain_alert(store, new_id(NOON))
