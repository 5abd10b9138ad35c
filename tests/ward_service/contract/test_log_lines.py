import json
import logging
import sys

from ward_service.contract.log_lines import FIELDS, JsonLines


def a_record(**extra: object) -> logging.LogRecord:
    return logging.getLogger("any").makeRecord(
        "any", logging.WARNING, "file", 1, "home.failed", (), None, extra=extra
    )


def test_a_line_has_a_name_and_what_was_given() -> None:
    for record in (a_record(gateway_id="home-01"), a_record(**{FIELDS: {"gateway_id": "home-01"}})):
        line = json.loads(JsonLines().format(record))
        assert line.keys() == {"at", "level", "name", "gateway_id"}
        assert (line["level"], line["name"]) == ("warning", "home.failed")


def test_a_field_may_be_called_as_python_calls_one_of_its_own() -> None:
    line = json.loads(JsonLines().format(a_record(**{FIELDS: {"module": "ingest"}})))
    assert line["module"] == "ingest"


def test_the_text_of_an_error_stays_out() -> None:
    record = a_record()
    try:
        raise ValueError("secret")
    except ValueError:
        record.exc_info = sys.exc_info()
    said = JsonLines().format(record)
    assert json.loads(said)["error"] == "ValueError"
    assert "secret" not in said
