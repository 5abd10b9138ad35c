"""What makes no sense is refused with its field, though each section alone is whole."""

from typing import Any

import pytest

from tests.ward_service.pathways.documents import (
    NAMES,
    Doc,
    earlier,
    refusals,
    shipped,
    with_value,
    without,
)
from ward_service.contract.vocabulary import Vital
from ward_service.pathways.check import unsignable
from ward_service.pathways.checks.bands import printed_values
from ward_service.pathways.file import Written

COH, COPD, CVW = (
    shipped(name) for name in ("covid-oximetry-at-home", "copd-88-92", "covid-virtual-ward")
)
COPD_1, CVW_1 = earlier("copd-88-92", 1), earlier("covid-virtual-ward", 1)
EASY = "en-x-easy"
PATIENT = {"to": "patient", "by": "agreed", "text": "advice.red"}
OWNER = {"to": "owner", "by": "agreed", "text": "call.red"}
STRANGER = {"to": "ward_nuse", "by": "agreed", "text": "call.red"}
ON_CALL = {"to": "on_call", "by": ["sms", "phone"], "text": "call.red"}
RED = "ladders>monitored>red>steps"
TREND = "findings>trend>all_of>0"
EXERTION = {"value_is": {"vital": "spo2", "context": "exertion", "at_most": "red_max"}}
MISSED = {"missed": {"windows": {"is": 2, "source": "ours, unsigned"}}}
NIGHT = {"time_of_day": {"since": "22:00", "until": "06:00", "source": "ours, unsigned"}}


def numbered(value: float) -> dict[str, Any]:
    return {"is": value, "source": "ours, unsigned"}


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_files_make_sense(name: str) -> None:
    assert refusals(shipped(name)) == []


