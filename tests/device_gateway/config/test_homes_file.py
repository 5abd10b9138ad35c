import json
import logging
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from device_gateway.config.homes_file import Broker, HomesError, read_homes
from device_gateway.publish.connection import Pace
from device_gateway.settings import Settings, read_settings
from device_gateway.spool.bounds import MB, Bounds
from ward_service.contract.log_lines import JsonLines

KEY = "ab" * 32
HOME = {"gateway": "home-01", "key": KEY, "slot": 1}
BROKER = {"host": "127.0.0.1", "port": 1883}


def a_file(folder: Path, content: Any, mode: int = 0o600) -> Path:
    path = folder / "homes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def test_a_homes_file_is_read(tmp_path: Path) -> None:
    signed_in = BROKER | {"username": "street", "password": "secret"}
    read = read_homes(a_file(tmp_path, {"broker": signed_in, "homes": [HOME]}))
    [place] = read.homes
    assert (place.gateway, place.key, place.slot) == ("home-01", b"\xab" * 32, 1)
    assert (read.broker.username, read.broker.password) == ("street", "secret")
    assert KEY not in repr(read)
    assert "secret" not in repr(read)


def test_a_homes_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, {"broker": BROKER, "homes": [HOME]}, mode=0o640)
    with pytest.raises(HomesError, match=f"run: chmod 600 {path}"):
        read_homes(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ({"broker": BROKER, "homes": []}, "homes"),
        ({"broker": BROKER, "homes": [HOME, HOME]}, "a gateway stands in it twice"),
        ({"broker": BROKER, "homes": [HOME | {"key": "zz" + KEY}]}, "homes.0.key"),
        ({"broker": BROKER, "homes": [HOME | {"key": KEY[:-2]}]}, "at least 32 bytes"),
        ({"broker": BROKER, "homes": [HOME | {"gateway": "home/+"}]}, "homes.0.gateway"),
        ({"broker": BROKER, "homes": [HOME | {"slot": 0}]}, "homes.0.slot"),
        ({"broker": BROKER | {"tls_ca": "/no/such/file"}, "homes": [HOME]}, "broker.tls_ca"),
        ({"broker": BROKER | {"tls_cert": "x"}, "homes": [HOME]}, "broker.tls_cert"),
    ],
)
def test_what_a_ward_does_not_write_is_refused_without_repeating_a_key(
    tmp_path: Path, content: Any, said: str
) -> None:
    with pytest.raises(HomesError) as refused:
        read_homes(a_file(tmp_path, content))
    assert said in str(refused.value)
    assert KEY[:8] not in str(refused.value)


def test_a_missing_homes_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HomesError, match=r"none\.json cannot be read: No such file"):
        read_homes(tmp_path / "none.json")


def test_settings_come_from_the_environment_and_have_defaults() -> None:
    assert read_settings({}) == Settings()
    read = read_settings(
        {"HOMEWARD_SPOOL_DIR": "/var/spools", "HOMEWARD_RESEND_AFTER_S": "5", "HOMEWARD_HOMES": ""}
    )
    assert (read.spool_dir, read.resend_after_s) == (Path("/var/spools"), 5)
    assert read.homes == Settings().homes
    with pytest.raises(ValidationError):
        read_settings({"HOMEWARD_RESEND_AFTER_S": "soon"})


def test_how_large_and_how_fast_are_settings_whose_defaults_stand_in_one_place() -> None:
    assert (Settings().bounds(), Settings().pace()) == (Bounds(), Pace())
    named = {"SPOOL_MAX_MB": "9", "SPOOL_KEEP_FREE_MB": "0", "KEPT_DAYS": "3", "DRAIN_PER_S": "5"}
    read = read_settings({f"HOMEWARD_{name}": value for name, value in named.items()})
    assert read.bounds() == Bounds(max_bytes=9 * MB, keep_free_bytes=0, kept_days=3)
    assert read.pace().drain_per_s == 5
    assert read.pace(hurry=True).drain_per_s == math.inf
    with pytest.raises(ValidationError):
        read_settings({"HOMEWARD_SPOOL_MAX_MB": "1"})


@pytest.mark.parametrize("base", ["", "/a", "a/", "a//b", "a/+", "a/#", "a b"])
def test_a_base_topic_is_a_place_and_no_pattern(base: str) -> None:
    assert Broker(host="h", port=1).base == "homeward/v1"
    assert Broker(host="h", port=1, base="homeward/v1/north").base == "homeward/v1/north"
    with pytest.raises(ValidationError):
        Broker(host="h", port=1, base=base)


def test_a_log_line_is_json_with_ids_and_never_the_text_of_an_error() -> None:
    try:
        raise ValueError("SpO2 91 of Ann Smith")
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "f", 1, "home.failed", (), None, extra={"gateway_id": "home-01"}
        )
        import sys

        record.exc_info = sys.exc_info()
    line = json.loads(JsonLines().format(record))
    assert line.keys() == {"at", "level", "name", "gateway_id", "error"}
    assert (line["name"], line["error"]) == ("home.failed", "ValueError")
