"""`ward-service pathway check | show | diff` as a clinician meets them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.ward_service.pathways.documents import EARLIER
from ward_service.cli.main import app
from ward_service.pathways.load import SHIPPED

COH = SHIPPED / "covid-oximetry-at-home.yaml"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["pathway", *map(str, arguments)])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file of one's own that differs in two numbers."""
    text = COH.read_text().replace("{ is: 92, source", "{ is: 91, source", 1)
    path = tmp_path / "own.yaml"
    path.write_text(text.replace("is: [2 h, 4 h]", "is: [3 h, 4 h]"))
    return path


def test_every_shipped_file_is_whole_and_says_why_it_cannot_be_signed() -> None:
    done = run("check", *sorted(SHIPPED.glob("*.yaml")))
    assert done.exit_code == 0
    assert done.stdout.count("is whole. sha256") == 3
    assert "nobody has set it" not in done.stdout
    done = run("check", *sorted(EARLIER.glob("*.yaml")))
    assert done.exit_code == 0
    assert done.stdout.count("is whole. sha256") == 3
    assert "parameters.absolute_floor: nobody has set it" in done.stdout
    assert done.stderr == ""


def test_a_text_that_is_paid_for_as_several_is_named_with_how_many(own: Path) -> None:
    own.write_text(own.read_text().replace("call.red: A red", "call.red: Ŵ red"))
    line, _ = [said for said in run("check", own).stdout.splitlines() if "by SMS" in said]
    assert line.startswith("  texts.en: by SMS these are paid for as several: remind.first as 4")
    assert "call.red as 2" in line  # one letter outside the GSM alphabet
    assert "call.amber" not in line


def test_a_file_that_is_refused_is_named_with_every_reason_and_the_others_go_on(own: Path) -> None:
    text = own.read_text().replace("to: ward_doctor", "to: ward_docter")
    own.write_text(text.replace("exertion_rest_min: exertion_rest_min", "exertion_rest_min: rest"))
    done = run("check", own, COH)
    assert done.exit_code == 1
    first, *reasons = done.stderr.splitlines()
    assert first == "own.yaml is not a whole pathway, so nothing of it runs."
    assert "  exertion_rest_min: there is no parameter rest." in reasons
    assert sum("ward_docter is neither a role nor the patient" in reason for reason in reasons) == 6
    assert "covid-oximetry-at-home@3 is whole" in done.stdout


def test_a_file_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    assert run("check", tmp_path / "none.yaml").exit_code == 2


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    done = run("check", path)
    assert done.exit_code == 1
    assert "file: it is not text in UTF-8." in done.stderr


def test_show_prints_the_table_and_the_hash_that_is_signed() -> None:
    done = run("show", COH, "--no-words")
    assert done.exit_code == 0
    assert "SpO2, standard               red 92 % or less; amber 93 to 94 %;" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("sha256 ")
    assert len(run("show", COH, "--brief").stdout.splitlines()) <= 80
    assert "Call 999" in run("show", COH).stdout


def test_show_refuses_what_is_not_whole(own: Path) -> None:
    own.write_text("id: x")
    done = run("show", own)
    assert done.exit_code == 1
    assert "version: Field required." in done.stderr
    assert run("diff", COH, own).exit_code == 1


def test_diff_says_in_words_what_changed(own: Path) -> None:
    done = run("diff", COH, own)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "red_max: 92 % became 91 %",
        "SpO2, standard, red: 92 % or less became 91 % or less",
        "SpO2, standard, amber: 93 to 94 % became 92 to 94 %",
        "reminder 1 after: 2 h became 3 h",
    ]
    assert run("diff", COH, COH).stdout == "Nothing changed.\n"
