"""A box becomes a gateway: what it sends, to whom, and what stands in its files afterwards."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from device_gateway.cli.main import app
from device_gateway.config.homes_file import HomesFile, read_homes
from device_gateway.spool.records import Outgoing
from device_gateway.spool.spool import Spool
from tests.conftest import missing
from tests.fakes.ward_door import HANG_UP, WardDoor
from tests.guarded_broker import an_authority
from ward_service.contract.enrolment import AT_HEADER, MAC_HEADER, request_mac
from ward_service.contract.ids import new_id

CODE = "7K3M-9QXW"
KEY, NEXT_KEY, PASSWORD = "ab" * 32, "cd" * 32, "ef" * 32
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BROKER = {
    "host": "broker.example",
    "port": 8883,
    "username": "home-01",
    "password": PASSWORD,
    "tls_ca": "the authority, as PEM",
}
ANSWER: dict[str, Any] = {
    "gateway": "home-01",
    "key": KEY,
    "generation": 1,
    "base": "homeward/v1",
    "broker": BROKER,
    "what_a_newer_ward_adds": True,
}
NEXT = ANSWER | {"key": NEXT_KEY, "generation": 2}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("device_gateway.enrol.enrolment.PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setenv("HOMEWARD_HOMES", str(tmp_path / "box" / "homes.json"))
    monkeypatch.setenv("HOMEWARD_SPOOL_DIR", str(tmp_path / "spools"))


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    return tmp_path / "box" / "homes.json"


@pytest.fixture
def door() -> Iterator[WardDoor]:
    with WardDoor([(201, ANSWER)]) as made:
        yield made


def run(*arguments: str) -> Result:
    """Run a command; whatever it says, it says no secret."""
    result = CliRunner().invoke(app, [*arguments])
    said = result.output + result.stderr
    assert not [secret for secret in (KEY, NEXT_KEY, PASSWORD) if secret in said]
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def enrol(door: WardDoor, *more: str) -> Result:
    return run("enrol", CODE, "--ward", door.url, *more)


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


def test_a_code_becomes_a_homes_file_that_only_its_owner_reads(door: WardDoor, homes: Path) -> None:
    result = enrol(door)
    assert result.exit_code == 0, result.stderr
    assert "This box is home-01" in result.output
    read = read_homes(homes)
    [place] = read.homes
    assert (place.gateway, place.key.hex(), place.slot, place.generation) == ("home-01", KEY, 1, 1)
    assert read.broker.tls_ca
    assert read.broker.tls_ca.read_text() == BROKER["tls_ca"]
    assert (read.broker.username, read.broker.password) == ("home-01", PASSWORD)
    assert (read.broker.base, read.ward) == ("homeward/v1", door.url)
    assert {path.name for path in homes.parent.iterdir()} == {"homes.json", "homes.broker-ca.pem"}
    assert {path.stat().st_mode & 0o777 for path in homes.parent.iterdir()} == {0o600}
    [asked] = door.asked
    assert (asked.path, asked.said["code"]) == ("/enrolments", CODE)
    assert asked.said["software"].startswith("homeward ")


@pytest.mark.parametrize("code", ["", "7K3M-9QX", "7K3M-9QXU"])
def test_what_cannot_be_a_code_is_not_sent(door: WardDoor, homes: Path, code: str) -> None:
    result = run("enrol", code, "--ward", door.url)
    assert (result.exit_code, door.asked, homes.exists()) == (5, [], False)
    assert "eight letters and digits" in result.stderr


@pytest.mark.parametrize(
    "url",
    ["http://ward.example", "http://192.0.2.1:8000", "ftp://127.0.0.1", "ward.example",
     "https://", "https://name:word@ward.example", "https://ward.example:port"],
)  # fmt: skip
def test_a_key_travels_over_tls_or_not_at_all(homes: Path, url: str) -> None:
    result = run("enrol", CODE, "--ward", url)
    assert (result.exit_code, files(homes.parent)) == (5, {})


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[WardDoor]:
    if shutil.which("openssl") is None:
        missing("openssl", "install it, for example: apt-get install openssl")
    with WardDoor([(201, ANSWER)], certificate=an_authority(tmp_path, "own")) as made:
        yield made


def test_a_ward_whose_authority_is_not_trusted_is_told_nothing(
    secure: WardDoor, homes: Path, tmp_path: Path
) -> None:
    other = an_authority(tmp_path, "other")
    for more in ((), ("--ca", str(other))):
        result = enrol(secure, *more)
        assert (result.exit_code, secure.asked) == (5, [])
        assert "is not to be trusted" in result.stderr
    assert not homes.exists()


def test_a_ward_with_an_authority_of_its_own_is_trusted_by_its_file_also_for_renewal(
    secure: WardDoor, homes: Path, tmp_path: Path
) -> None:
    assert enrol(secure, "--ca", str(tmp_path / "own.crt")).exit_code == 0
    secure.answers = [(201, NEXT)]
    assert run("renew").exit_code == 0
    assert read_homes(homes).homes[0].key.hex() == NEXT_KEY


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_code_follows_no_redirect_and_no_proxy(
    door: WardDoor, homes: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with WardDoor([(201, ANSWER)]) as elsewhere:
        door.answers, door.location = [(status, "")], f"{elsewhere.url}/enrolments"
        for variable in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(variable, elsewhere.url)
        assert enrol(door).exit_code == 5
        assert len(door.asked) == 1
        assert elsewhere.asked == []
    assert not homes.exists()


def test_a_lost_answer_is_asked_for_again_with_the_same_nonce(door: WardDoor, homes: Path) -> None:
    door.answers = [(HANG_UP, ""), (503, {"detail": "busy"}), (201, "{}"), (201, ANSWER)]
    assert enrol(door).exit_code == 0
    assert len({asked.said["nonce"] for asked in door.asked}) == 1
    assert len(door.asked) == 4
    assert read_homes(homes).homes[0].key.hex() == KEY


def test_a_box_that_died_before_it_wrote_the_key_gets_the_same_answer_again(
    door: WardDoor, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("device_gateway.enrol.enrolment.write_homes", die)
        CliRunner().invoke(app, ["enrol", CODE, "--ward", door.url])
    assert not homes.exists()
    assert enrol(door).exit_code == 0
    first, second = (asked.said["nonce"] for asked in door.asked)
    assert first == second
    assert enrol(door, "--again").exit_code == 0
    assert door.asked[2].said["nonce"] != first, "a nonce is used for one key"


def test_a_refusal_is_said_in_the_wards_words_and_asked_once(door: WardDoor, homes: Path) -> None:
    door.answers = [(403, {"detail": "This code does not work."})]
    result = enrol(door)
    assert (result.exit_code, result.stderr) == (5, "This code does not work.\n")
    assert len(door.asked) == 1
    assert not homes.exists()


def test_what_is_not_a_ward_is_not_quoted(door: WardDoor) -> None:
    door.answers = [(404, "<html>Zzyzx</html>")]
    result = enrol(door)
    assert (result.exit_code, "Zzyzx" in result.stderr) == (5, False)
    assert "answered 404, and not as a ward does" in result.stderr


def test_a_ward_that_is_away_is_said(homes: Path, door: WardDoor) -> None:
    door.__exit__(None, None, None)
    result = enrol(door)
    assert (result.exit_code, "cannot be reached" in result.stderr) == (5, True)


def test_an_enrolled_box_is_enrolled_anew_only_when_told(door: WardDoor, homes: Path) -> None:
    enrol(door)
    before = files(homes.parent)
    result = enrol(door)
    assert (result.exit_code, files(homes.parent), len(door.asked)) == (5, before, 1)
    assert "Give --again" in result.stderr
    door.answers = [(201, NEXT)]
    assert enrol(door, "--again").exit_code == 0
    assert read_homes(homes).homes[0].key.hex() == NEXT_KEY


def test_a_file_of_many_homes_is_never_replaced_by_one(door: WardDoor, homes: Path) -> None:
    enrol(door)
    whole = json.loads(homes.read_text())
    whole["homes"].append(whole["homes"][0] | {"gateway": "home-02"})
    homes.write_text(json.dumps(whole))
    result = enrol(door, "--again")
    assert (result.exit_code, len(door.asked)) == (5, 1)
    assert len(read_homes(homes).homes) == 2


def test_readings_of_the_gateway_that_the_box_was_can_still_be_sent(
    door: WardDoor, homes: Path, tmp_path: Path
) -> None:
    enrol(door)
    with Spool(tmp_path / "spools" / "home-01.spool") as spool:
        spool.add([Outgoing(new_id(NOON), NOON, b"{}")], None)
    door.answers = [(201, ANSWER | {"gateway": "home-02", "key": NEXT_KEY})]
    result = enrol(door, "--again")
    assert "may still wait" in result.output
    assert read_homes(homes).homes[0].gateway == "home-02"
    [old] = read_homes(homes.with_name("homes.json.home-01")).homes
    assert (old.gateway, old.key.hex()) == ("home-01", KEY)


def test_a_renewal_is_signed_with_the_old_key_and_keeps_the_place(
    door: WardDoor, homes: Path
) -> None:
    enrol(door)
    whole = json.loads(homes.read_text())
    whole["homes"][0]["slot"] = 3
    homes.write_text(json.dumps(whole))
    door.answers = [(HANG_UP, ""), (201, NEXT)]
    result = run("renew")
    assert result.exit_code == 0, result.stderr
    [place] = read_homes(homes).homes
    assert (place.key.hex(), place.generation, place.slot) == (NEXT_KEY, 2, 3)
    _, lost, asked = door.asked
    assert lost.said == asked.said
    moments = [datetime.fromisoformat(each.headers[AT_HEADER]) for each in (lost, asked)]
    assert moments[0] < moments[1], "a request counts once, so each has its own moment"
    for each, at in zip((lost, asked), moments, strict=True):
        own = request_mac(bytes.fromhex(KEY), "POST", "/gateways/home-01/renewals", at, each.body)
        assert (each.path, each.headers[MAC_HEADER]) == ("/gateways/home-01/renewals", own)


@pytest.mark.parametrize(
    "answer",
    [(403, {"detail": "It was revoked."}), (201, ANSWER | {"gateway": "home-02"}), (201, "{}")],
)
def test_a_renewal_that_fails_leaves_the_key_as_it_was(
    door: WardDoor, homes: Path, answer: tuple[int, Any]
) -> None:
    enrol(door)
    before = homes.read_text()
    door.answers = [answer]
    assert run("renew").exit_code == 5
    assert homes.read_text() == before


def test_a_disk_that_refuses_leaves_the_key_as_it_was(
    door: WardDoor, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(door)
    before = files(homes.parent)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ward_service.contract.atomic_file.os.fsync", full)
    result = run("renew")
    assert (result.exit_code, files(homes.parent)) == (5, before)
    assert "No space left on device" in result.stderr


def test_a_file_that_enrolment_did_not_write_is_not_renewed(homes: Path) -> None:
    homes.parent.mkdir()
    home = {"gateway": "home-01", "key": KEY, "slot": 1}
    whole = {"broker": {"host": "127.0.0.1", "port": 1883}, "homes": [home]}
    assert HomesFile.model_validate(whole).ward is None
    homes.write_text(json.dumps(whole))
    homes.chmod(0o600)
    assert run("renew").exit_code == 5
    homes.unlink()
    assert run("renew").exit_code == 5