# file, place, what is put there, and the whole sentence that says what is wrong with it
@pytest.mark.parametrize(
    ("doc", "place", "value", "said"),
    [
        # Parameters
        (COH, "further_fall", "fall", "further_fall: there is no parameter fall."),
        (
            COH,
            "exertion_rest_min",
            "further",
            "exertion_rest_min: there is no parameter further.",
        ),
        (
            COH,
            "parameters>red_max>vital",
            "pulse_rate",
            "vitals.spo2.bands.standard: red_max is a number of pulse_rate, not of spo2.",
        ),
        (
            CVW_1,
            "findings>fever>all_of>0>value_is>at_least",
            "pulse_red_min",
            "findings.fever.all_of.0: pulse_red_min is a number of pulse_rate, not of temperature.",
        ),
        (
            COH,
            "parameters>spare",
            {
                "means": "nothing",
                "vital": "spo2",
                "default": numbered(3),
                "bounds": {"is": [1, 10], "source": "ours, unsigned"},
            },
            "parameters.spare: nothing uses it.",
        ),
        # Vitals and bands
        (
            COH,
            "parameters>amber_max>default>is",
            92,
            "vitals.spo2.bands.standard: the edges do not rise: 92, 92.",
        ),
        (
            COH,
            "parameters>red_max>default>is",
            92.5,
            "vitals.spo2.bands.standard: 93 lies in no band; its edges are not whole to 0 digits.",
        ),
        (
            COH,
            "vitals>spo2>digits>is",
            1,
            None,  # 92 and 94 are printed values of one decimal too
        ),
        (
            COH,
            "vitals>spo2>believable>is",
            [93, 100],
            "vitals.spo2.bands.standard: no value that is believed reaches band 1 (red).",
        ),
        (
            COH,
            "vitals>spo2>believable>is",
            [50, 94],
            "vitals.spo2.bands.standard: no value that is believed reaches band 3 (green).",
        ),
        (
            COH,
            "vitals>pulse_rate>bands",
            {"baseline": [{"above": True, "level": "green"}]},
            "vitals.pulse_rate.bands: only SpO2 has bands besides standard.",
        ),
        (
            COH,
            "vitals>spo2>bands>standard>0>up_to",
            {"below_baseline": "red_max", "not_below": None},
            "vitals.spo2.bands.standard: there is a usual value of SpO2 only, and standard does "
            "not use it.",
        ),
        (
            COPD,
            "vitals>spo2>bands",
            {"88_92_on_air": COPD["vitals"]["spo2"]["bands"]["88_92_on_air"]},
            "vitals.spo2.bands: 88_92_on_air and 88_92_on_oxygen need each other.",
        ),
        (COH, "fills", "temperature", "fills: temperature needs bands of its own."),
        (COH, "fills", "weight", "fills: weight needs bands of its own."),
        (COH, "fills", None, "fills: say which vital fills a due time."),
        (COH, "fills", None, "further_fall: it needs a vital that fills."),
        # Findings
        (COH, f"{TREND}>median_is>vital", "weight", "findings.trend.all_of.0: weight is not amo"),
        (
            CVW_1,
            "findings>fever>all_of>0>value_is>at_least",
            {"below_baseline": "temperature_red_min", "not_below": None},
            "findings.fever.all_of.0: there is a usual value of SpO2 only.",
        ),
        (
            COH,
            TREND,
            {"answer_is": {"question": "mood", "one_of": ["worse"]}},
            "findings.trend.all_of.0: there is no question mood.",
        ),
        (
            COH,
            TREND,
            {"answer_is": {"question": "feeling", "one_of": ["worse", "wurse"]}},
            "findings.trend.all_of.0: feeling has no answer wurse.",
        ),
        (
            COH,
            TREND,
            {"answer_is": {"question": "other", "one_of": ["help"]}},
            "findings.trend.all_of.0: other has no answer help.",
        ),
        (
            COH,
            "findings>trend>all_of",
            [COH["findings"]["trend"]["all_of"][0], MISSED],
            "findings.trend: a missed reading has no value and no answer to go with it.",
        ),
        (COH, "findings>trend>all_of", [NIGHT], "findings.trend: the time of day alone is no fi"),
        (
            COH,
            "findings>trend>all_of",
            [COH["findings"]["trend"]["all_of"][0], EXERTION],
            "findings.trend: one reading is not both at rest and after exertion.",
        ),
        (
            COH,
            "exertion_rest_min",
            None,
            "findings.exertion_fall.all_of.0: exertion needs SpO2, and exertion_rest_min to guard",
        ),
        # Ladders
        (COH, "modes", ["monitored"], "ladders.self_escalate: self_escalate is not among the mod"),
        (CVW, "modes", ["monitored", "self_escalate"], "ladders.self_escalate: this mode has no"),
        (
            COH,
            f"{RED}>0>in_hours",
            [STRANGER],
            "ladders.monitored.red.steps.0: ward_nuse is neither a role nor the patient.",
        ),
        (
            COH,
            f"{RED}>0>in_hours",
            [OWNER],
            "ladders.monitored.red.steps.0: owner is neither a role nor the patient.",
        ),
        (
            COH,
            f"{RED}>1>in_hours",
            [PATIENT],
            "ladders.monitored.red: the last step must call a person of the ward in hours.",
        ),
        (
            COH,
            f"{RED}>1>out_of_hours",
            [PATIENT],
            "ladders.monitored.red: the last step must call a person on call out of hours, or be "
            "held.",
        ),
        (
            COH,
            f"{RED}>1>out_of_hours",
            "hold",
            "ladders.monitored.red.steps.1: a red is never held until opening.",
        ),
        (
            COH,
            f"{RED}>0>out_of_hours",
            "hold",
            "ladders.monitored.red.steps.0: a red is never held until opening.",
        ),
        (
            COH,
            f"{RED}>0>out_of_hours",
            [ON_CALL],
            "ladders.monitored.red: out of hours a red goes at once to the patient and to a person",
        ),
        (
            COH,
            f"{RED}>0>out_of_hours",
            [PATIENT],
            "ladders.monitored.red: out of hours a red goes at once to the patient and to a person",
        ),
        (
            COH,
            f"{RED}>0>after>is",
            "5 min",
            "ladders.monitored.red: out of hours a red goes at once to the patient and to a person",
        ),
        (COH, f"{RED}>0>out_of_hours", [PATIENT, ON_CALL], None),
        (COH, "ladders>monitored>amber>steps>0>out_of_hours", [PATIENT], None),
        # Days, ages
        (
            COH,
            "enrolment>max_age_years",
            numbered(17),
            "enrolment.max_age_years: it lies below min_age_years.",
        ),
        # Texts
        (COH, "texts", {"cy": {}}, "texts: there is no language en."),
        (
            COH,
            "ladders>monitored>red>steps>0>in_hours>0>text",
            "call.rd",
            "texts.en: there is no text call.rd, which ladders.monitored.red.steps.0 uses.",
        ),
        (
            COH,
            "service>out_of_hours",
            "out_of_hours.all",
            "texts.en: there is no text out_of_hours.all, which service.out_of_hours uses.",
        ),
        (
            COH,
            "questions>feeling>answers>is>dreadful",
            "red",
            "texts.en: there is no text answer.feeling.dreadful, which questions.feeling.answers u",
        ),
        (COH, "texts>en>advice.gren", "Well.", "texts.en.advice.gren: nothing uses it."),
        (
            COH,
            "texts>en>advice.amber",
            "Above {spo2_red}. {safety_net}",
            "texts.en.advice.amber: {spo2_red} is no number that everybody here has.",
        ),
        (
            COH,
            "texts>en>advice.amber",
            "Above {}. {safety_net}",
            "texts.en.advice.amber: it has a brace that belongs to no placeholder.",
        ),
        (
            COH,
            "texts>en>advice.green",
            "You are fine.",
            "texts.en.advice.green: what a patient is told ends with {safety_net}.",
        ),
        (
            COH,
            "texts>en>advice.green",
            "{safety_net} You are fine.",
            "texts.en.advice.green: what a patient is told ends with {safety_net}.",
        ),
        (
            COH,
            "texts>en>out_of_hours.red",
            "Closed.",
            "texts.en.out_of_hours.red: what a patient is told ends with {safety_net}.",
        ),
        (
            COH,
            "texts>en>safety_net",
            "Call 999 before {opens}.",
            "texts.en.safety_net: {opens} is no number that everybody here has.",
        ),
        (
            COH,
            "texts>cy",
            {"repeat.amber": "Mesurwch eto. {safety_net}"},
            "texts.cy.repeat.amber: its placeholders are not those of en.",
        ),
        (
            COH,
            "texts>en>call.red",
            "x" * 900,
            "texts.en.call.red: it may go by text message, and has over 918 characters.",
        ),
        (COH, "texts>en>call.red", "x" * 899, None),  # with the reference of an alert 918
        (
            COH,
            "texts>en>advice.unknown",  # at home only
            "x" * 2_000 + " {opens} {closes} 111 {safety_net}",
            None,
        ),
        # Languages: whole, or not there
        (
            COH,
            "texts>cy",
            {"question.feeling": "Sut ydych chi'n teimlo?"},
            "languages: say who translated cy, when, and who has reviewed it.",
        ),
        (
            COH,
            "texts>cy",
            {**COH["texts"][EASY], "question.other": "A oes rhywbeth arall?"},
            "languages: say who translated cy, when, and who has reviewed it.",
        ),
        (
            COH,
            f"texts>{EASY}",
            {id_: text for id_, text in COH["texts"][EASY].items() if "blue_lips" not in id_},
            f"texts.{EASY}: it lacks answer.red_flags.blue_lips.",
        ),
        (
            COH,
            f"texts>{EASY}>call.red",
            "Open the list.",
            f"texts.{EASY}.call.red: staff are called in en.",
        ),
        (
            COH,
            f"texts>{EASY}>advice.gren",
            "Well.",
            f"texts.{EASY}.advice.gren: nothing uses it.",
        ),
        (
            COH,
            f"texts>{EASY}>repeat.red",
            "Measure again. {safety_net}",
            f"texts.{EASY}.repeat.red: its placeholders are not those of en.",
        ),
        (
            COH,
            f"texts>{EASY}>advice.green",
            "Keep measuring.",
            f"texts.{EASY}.advice.green: what a patient is told ends with {{safety_net}}.",
        ),
        (
            COH,
            f"texts>{EASY}>safety_net",
            "Ring for help if you feel very ill.",
            f"texts.{EASY}.safety_net: it does not say the numbers to ring that the reference say",
        ),
        (COH, f"texts>{EASY}>safety_net", "٩٩٩ if you feel very ill.", None),
        (
            COH,
            "languages>cy",
            COH["languages"][EASY],
            "languages.cy: there are no texts in it.",
        ),
        (COH, f"languages>{EASY}>reviewer", "An Other", None),
        # Sources
        (COH, "sources>S99", "A paper that nothing quotes", "sources.S99: nothing quotes it."),
        (
            COH,
            "stale_after>source",
            "as in S98",
            "stale_after: S98 is not among the sources of the file.",
        ),
        (COH, "stale_after>source", "our own formulary, 2026", None),
    ],
)
def test_what_makes_no_sense_is_said(doc: Doc, place: str, value: Any, said: str | None) -> None:
    found = refusals(with_value(doc, place, value))
    if said is None:
        assert found == []
    else:
        assert any(sentence.startswith(said) for sentence in found), found


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("vitals>pulse_rate", "swap: SpO2 and pulse are not both among the vitals."),
        ("texts>en>call.amber", "texts.en: there is no text call.amber."),
        ("texts>en>technique", "texts.en: there is no text technique."),
        ("texts>en>safety_net", "texts.en: there is no text safety_net."),
    ],
)
def test_what_is_lacking_is_said(lacking: str, said: str) -> None:
    assert said in refusals(without(COH, lacking))


