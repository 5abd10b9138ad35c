"""The printed diary: this person's own limits, of their pathway version, and nothing outside."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from tests.conftest import missing
from tests.factories import AN_HOUR_AGO, NOON, a_ward, an_admission
from tests.ward_service.pathways.documents import EARLIER
from ward_service.bootstrap import sign_pathway
from ward_service.cli.main import app
from ward_service.contract.http.stays import Admission, AdmissionView
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import Level, Spo2Target
from ward_service.diary.pack import Pack, pack_of
from ward_service.diary.page import FOLDERS, STANDARD, SYSTEM, UNSIGNED, fonts_for
from ward_service.diary.pdf import draw
from ward_service.diary.printout import diary_of
from ward_service.domain.episode import Person, begin
from ward_service.domain.inputs import LimitsChanged
from ward_service.domain.limits import limits_at_admission
from ward_service.enrolment.enrolment import add_gateway
from ward_service.errors import NotFoundError, WardError
from ward_service.pathways.load import SHIPPED, load
from ward_service.stays.acts import act_on_stay
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.ward import Ward


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    opened = a_ward(tmp_path)
    add_gateway(opened, "home-01", AN_HOUR_AGO)
    yield opened
    engine_of(opened.sessions).dispose()


def admitted(ward: Ward, **more: object) -> AdmissionView:
    given: Admission = an_admission().model_copy(update=more)
    return admit(ward, given, AN_HOUR_AGO)


def pages(pdf: bytes) -> list[str]:
    found = [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]
    return [" ".join(text.split()) for text in found]


def test_a_diary_says_its_version_the_agreed_times_and_how_to_measure(ward: Ward) -> None:
    stay = admitted(ward)
    said = pages(diary_of(ward, stay.episode_id))
    inside = " ".join(said[1:])
    for words in (
        "covid-oximetry-at-home@3, own limits version 1, unsigned",
        "Every day at 09:00, 13:00, 17:00",
        "Rest for at least five minutes",
        "Oxygen 92 % or lower",
        "Oxygen 93 to 94 %",
        "Oxygen 95 % or higher",
        "go to A&E at once or call 999",
        "Do this even if your oxygen number looks normal.",
        "every day, 08:00 to 20:00",
        "A1 Very breathless at rest, or cannot finish a short sentence",
        "Day 14",
    ):
        assert words in inside, words
    assert "being told" not in inside  # of what stands on paper nobody is told
    assert all(UNSIGNED in page for page in said)


def test_the_limits_are_this_persons_own(ward: Ward) -> None:
    stay = admitted(ward)
    changed = LimitsChanged("nurse-3", "as agreed", {"red_max": 89.0, "amber_max": 91.0})
    act_on_stay(ward, stay.episode_id, changed, "new-limits", NOON)
    inside = " ".join(pages(diary_of(ward, stay.episode_id))[1:])
    assert "Oxygen 89 % or lower" in inside
    assert "Oxygen 90 to 91 %" in inside
    assert "above 89 % and up to 91 %" in inside  # in the words of the advice too
    assert "own limits version 2" in inside
    assert "92 % or lower" not in inside


def a_pack_of_88_to_92(*, oxygen: bool | None, path: Path = SHIPPED / "copd-88-92.yaml") -> Pack:
    pathway = load(path).pathway
    limits = limits_at_admission(pathway, Spo2Target.RANGE_88_92, 90, oxygen)
    state = begin(AN_HOUR_AGO, pathway, Person(limits=limits))
    return pack_of(state, pathway, "en", name="Pat", reference="ABCDEF", signed="", phone="")


@pytest.mark.parametrize("oxygen", [True, None])
def test_the_range_88_to_92_is_said_with_and_without_oxygen(oxygen: bool | None) -> None:
    pack = a_pack_of_88_to_92(oxygen=oxygen)
    numbers = {zone.level: " ".join(zone.numbers) for zone in pack.zones}
    assert "while you use oxygen" in numbers[Level.RED]
    assert "without oxygen" in numbers[Level.GREEN]
    assert "Oxygen given, litres a minute" in " ".join(pages(draw(pack)))
    on_air = a_pack_of_88_to_92(oxygen=False)
    assert not any("oxygen" in said for zone in on_air.zones for said in zone.numbers)


def test_a_number_that_nobody_has_set_is_never_printed_as_if_it_were() -> None:
    with pytest.raises(WardError, match="set by nobody"):
        a_pack_of_88_to_92(oxygen=True, path=EARLIER / "copd-88-92-1.yaml")


def test_the_outside_page_names_no_illness_and_no_number_of_a_person(ward: Ward) -> None:
    stay = admitted(ward)
    pdf = diary_of(ward, stay.episode_id)
    outside, *inside = pages(pdf)
    for word in ("covid", "oximetry", "copd", "oxygen", "ward", "nhs", "hospital", "red", "1950"):
        assert word not in outside.lower().replace("unsigned", ""), word
    assert "Pat Invented" in outside
    assert "call 999" in outside
    [number] = {an_admission().nhs_number for _ in (1,)}
    assert number[:3] not in outside.replace("999.", "").replace("call 999", "")
    assert all("Invented" not in page for page in inside)  # a loose page has a reference only
    assert all(f"Reference {str(stay.episode_id)[-6:].upper()}" in page for page in inside)
    metadata = PdfReader(BytesIO(pdf)).metadata
    assert metadata is not None
    assert metadata.title == "My diary"


@pytest.mark.parametrize("name", ["covid-oximetry-at-home", "covid-virtual-ward"])
def test_every_number_and_question_of_the_pathway_has_its_place(ward: Ward, name: str) -> None:
    stay = admitted(ward, pathway=name, home_oxygen=False, pregnant=False)
    inside = " ".join(pages(diary_of(ward, stay.episode_id))[1:])
    texts = ward.current[name].texts["en"]
    for id_, question in ward.current[name].questions.items():
        assert " ".join(texts[question.said].split()) in inside
        for code in question.answers:
            assert " ".join(texts[f"answer.{id_}.{code}"].split()) in inside


def test_a_signed_version_says_who_signed_it(tmp_path: Path) -> None:
    ward = a_ward(tmp_path)
    add_gateway(ward, "home-01", AN_HOUR_AGO)
    text = (SHIPPED / "covid-oximetry-at-home.yaml").read_text()
    text = text.replace("{ name: null, role: null }", "{ name: Dr Invented, role: lead }")
    text = text.replace("version: 3", "version: 4", 1).replace("supersedes: 2", "supersedes: 3")
    folder = tmp_path / "pathways"
    folder.mkdir()
    file = folder / "covid-oximetry-at-home.yaml"
    file.write_text(text)
    engine_of(ward.sessions).dispose()
    signed = a_ward(tmp_path, pathways=folder)
    sign_pathway(signed, load(file), "Dr Invented", "lead", NOON)
    stay = admitted(signed)
    said = pages(diary_of(signed, stay.episode_id))
    assert not any(UNSIGNED in page for page in said)
    assert "covid-oximetry-at-home@4, own limits version 1, signed by Dr Invented, lead" in said[1]
    engine_of(signed.sessions).dispose()


def test_the_same_diary_is_the_same_file(ward: Ward) -> None:
    stay = admitted(ward)
    assert diary_of(ward, stay.episode_id) == diary_of(ward, stay.episode_id)


def test_the_number_of_the_ward_is_printed_if_it_is_known(ward: Ward) -> None:
    stay = admitted(ward)
    assert "Telephone ____" in pages(diary_of(ward, stay.episode_id))[0]
    ward.settings = ward.settings.model_copy(update={"ward_phone": "01632 960 123"})
    assert "Telephone 01632 960 123" in pages(diary_of(ward, stay.episode_id))[0]


def test_there_is_no_diary_of_nobody(ward: Ward) -> None:
    with pytest.raises(NotFoundError):
        diary_of(ward, new_id(NOON))


# Letters


def test_western_letters_need_no_font_of_the_system() -> None:
    assert fonts_for("Señora Brontë: 37,2 °C", folders=()) == STANDARD


def test_other_letters_take_a_font_of_this_machine() -> None:
    if not any(found for folder in FOLDERS for found in folder.rglob(SYSTEM[0][0])):
        missing("a font with Polish letters", "install it: apt-get install fonts-dejavu")
    assert fonts_for("Zażółć gęślą jaźń") != STANDARD


def test_without_a_font_nothing_is_printed_and_it_is_said_what_to_install() -> None:
    with pytest.raises(WardError, match="apt-get install fonts-dejavu"):
        fonts_for("Zażółć", folders=())


@pytest.mark.parametrize(("text", "script"), [("مرحبا", "Arabic"), ("नमस्ते", "Devanagari")])
def test_letters_that_join_are_refused_rather_than_set_wrongly(text: str, script: str) -> None:
    with pytest.raises(WardError, match=f"{script} letters cannot be set here"):
        fonts_for(text)


# The command


def test_the_command_writes_a_file_that_only_its_owner_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_ward(tmp_path / "ward")
    add_gateway(made, "home-01", AN_HOUR_AGO)
    stay = admitted(made)
    engine_of(made.sessions).dispose()
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path / "ward"))
    monkeypatch.setenv("HOMEWARD_USE", "demo")
    file = tmp_path / "diary.pdf"
    file.touch(mode=0o644)
    done = CliRunner().invoke(app, ["diary", str(stay.episode_id), "--to", str(file)])
    assert (done.exit_code, file.stat().st_mode & 0o777) == (0, 0o600), done.output
    assert "print it, then delete it" in done.output
    assert len(pages(file.read_bytes())) >= 5
    nobody = CliRunner().invoke(app, ["diary", str(new_id(NOON)), "--to", str(file)])
    assert (nobody.exit_code, "no such stay" in nobody.output) == (1, True)
