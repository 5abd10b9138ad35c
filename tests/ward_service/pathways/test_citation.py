"""Every key of a pathway file is found on its line, and its source is what the file cites."""

import pytest

from tests.ward_service.pathways.documents import NAMES
from ward_service.pathways.citation import Citations
from ward_service.pathways.load import SHIPPED, load
from ward_service.pathways.sourced import everything_sourced


@pytest.mark.parametrize("name", NAMES)
def test_every_number_with_a_source_is_found_on_its_line_with_that_source(name: str) -> None:
    path = SHIPPED / f"{name}.yaml"
    file, lines = load(path), path.read_text().splitlines()
    citations, count = Citations(file), 0
    for said in everything_sourced(file.written):
        cited = citations.cite(said.field)
        where, _, number = cited.place.partition(":")
        last = said.field.rpartition(".")[2]
        assert where == path.name
        assert cited.text == lines[int(number) - 1].strip()
        assert last.isdigit() or f"{last}:" in cited.text, said.field
        assert cited.source == said.source
        count += 1
    assert count > 50


def test_a_line_without_a_source_of_its_own_has_that_of_what_it_belongs_to() -> None:
    citations = Citations(load(SHIPPED / "covid-oximetry-at-home.yaml"))
    cited = citations.cite("questions.red_flags.answers.is.collapse")
    assert cited.text == "collapse: red"
    assert cited.source == "CLINICAL 1.6, red flags [V S25], feeling seriously ill [V2 S7]"
    assert [code for code, _ in cited.titles] == ["S25", "S7"]
    assert dict(cited.titles)["S25"].startswith("NG191 COVID-19 rapid guideline")
    assert citations.cite("vitals.spo2.bands.standard.0").source == ""


def test_a_key_that_the_file_does_not_have_is_an_error_and_no_guess() -> None:
    with pytest.raises(KeyError):
        Citations(load(SHIPPED / "copd-88-92.yaml")).cite("vitals.spo2.bands.standard.0")
