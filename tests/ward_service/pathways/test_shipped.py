"""The shipped pathways against the tables that they come from, and the rules for their words."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ward_service.pathways.documents import EARLIER, NAMES, earlier, read_doc, shipped
from tests.ward_service.pathways.test_check import fixture_values
from ward_service.contract.rules import BandsRule, Edge
from ward_service.contract.vocabulary import Channel, Level, Mode, Spo2Target, Vital
from ward_service.domain.bands import Bands
from ward_service.domain.limits import Limits, bands_name, limits_at_admission, wrong_with
from ward_service.domain.limits import personal_bands as bands_of
from ward_service.domain.pathway import Ladder, Pathway
from ward_service.domain.texts import low_side, numbers_for, text_for
from ward_service.pathways.checks.bands import printed_values
from ward_service.pathways.checks.texts import texts_for_patients
from ward_service.pathways.load import SHIPPED, load

FILES = {name: load(SHIPPED / f"{name}.yaml") for name in NAMES}
COH, CVW, COPD = (
    FILES[name].pathway for name in ("covid-oximetry-at-home", "covid-virtual-ward", "copd-88-92")
)
COPD_1 = read_doc(earlier("copd-88-92", 1)).pathway
# Fixture values, for tests only: they have no verified source
# (docs/reference/clinical.md#low-usual-spo2).
SET = read_doc(fixture_values(earlier("copd-88-92", 1), 2, 4, 85))
USUALLY_91 = limits_at_admission(COPD, Spo2Target.RANGE_88_92, 91.0, True)
USUALLY_90 = limits_at_admission(SET.pathway, Spo2Target.RANGE_88_92, 90.0, True)


def personal(pathway: Pathway, limits: Limits, on_oxygen: bool = False) -> Bands:
    name = bands_name(Vital.SPO2, limits, on_oxygen)
    found = bands_of(pathway.vitals[Vital.SPO2].bands[name], limits)
    assert found is not None
    return found


# Numbers against docs/reference/clinical.md


@pytest.mark.parametrize("pathway", [COH, CVW])
@pytest.mark.parametrize(
    ("value", "level"), [(95, "green"), (94, "amber"), (93, "amber"), (92, "red"), (50, "red")]
)
def test_resting_spo2_is_judged_by_clinical_1_3(pathway: Pathway, value: float, level: str) -> None:
    assert personal(pathway, limits_at_admission(pathway)).place(value).level == level


# BTS 2017: below the prescribed range is assessed; NEWS2 scale 2: 3 points to 83, and from 97 on
# oxygen. Of somebody whose usual SpO2 is 91 or 96: the range as prescribed does not hang on it.
@pytest.mark.parametrize("usual", [85.0, 91.0, 96.0])
@pytest.mark.parametrize(
    ("value", "on_air", "on_oxygen"),
    [
        (83, "red", "red"), (84, "amber", "amber"), (87, "amber", "amber"),
        (88, "green", "green"), (92, "green", "green"), (93, "green", "amber"),
        (96, "green", "amber"), (97, "green", "red"),
    ],
)  # fmt: skip
def test_a_range_of_88_to_92_is_judged_as_prescribed(
    usual: float, value: float, on_air: str, on_oxygen: str
) -> None:
    limits = limits_at_admission(COPD, Spo2Target.RANGE_88_92, usual, True)
    assert personal(COPD, limits, False).place(value).level == on_air
    assert personal(COPD, limits, True).place(value).level == on_oxygen


def test_who_usually_lies_below_88_has_limits_of_their_own() -> None:
    limits = limits_at_admission(COPD, Spo2Target.RANGE_88_92, 86.0)
    own = limits.changed({"amber_max": 83.0, "red_max": 80.0})
    assert wrong_with(own, COPD) == []
    assert personal(COPD, own).place(84).level is Level.GREEN


def test_without_a_prescribed_range_below_88_is_red_and_a_fall_of_three_amber() -> None:
    usually_93 = limits_at_admission(COPD, Spo2Target.BASELINE, 93.0)
    levels = [personal(COPD, usually_93).place(value).level for value in (87, 88, 90, 91)]
    assert levels == ["red", "amber", "amber", "green"]
    usually_90 = limits_at_admission(COPD, Spo2Target.BASELINE, 90.0)
    assert wrong_with(usually_90, COPD) == ["The limits of spo2 do not rise: 87, 87."]


# NEWS2 Chart 1 by its points: 0 is green, 1 and 2 amber, 3 red (docs/reference/clinical.md#news2).
@pytest.mark.parametrize(
    ("vital", "said"),
    [
        (Vital.PULSE_RATE, "40 red 41 amber 50 amber 51 green 90 green 91 amber 130 amber 131 red"),
        (Vital.RESPIRATORY_RATE, "8 red 9 amber 11 amber 12 green 20 green 21 amber 25 red"),
        (Vital.SYSTOLIC_BP, "90 red 91 amber 110 amber 111 green 219 green 220 red"),
        (Vital.TEMPERATURE, "35.0 red 35.1 amber 36.0 amber 36.1 green 38.0 green 38.1 amber"),
        (Vital.CONSCIOUSNESS, "0 green 1 red 4 red"),
    ],
)  # fmt: skip
def test_each_vital_of_the_virtual_ward_has_limits_at_the_edges_of_news2(
    vital: Vital, said: str
) -> None:
    found = bands_of(CVW.vitals[vital].bands["standard"], limits_at_admission(CVW))
    assert found is not None
    words = said.split()
    for value, level in zip(words[::2], words[1::2], strict=True):
        assert found.place(float(value)).level == level, value


@pytest.mark.parametrize("name", NAMES)
def test_no_number_that_we_ship_is_left_to_a_lead(name: str) -> None:
    assert all(p.default is not None for p in FILES[name].pathway.parameters.values())


# What was shipped before is kept byte for byte: stays are under it, and plans are made from it.
@pytest.mark.parametrize(
    ("file", "sha256"),
    [
        ("copd-88-92-1", "61c68d5059bfedb0cc90fd54eee40c43acc9cd039fa4a5a239b6a54abebf84cc"),
        (
            "covid-oximetry-at-home-2",
            "7fbe78ae58bd68dd64b9a680f003759b68d1f15d6a124e8b2bb49c9a4b0e6142",
        ),
        (
            "covid-virtual-ward-1",
            "9be121a3cbedbfe1c7fd0109071e74890de78199252268d8afbe4394c3cb5035",
        ),
    ],
)
def test_an_earlier_version_stays_as_it_was_and_readable(file: str, sha256: str) -> None:
    before = load(EARLIER / f"{file}.yaml")
    assert before.sha256 == sha256
    assert before.pathway.version == FILES[before.pathway.id].written.supersedes


# See docs/reference/clinical.md#low-usual-spo2 as version 1 had it, with the fixture values 2, 4
# and 85, and a usual SpO2 of 90.
@pytest.mark.parametrize(
    ("value", "on_air", "on_oxygen"),
    [
        (86, "red", "red"), (87, "amber", "amber"), (88, "amber", "amber"), (89, "green", "green"),
        (92, "green", "green"), (93, "green", "amber"), (96, "green", "amber"),
        (97, "green", "red"),
    ],
)  # fmt: skip
def test_a_range_of_88_to_92_is_judged_by_clinical_1_4(
    value: float, on_air: str, on_oxygen: str
) -> None:
    assert personal(SET.pathway, USUALLY_90, False).place(value).level == on_air
    assert personal(SET.pathway, USUALLY_90, True).place(value).level == on_oxygen


def test_nobody_is_below_the_floor() -> None:
    usually_88 = limits_at_admission(SET.pathway, Spo2Target.BASELINE, 88.0)
    assert personal(SET.pathway, usually_88).place(85).level is Level.RED  # 88 - 4 is 84
    usually_87 = limits_at_admission(SET.pathway, Spo2Target.BASELINE, 87.0)
    assert wrong_with(usually_87, SET.pathway) == ["The limits of spo2 do not rise: 85, 85."]


def test_nobody_is_admitted_while_the_constants_are_null() -> None:
    limits = limits_at_admission(COPD_1, Spo2Target.BASELINE, 90.0)
    [said] = wrong_with(limits, COPD_1)
    assert said.startswith("red_drop, absolute_floor, amber_drop is set by nobody")
    # A floor that nobody has set is missed too, and not taken for none.
    two = limits.changed({"amber_drop": 2.0, "red_drop": 4.0})
    assert wrong_with(two, COPD_1)[0].startswith("absolute_floor is set by nobody")
    assert bands_of(COPD_1.vitals[Vital.SPO2].bands["baseline"], two) is None


def test_the_standard_bands_are_for_nobody_whose_usual_value_is_low() -> None:
    assert wrong_with(limits_at_admission(SET.pathway), SET.pathway) == [
        "copd-88-92@1 has no bands for the target standard."
    ]


def test_limits_between_printed_values_are_refused() -> None:
    limits = limits_at_admission(COH).changed({"red_max": 91.5})
    assert wrong_with(limits, COH) == ["The limits of spo2 have at most 0 decimals: 91.5, 94."]


@pytest.mark.parametrize("pathway", [COH, CVW, COPD])
def test_the_day_is_that_of_clinical_1_7(pathway: Pathway) -> None:
    assert [f"{at:%H}" for at in pathway.schedule.times] == ["09", "13", "17"]
    hours = [after.total_seconds() / 3_600 for after in pathway.missing.remind_after]
    assert hours == [2, 4]
    assert pathway.missing.staff_after.total_seconds() == 6 * 3_600
    assert pathway.missing.missed_windows == 2
    assert pathway.missing.first_chase_after.total_seconds() == 3_600
    assert pathway.duration.days == 14


def test_check_ins_are_those_of_the_guidance() -> None:
    assert COH.check_in_days == (2, 5, 7, 10, 12)
    assert CVW.check_in_days == tuple(range(1, 15))  # daily contact, like a ward round
    assert COH.duration.from_onset
    assert not CVW.duration.from_onset


def test_news2_is_scored_where_it_can_be() -> None:
    assert [p.news2 is not None for p in (COH, CVW, COPD)] == [False, True, False]
    assert CVW.news2 is not None
    assert CVW.news2.totals == ((7, Level.RED), (5, Level.RED), (3, Level.AMBER))


@given(
    red=st.integers(80, 95), amber=st.integers(82, 98), target=st.sampled_from(list(Spo2Target)),
    usual=st.integers(50, 100), drops=st.tuples(st.integers(1, 10), st.integers(1, 15)),
    floor=st.integers(70, 92), top=st.integers(90, 95), high=st.integers(92, 98),
)  # fmt: skip
def test_limits_that_are_allowed_place_every_printed_value_once(
    red: int, amber: int, target: Spo2Target, usual: int, drops: tuple[int, int], floor: int,
    top: int, high: int,
) -> None:  # fmt: skip
    file = FILES["covid-oximetry-at-home"] if target is Spo2Target.STANDARD else SET
    pathway = file.pathway
    own = {
        "red_max": red, "amber_max": amber, "amber_drop": drops[0], "red_drop": drops[1],
        "absolute_floor": floor, "oxygen_target_max": top, "oxygen_amber_max": high,
    }  # fmt: skip
    limits = limits_at_admission(pathway, target, float(usual)).changed(
        {name: float(value) for name, value in own.items() if name in pathway.parameters}
    )
    if wrong_with(limits, pathway):
        return
    for on_oxygen in (True, False):
        bands = personal(pathway, limits, on_oxygen)
        for value in printed_values(file.written.vitals[Vital.SPO2]):
            held = [
                level
                for low, high_, level in bands.edges()
                if (low is None or low <= value) and (high_ is None or value <= high_)
            ]
            assert held == [bands.place(value).level]


# Who is called


def ladders(level: Level) -> Iterator[Ladder]:
    for pathway in (COH, CVW, COPD):
        for mode in pathway.modes:
            yield pathway.ladders[mode][level]


def test_out_of_hours_a_red_goes_to_the_patient_and_on_call_at_once() -> None:
    for ladder in ladders(Level.RED):
        first = ladder.steps[0]
        assert not first.after
        assert [call.to for call in first.out_of_hours] == ["patient", "on_call"]
        assert ladder.steps[-1].out_of_hours[0].to == "on_call_senior"


def test_nobody_is_said_to_be_told_before_the_reading_has_reached_the_ward() -> None:
    """These words are shown at home at once, also while it has no network."""
    for pathway in (COH, CVW, COPD):
        for words in pathway.texts.values():
            said = " ".join(words["out_of_hours.red"].split())
            assert "told as well" in said
            assert "once your reading has reached us" in said
            assert "being told" not in said


def test_nothing_but_a_red_wakes_anybody() -> None:
    for level in (Level.AMBER, Level.OVERDUE, Level.TECHNICAL):
        for ladder in ladders(level):
            called = {call.to for step in ladder.steps for call in step.out_of_hours}
            assert called <= {"patient"}


def test_who_acts_alone_is_told_first_and_called_all_the_same_but_later() -> None:
    alone, watched = (COH.ladders[mode][Level.RED] for mode in (Mode.SELF_ESCALATE, Mode.MONITORED))
    assert [step.in_hours[0].to for step in alone.steps] == ["patient", "ward_nurse", "ward_doctor"]
    assert [step.in_hours[0].to for step in watched.steps] == ["ward_nurse", "ward_doctor"]
    assert alone.steps[1].after > watched.steps[0].after
    assert alone.steps[2].after > watched.steps[1].after


def test_a_step_may_name_channels_of_its_own() -> None:
    doc = shipped("covid-oximetry-at-home")
    doc["ladders"]["monitored"]["red"]["steps"][1]["in_hours"][0]["by"] = ["sms", "phone"]
    step = read_doc(doc).pathway.ladders[Mode.MONITORED][Level.RED].steps[1]
    assert step.in_hours[0].by == (Channel.SMS, Channel.PHONE)
    assert step.out_of_hours[0].by == ()  # as was agreed with them


# Words (docs/reference/clinical.md#red-flags, #patient-facing)

# NICE NG191 and the national diary: what is 999 whatever the numbers say
# (docs/reference/clinical.md#red-flags).
EASY = "en-x-easy"
RED_FLAGS = (
    "breathless at rest", "short sentence", "cough up blood", "blue lips", "cold and clammy",
    "pale or mottled", "collapse", "confused", "hard to wake", "little or no urine",
    "seriously ill",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_a_patient_is_told_ends_with_every_red_flag(name: str) -> None:
    file = FILES[name]
    limits = USUALLY_91 if file.pathway is COPD else limits_at_admission(file.pathway)
    pathway = file.pathway
    for id_ in texts_for_patients(file.written):
        said = text_for(id_, pathway, limits)
        ending = said[said.rindex("Call 999 or go to A&E at once if") :]
        assert [flag for flag in RED_FLAGS if flag not in ending] == []
        assert "{" not in said


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_told_that_they_are_fine(name: str) -> None:
    for text in FILES[name].pathway.texts["en"].values():
        assert not re.search(
            r"\b(you are (fine|ok|okay|well|safe)|no need to|all clear)\b", text, re.I
        )
    assert "Keep monitoring" in FILES[name].pathway.texts["en"]["advice.green"]


@pytest.mark.parametrize("name", NAMES)
def test_the_only_numbers_in_words_are_phones(name: str) -> None:
    for text in FILES[name].pathway.texts["en"].values():
        plain = re.sub(r"\{\w+\}", "", text).replace("SpO2", "")
        assert set(re.findall(r"\d+", plain)) <= {"999", "111"}


@pytest.mark.parametrize("name", NAMES)
def test_a_call_to_staff_says_nothing_of_anybody(name: str) -> None:
    for id_, text in FILES[name].pathway.texts["en"].items():
        if id_.startswith("call."):
            assert not re.search(r"[{}\d]", text)


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_of_a_red_flag_is_in_the_words_that_a_patient_keeps(name: str) -> None:
    pathway = FILES[name].pathway
    for code, level in pathway.questions["red_flags"].answers.items():
        assert (level is None) == (code == "none")
    assert pathway.questions["red_flags"].several
    assert len(pathway.questions["red_flags"].answers) == 10


def test_words_say_this_persons_own_numbers() -> None:
    own = limits_at_admission(COH).changed({"red_max": 89.0, "amber_max": 91.0})
    assert "above 89 % and up to 91 %" in text_for("advice.amber", COH, own)
    assert "until 08:00" in text_for("out_of_hours.red", COH, own)
    said = text_for("advice.red", SET.pathway, USUALLY_90)
    assert "If it is 86 % or lower" in said
    assert "above 96 %" in said


def test_words_are_in_the_nearest_language_and_else_in_that_of_reference() -> None:
    limits = limits_at_admission(COH)
    ours, easy = (text_for("advice.green", COH, limits, code) for code in ("en", EASY))
    assert ours != easy
    assert text_for("advice.green", COH, limits, "en-x-EASY") == easy
    for other in ("ur", "en-GB", "en_US", "english", "", None):
        assert text_for("advice.green", COH, limits, other) == ours


# The same flags in the simpler words, so that none is lost on the way.
IN_EASY_WORDS = (
    "get your breath when you rest", "finish a short sentence", "cough up blood",
    "your lips or your face are blue", "cold and sweaty", "pale or blotchy", "fall down or faint",
    "mixed up in your mind", "hard to wake", "pee very little, or not at all", "feel very ill",
    "even if your oxygen number looks normal",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_easy_words_lose_no_red_flag_and_no_sentence_is_long(name: str) -> None:
    texts = FILES[name].pathway.texts[EASY]
    assert [flag for flag in IN_EASY_WORDS if flag not in texts["safety_net"]] == []
    assert len(IN_EASY_WORDS) == len(RED_FLAGS) + 1
    for text in texts.values():
        plain = re.sub(r"\{\w+\}", "9", text)
        for sentence in re.split(r"[.?!:\n]+", plain):
            assert len(sentence.split()) <= 17, sentence
        assert not re.search(r"\b(you are (fine|ok|okay|well|safe)|no need to|all clear)\b", text)
        assert set(re.findall(r"\d+", re.sub(r"\{\w+\}|SpO2", "", text))) <= {"999", "111"}


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_said_to_have_reviewed_what_we_ship(name: str) -> None:
    file = FILES[name]
    assert set(file.pathway.texts) == {"en", EASY}
    assert file.pathway.reviewed == frozenset()
    doc = shipped(name)
    doc["languages"][EASY]["reviewer"] = "An Other"
    assert read_doc(doc).pathway.reviewed == {EASY}


def test_a_vital_that_is_red_at_every_value_has_no_edge_to_speak_of() -> None:
    assert low_side(BandsRule((), (Level.RED,), 0)) == {}
    two = BandsRule((Edge("a"),), (Level.RED, Level.AMBER), 0)
    assert low_side(two) == {Level.RED: 1}


def test_a_number_that_nobody_has_set_is_not_said() -> None:
    limits = limits_at_admission(COPD_1, Spo2Target.BASELINE, 90.0)
    assert "spo2_red_max" not in numbers_for(COPD_1, limits)
    with pytest.raises(KeyError):
        text_for("advice.red", COPD_1, limits)
