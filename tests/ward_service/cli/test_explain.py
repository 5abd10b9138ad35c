"""`ward-service explain ALERT`, as somebody with a terminal at the ward uses it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from tests.factories import NOON, a_home, a_reading, a_ward, minutes
from ward_service.cli.main import app
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import Channel
from ward_service.domain.inputs import ContactMade
from ward_service.pipeline import take_batch
from ward_service.stays.acts import act
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow

Explain = Callable[..., Result]


@pytest.fixture
def explain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Explain:
    """Explain the one red of a ward in the folder `ward`; a nurse has spoken with the patient."""
    folder = tmp_path / "ward"
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(folder))
    ward = a_ward(folder)
    take_batch(ward, [a_home(ward).sends(a_reading(91))], NOON)
    with ward.sessions() as session:
        alert_id = session.scalars(select(AlertRow.id)).one()
    spoke = ContactMade(alert_id, "nurse-3", Channel.PHONE, True, "Pat Invented-1 is well")
    act(ward, alert_id, spoke, "spoke", NOON + minutes(1))
    engine_of(ward.sessions).dispose()

    def explain(*options: str, alert: str = str(alert_id)) -> Result:
        return CliRunner().invoke(app, ["explain", alert, *options])

    return explain


def test_one_command_says_why_it_rang(explain: Explain) -> None:
    result = explain()
    assert result.exit_code == 0, result.output
    for said in (
        "SpO2 91 % <= 92 %",
        "parameters.red_max.default",
        "Source: CLINICAL 1.3",
        "A repeat within 5 min was asked for.",
        "step 1: ward nurse",
        "NEXT: step 2: ward doctor",
        "Ledger",
    ):
        assert said in result.stdout


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_it_names_nobody_unless_what_people_typed_is_asked_for(
    explain: Explain, options: tuple[str, ...]
) -> None:
    assert "Invented" not in explain(*options).stdout
    assert not re.search(r"\b999\d{7}\b", explain(*options).stdout)  # an invented NHS number
    assert "Pat Invented-1 is well" in explain(*options, "--notes").stdout


def test_as_json_it_is_what_the_api_answers(explain: Explain) -> None:
    told = json.loads(explain("--json").stdout)
    assert told["findings"][0]["rule"] == "spo2.red"


def test_an_alert_that_is_not_there_is_a_sentence_and_an_exit_code(explain: Explain) -> None:
    result = explain(alert=str(new_id(NOON)))
    assert result.exit_code == 1
    assert "There is no such alert." in result.stderr
    assert explain(alert="no-id").exit_code == 2
