"""What is told, for every shipped pathway: red flags first, repeats asked for, no guess green."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.factories import NOON, minutes
from tests.ward_service.domain.test_plan import a_stay
from tests.ward_service.domain.test_rules_coverage import PATHWAYS, an_answer, spo2_at
from ward_service.contract.ids import derived_id
from ward_service.contract.vocabulary import Context, Level, Mode, Quality, Vital
from ward_service.domain.advice import (
    Advice,
    Standing,
    Whom,
    advise,
    after,
    still,
    texts_needed,
)
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.judge import judge, looked_back_on
from ward_service.domain.pathway import Pathway
from ward_service.domain.plan import AtHome
from ward_service.domain.texts import SAFETY_NET, texts_for

R, A, G = Level.RED, Level.AMBER, Level.GREEN
NIGHT = datetime(2026, 11, 25, 2, 0, tzinfo=NOON.tzinfo)  # closed on every shipped pathway
NET = "Do this even if your oxygen number looks normal."
OOH = "out_of_hours.red"
MODES = [(name, mode) for name, pathway in PATHWAYS.items() for mode in pathway.modes]
each_pathway = pytest.mark.parametrize("name", PATHWAYS)
each_mode = pytest.mark.parametrize(("name", "mode"), MODES)


class Person:
    """Somebody at home under a pathway: what they measure, and what they are told."""

    def __init__(self, name: str, mode: Mode = Mode.MONITORED) -> None:
        self.pathway, self.mode = PATHWAYS[name], mode
        state = a_stay(self.pathway)
        self.limits, self.standing, self.count = state.limits, Standing(), 0
        self.known = AtHome(state.admitted_at, state.zone, state.limits, 70, False)

    def at(self, level: Level) -> float:
        """Return a value of SpO2 at the edge of a level, from below."""
        return spo2_at(self.pathway, level)

    def measures(
        self,
        spo2: float | None,
        at: datetime = NOON,
        *,
        received: datetime | None = None,
        answers: Sequence[tuple[str, str]] = (),
        quality: Sequence[Quality] = (),
        pulse: float | None = None,
        call_me: bool = False,
        context: Context = Context.REST,
        values: Mapping[Vital, float] | None = None,
    ) -> Advice:
        self.count += 1
        given = {Vital.SPO2: spo2, Vital.PULSE_RATE: pulse, **(values or {})}
        if Vital.SUPPLEMENTAL_OXYGEN in self.pathway.vitals:
            given[Vital.SUPPLEMENTAL_OXYGEN] = 0.0 if spo2 is not None else None
        reading = ReadingArrived(
            derived_id(at, self.count),
            at,
            {vital: value for vital, value in given.items() if value is not None},
            context=context,
            quality=tuple(quality),
            answers=tuple(answers),
            call_me=call_me,
        )
        now = received or at
        judged = judge(reading, self.known, now, self.pathway)
        advice = advise(judged, self.standing, self.pathway, self.mode, now)
        self.standing = after(self.standing, judged, advice, self.pathway)
        history, rest = looked_back_on(self.known, judged, self.pathway)
        self.known = replace(self.known, history=history, last_rest=rest)
        return advice


def gap(pathway: Pathway) -> timedelta:
    return pathway.confirmation.minimum_gap


# One reading


@each_mode
def test_in_range_is_told_to_keep_monitoring(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    assert person.measures(person.at(G)) == Advice(G, ("advice.green",))


@each_mode
def test_a_first_red_is_to_be_repeated_in_a_minute(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    told = person.measures(person.at(R))
    assert told == Advice(R, ("repeat.red",), gap(person.pathway))
    assert told.retake_after == minutes(1)


@each_mode
def test_a_first_amber_is_to_be_repeated_within_an_hour(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    told = person.measures(person.at(A))
    alone = Whom.WARD if mode is Mode.SELF_ESCALATE else None
    assert told == Advice(A, ("repeat.amber",), minutes(60), alone)


@each_mode
@pytest.mark.parametrize("level", [R, A, G])
def test_a_red_flag_outranks_any_number(name: str, mode: Mode, level: Level) -> None:
    person = Person(name, mode)
    flag = [an_answer(person.pathway, R)]
    told = person.measures(person.at(level), answers=flag)
    assert told == Advice(R, ("advice.red_flag",), None, Whom.EMERGENCY)
    assert Person(name, mode).measures(None, answers=flag) == told
    poor = Person(name, mode).measures(
        person.at(level), answers=flag, quality=[Quality.POOR_SIGNAL]
    )
    assert poor == told


@each_mode
def test_an_amber_symptom_needs_no_repeat(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    told = person.measures(person.at(G), answers=[an_answer(person.pathway, A)])
    assert told == Advice(A, ("advice.amber",), minutes(60), Whom.WARD)


@each_pathway
@pytest.mark.parametrize("quality", [Quality.POOR_SIGNAL, Quality.QUESTIONABLE, Quality.NO_FINGER])
def test_a_doubtful_reading_is_never_green_and_a_doubtful_red_is_red(
    name: str, quality: Quality
) -> None:
    person = Person(name)
    unknown = Advice(None, ("advice.unknown",), minutes(5))
    assert person.measures(person.at(G), quality=[quality]) == unknown
    assert person.measures(None, quality=[quality]) == unknown
    assert person.measures(None) == unknown  # nothing was measured
    assert person.measures(101.0) == unknown  # above belief
    red = person.measures(person.at(R), quality=[quality])
    assert (red.level, red.text_ids) == (R, ("repeat.red",))
    # Below belief: never set aside (docs/understand/design.md#promise-7)
    below = Person(name).measures(49.0)
    assert (below.level, below.text_ids) == (R, ("repeat.red",))


@each_pathway
def test_numbers_that_look_swapped_are_asked_about_first(name: str) -> None:
    person = Person(name)
    told = person.measures(130.0, pulse=98.0)
    judged = bool(person.pathway.vitals[Vital.PULSE_RATE].bands)  # 98 is 1 point of NEWS2
    assert (told.level, told.text_ids[0]) == (A if judged else None, "swap.ask")
    red = Person(name).measures(72.0, pulse=97.0)
    assert (red.level, red.text_ids) == (R, ("swap.ask", "repeat.red"))
    hidden = Person(name).measures(120.0, pulse=80.0)  # an SpO2 of 80 in the place of the pulse
    assert (hidden.level, hidden.text_ids) == (R, ("swap.ask", "repeat.red"))


@each_pathway
def test_after_exertion_no_band_made_for_rest_is_told(name: str) -> None:
    person = Person(name)
    told = person.measures(person.at(A), context=Context.EXERTION)
    assert told == Advice(None, (SAFETY_NET,))


@pytest.mark.parametrize("name", ["covid-oximetry-at-home", "covid-virtual-ward"])
def test_who_falls_too_low_with_exertion_is_told_to_stop_and_to_call(name: str) -> None:
    person = Person(name)
    person.measures(98.0)
    told = person.measures(80.0, NOON + minutes(2), context=Context.EXERTION)
    assert (told.level, told.call) == (R, Whom.EMERGENCY)
    assert told.text_ids == ("advice.exertion_stop", "advice.red")
    words = texts_for(told.text_ids, person.pathway, person.limits)
    assert words[0].startswith("Stop, and sit down.")
    assert "92 % or lower" in words[0]


def test_a_vital_that_was_not_measured_again_is_never_told_to_be_well() -> None:
    """SBP 75, then SpO2 98 alone: the home says what it said, and never "keep monitoring"."""
    person = Person("covid-virtual-ward")
    first = person.measures(None, values={Vital.SYSTOLIC_BP: 75.0})
    assert (first.level, first.text_ids) == (R, ("repeat.red",))
    good = person.measures(98.0, NOON + minutes(2))
    assert (good.level, good.text_ids) == (R, ("repeat.red",))
    late = person.measures(98.0, NOON + minutes(8))
    assert (late.level, late.call) == (R, Whom.EMERGENCY)
    again = person.measures(98.0, NOON + minutes(9), values={Vital.SYSTOLIC_BP: 120.0})
    assert (again.level, again.text_ids) == (G, ("advice.green",))


@each_pathway
def test_who_wants_a_call_is_told_whom_to_ring_meanwhile(name: str) -> None:
    person = Person(name)
    assert person.measures(person.at(G), call_me=True) == Advice(
        G, ("advice.green",), None, Whom.WARD
    )
    assert person.measures(None, call_me=True) == Advice(None, (SAFETY_NET,), None, Whom.WARD)
    night = person.measures(person.at(G), NIGHT, call_me=True)
    assert night.call is Whom.NHS_111


# A repeat


@each_mode
def test_a_red_repeat_is_red(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    person.measures(person.at(R))
    early = person.measures(person.at(R), NOON + gap(person.pathway) - timedelta(seconds=1))
    assert early.text_ids == ("repeat.red",)  # still the same measurement
    told = person.measures(person.at(R), NOON + gap(person.pathway))
    assert told == Advice(R, ("advice.red",), None, Whom.EMERGENCY)


@each_pathway
def test_a_stream_of_reds_is_confirmed_after_the_minimum_gap_and_stays_so(name: str) -> None:
    person = Person(name)
    told = [person.measures(person.at(R), NOON + timedelta(seconds=n)).text_ids for n in range(90)]
    first = int(gap(person.pathway).total_seconds())
    assert told == [("repeat.red",)] * first + [("advice.red",)] * (90 - first)


@each_pathway
def test_an_amber_repeat_of_a_red_is_amber_and_one_in_range_ends_it(name: str) -> None:
    person = Person(name)
    person.measures(person.at(R))
    told = person.measures(person.at(A), NOON + minutes(2))
    assert told == Advice(A, ("advice.amber",), minutes(60), Whom.WARD)
    other = Person(name)
    other.measures(other.at(R))
    assert other.measures(other.at(G), NOON + minutes(2)) == Advice(G, ("advice.green",))
    again = other.measures(other.at(A), NOON + minutes(200))
    assert again.text_ids == ("repeat.amber",)  # another occasion


@each_pathway
def test_a_second_red_within_a_day_is_not_asked_to_be_repeated(name: str) -> None:
    person = Person(name)
    person.measures(person.at(R))
    person.measures(person.at(G), NOON + minutes(2))
    within = person.pathway.confirmation.second_red_within
    later = Person(name)
    later.standing = person.standing
    assert person.measures(person.at(R), NOON + within).text_ids[0] == "advice.red"
    past = later.measures(later.at(R), NOON + within + minutes(1))
    assert past.text_ids[0] == "repeat.red"


@each_pathway
def test_two_reds_are_two_in_whatever_order_their_times_are(name: str) -> None:
    """The clock was put back between them, or the earlier of them was sent later."""
    one = Person(name)
    one.measures(one.at(R), NOON + minutes(60))
    told = one.measures(one.at(R), NOON)
    assert (told.text_ids, told.call) == (("advice.red",), Whom.EMERGENCY)


@each_pathway
def test_a_doubtful_number_ends_nothing(name: str) -> None:
    person = Person(name)
    person.measures(person.at(A))
    person.measures(person.at(G), NOON + minutes(2), quality=[Quality.POOR_SIGNAL])
    assert person.measures(person.at(A), NOON + minutes(4)).text_ids == ("advice.amber",)


@each_pathway
def test_who_was_told_999_is_not_well_by_one_good_number(name: str) -> None:
    person = Person(name)
    person.measures(person.at(R))
    person.measures(person.at(R), NOON + minutes(2))
    assert person.measures(person.at(G), NOON + minutes(4)) == Advice(
        G, ("advice.green",), None, Whom.WARD
    )


@each_mode
def test_a_repeat_that_does_not_come_confirms(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    pathway, told = person.pathway, person.measures(person.at(R))
    within = pathway.confirmation.repeat_within[R]
    assert still(told, NOON, pathway, NOON + within) == told
    past = still(told, NOON, pathway, NOON + within + timedelta(seconds=1))
    assert past == Advice(R, ("advice.red",), None, Whom.EMERGENCY)
    amber = Person(name, mode).measures(person.at(A))
    late = still(amber, NOON, pathway, NOON + minutes(61))
    assert (late.text_ids, late.call) == (("advice.amber",), Whom.WARD)
    green = Advice(G, ("advice.green",))
    assert still(green, NOON, pathway, NOON + minutes(600)) == green


# When nobody is there


@each_mode
def test_out_of_hours_a_red_is_told_so(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    first = person.measures(person.at(R), NIGHT)
    assert first.text_ids == ("repeat.red", OOH)
    second = person.measures(person.at(R), NIGHT + minutes(2))
    assert (second.text_ids, second.call) == (("advice.red", OOH), Whom.EMERGENCY)
    flag = Person(name, mode).measures(None, NIGHT, answers=[an_answer(person.pathway, R)])
    assert (flag.text_ids, flag.call) == (("advice.red_flag", OOH), Whom.EMERGENCY)


@each_mode
def test_out_of_hours_an_amber_is_for_111(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    person.measures(person.at(A), NIGHT)
    told = person.measures(person.at(A), NIGHT + minutes(30))
    assert (told.text_ids, told.call) == (("advice.amber",), Whom.NHS_111)


@each_pathway
def test_hours_are_those_of_the_service_to_the_minute(name: str) -> None:
    pathway = PATHWAYS[name]
    closes = datetime.combine(NOON.date(), pathway.service.closes, tzinfo=NOON.tzinfo)
    person = Person(name)
    assert person.measures(person.at(R), closes - minutes(1)).text_ids == ("repeat.red",)
    person = Person(name)
    assert person.measures(person.at(R), closes).text_ids == ("repeat.red", OOH)


# What came late


@each_mode
def test_what_is_old_asks_for_a_measurement_or_reassures_nobody(name: str, mode: Mode) -> None:
    person = Person(name, mode)
    late = NOON + person.pathway.late_after + timedelta(seconds=1)
    assert person.measures(person.at(G), received=late) == Advice(None, (SAFETY_NET,))
    assert person.measures(person.at(R), received=late).text_ids == ("repeat.red",)
    other = Person(name, mode)
    assert other.measures(other.at(A), received=late).text_ids == ("repeat.amber",)
    just = Person(name, mode)
    assert just.measures(just.at(G), received=NOON + just.pathway.late_after).level is G
    flag = Person(name, mode).measures(None, received=late, answers=[an_answer(just.pathway, R)])
    assert flag.text_ids == ("advice.red_flag",)  # an old red flag is one


@each_pathway
def test_an_old_red_is_measured_again_before_anybody_calls_999_by_it(name: str) -> None:
    person = Person(name)
    person.measures(person.at(R))
    late = NOON + minutes(10) + person.pathway.late_after + minutes(1)
    told = person.measures(person.at(R), NOON + minutes(10), received=late)
    assert (told.text_ids, told.call) == (("repeat.red",), None)
    assert person.measures(person.at(R), late + minutes(2)).text_ids == ("advice.red",)


@each_pathway
def test_a_wrong_clock_reassures_nobody_and_hides_nothing(name: str) -> None:
    person = Person(name)
    ahead = NOON + minutes(600)
    assert person.measures(person.at(G), ahead, received=NOON).text_ids == ("advice.unknown",)
    assert person.measures(person.at(R), ahead, received=NOON).text_ids == ("repeat.red",)


# In words


@each_mode
@pytest.mark.parametrize("at", [NOON, NIGHT])
def test_whatever_is_told_ends_with_when_to_call_999_and_says_it_once(
    name: str, mode: Mode, at: datetime
) -> None:
    values = [None, 49.0, 101.0, *(spo2_at(PATHWAYS[name], level) for level in (R, A, G))]
    for first in values:
        for second in values:
            person = Person(name, mode)
            for spo2, when in ((first, at), (second, at + minutes(2))):
                told = person.measures(spo2, when)
                texts = texts_for(told.text_ids, person.pathway, person.limits)
                assert texts[-1].endswith(NET)
                assert sum(text.count(NET) for text in texts) == 1
                assert not any("{" in text for text in texts)
                assert set(told.text_ids) <= set(texts_needed(person.pathway))


def test_the_words_say_the_persons_own_numbers() -> None:
    person = Person("covid-oximetry-at-home")
    own = person.limits.changed({"red_max": 89.0, "amber_max": 91.0})
    [text] = texts_for(("advice.amber",), person.pathway, own)
    assert "above 89 % and up to 91 %" in text
    first, second = texts_for(("advice.red", OOH), person.pathway, own)
    assert "89 % or lower" in first
    assert "Call 999 or go to A&E at once if you are very breathless" not in first
    assert second.startswith("The ward is closed until 08:00")