def test_without_spo2_nothing_of_spo2_makes_sense() -> None:
    found = refusals(without(COH, "vitals>spo2"))
    assert "exertion_rest_min: SpO2 is not among the vitals." in found
    assert "fills: spo2 needs bands of its own." in found


def fixture_values(doc: Doc, amber: float, red: float, floor: float) -> Doc:
    """COPD with fixture values. They have no source at all: no clinic may copy them."""
    for name, value in (("amber_drop", amber), ("red_drop", red), ("absolute_floor", floor)):
        doc = with_value(doc, f"parameters>{name}>default", numbered(value))
        doc = with_value(doc, f"parameters>{name}>default>source", "unsourced, for tests only")
    return doc


def test_numbers_that_a_lead_must_set_keep_a_file_from_being_signed() -> None:
    found = unsignable(Written.model_validate(COPD_1))
    for name in ("amber_drop", "red_drop", "absolute_floor"):
        assert any(
            sentence.startswith(f"parameters.{name}: nobody has set it") for sentence in found
        )
    assert any("bands.baseline: not proved" in sentence for sentence in found)
    owned = with_value(
        fixture_values(COPD_1, 2, 4, 85), "owner", {"name": "I. Nvented", "role": "x"}
    )
    assert unsignable(Written.model_validate(owned)) == []


