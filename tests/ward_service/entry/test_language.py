"""By phone and on paper: a person's own words where the pathway has them, ours always beside."""

from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from tests.factories import COH, NOON
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import Vital
from ward_service.diary.pack import pack_of
from ward_service.diary.pdf import draw
from ward_service.domain.advice import Standing
from ward_service.domain.episode import begin
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.judge import judge
from ward_service.domain.pathway import Pathway
from ward_service.entry.form import form_of
from ward_service.entry.script import script

ENGLISH = COH.texts["en"]
INVENTED = {id_: f"Xx {text} xX" for id_, text in ENGLISH.items()}


def spoken(texts: dict[str, str]) -> Pathway:
    return replace(COH, texts={"en": ENGLISH, "xx": texts})


def without(*ids: str) -> Pathway:
    return spoken({id_: text for id_, text in INVENTED.items() if id_ not in ids})


def said_of(pathway: Pathway, language: str | None) -> list[tuple[str, str | None]]:
    state = begin(NOON, pathway)
    reading = ReadingArrived(new_id(NOON), NOON, {Vital.SPO2: 91.0})
    judged = judge(reading, state, NOON, pathway)
    told = script(judged, Standing(), state, pathway, language, NOON)
    return [(said.words, said.own) for said in told.said]


def test_the_script_has_both_languages_in_this_persons_numbers() -> None:
    [(ours, own)] = said_of(spoken(INVENTED), "xx")
    assert own is not None
    assert own.startswith("Xx ")
    assert "92 %" in ours
    assert "92 %" in own


@pytest.mark.parametrize("missing", ["repeat.red", "safety_net"])
def test_a_script_that_is_half_translated_is_said_in_english(missing: str) -> None:
    assert [own for _, own in said_of(without(missing), "xx")] == [None]


@pytest.mark.parametrize("language", [None, "en", "yy"])
def test_without_words_of_a_language_ours_are_said_and_nothing_is_guessed(
    language: str | None,
) -> None:
    [(ours, own)] = said_of(spoken(INVENTED), language)
    assert (ours.startswith("Xx"), own) == (False, None)
    form = form_of(new_id(NOON), begin(NOON, COH), spoken(INVENTED), language, signed=False)
    assert {question.own for question in form.questions} == {None}


def test_a_question_that_nobody_has_translated_is_asked_in_english() -> None:
    pathway = without("question.feeling", "answer.feeling.worse")
    form = form_of(new_id(NOON), begin(NOON, pathway), pathway, "xx", signed=True)
    own = {question.id: question.own for question in form.questions}
    assert own["feeling"] is None
    assert own["red_flags"] == f"Xx {ENGLISH['question.red_flags']} xX"
    [feeling] = [question for question in form.questions if question.id == "feeling"]
    assert {answer.code: bool(answer.own) for answer in feeling.answers} == {
        "better": True,
        "same": True,
        "worse": False,
    }


def test_a_diary_has_both_languages() -> None:
    pathway = spoken(INVENTED)
    pack = pack_of(
        begin(NOON, pathway), pathway, "xx", name="Pat", reference="ABCDEF", signed="", phone=""
    )
    pages = [page.extract_text() for page in PdfReader(BytesIO(draw(pack))).pages]
    inside = " ".join(" ".join(pages[1:]).split())
    assert "A. Xx Do you have any of these now? xX" in inside
    assert "A. Do you have any of these now?" in inside
    assert "Xx Blue lips or a blue face xX (Blue lips or a blue face)" in inside