def test_bands_that_hang_on_the_usual_value_are_walked_for_every_usual_value() -> None:
    assert refusals(fixture_values(COPD_1, 2, 4, 85)) == []
    # A floor at 92 leaves no room for amber below the 92 at which the range on oxygen ends.
    assert refusals(fixture_values(COPD_1, 2, 4, 92)) == [
        "vitals.spo2.bands.88_92_on_oxygen: there is no usual SpO2 with which every band can be "
        "reached."
    ]
    field = "vitals.spo2.bands.baseline"
    assert refusals(fixture_values(COPD_1, 4, 4, 85)) == [
        f"vitals.spo2.bands.{name}: there is no usual SpO2 with which every band can be reached."
        for name in ("baseline", "88_92_on_air", "88_92_on_oxygen")
    ]
    halves = refusals(fixture_values(COPD_1, 2.5, 4, 85))
    assert any(said.startswith(f"{field}: ") and "lies in no band" in said for said in halves)


def test_what_not_everybody_has_is_not_said_in_words() -> None:
    without_red = COPD["vitals"]["spo2"]["bands"]["88_92_on_air"][1:]  # amber, then green
    found = refusals(with_value(COPD, "vitals>spo2>bands>88_92_on_air", without_red))
    assert "texts.en.repeat.red: {spo2_red_max} is no number that everybody here has." in found


def test_every_printed_value_that_is_believed_is_walked() -> None:
    vitals = Written.model_validate(COH).vitals
    assert list(printed_values(vitals[Vital.SPO2])) == list(range(50, 101))
    temperature = list(printed_values(vitals[Vital.TEMPERATURE]))
    assert (temperature[0], temperature[1], temperature[-1]) == (30.0, 30.1, 43.0)
    assert len(temperature) == 131


def test_a_file_that_nobody_owns_cannot_be_signed() -> None:
    found = unsignable(Written.model_validate(COH))
    assert found == ["owner: nobody answers for this pathway; write a name and a role."]
    half = with_value(COH, "owner>name", "I. Nvented")
    assert unsignable(Written.model_validate(half)) == found
    assert unsignable(Written.model_validate(with_value(half, "owner>role", "GP"))) == []


def test_what_is_wrong_cannot_be_signed_either() -> None:
    assert "further_fall: there is no parameter fall." in unsignable(
        Written.model_validate(with_value(COH, "further_fall", "fall"))
    )
