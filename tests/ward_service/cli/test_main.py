"""`ward-service` as an operator meets it: a refusal is one sentence, and nothing was changed."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.factories import an_admission
from ward_service.cli.main import app
from ward_service.errors import WardError
from ward_service.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a ward of its own, in the folder `ward`."""
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path / "ward"))

    def run(*arguments: str, given: str = "") -> Result:
        return CliRunner().invoke(app, arguments, input=given)

    return run


def a_sentence(result: Result, code: int) -> str:
    """Return what a refusal says: one line on stderr, and no traceback behind it."""
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    [line] = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    return line


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOMEWARD_USE", "banana"),
        ("HOMEWARD_BROKER_PORT", "abc"),
        ("HOMEWARD_DATABASE_URL", "mysql://ward:secret@database/ward"),
        ("HOMEWARD_DEMO_CLOCK", "noon"),
    ],
)
def test_a_variable_with_a_wrong_value_is_named_and_its_value_is_not_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = a_sentence(run("migrate"), 2)
    assert variable in said
    assert value not in said


def test_a_code_stands_on_a_line_of_its_own_and_says_what_to_do_with_it(run: Run) -> None:
    code, said = run("gateway", "invite", "home-01").stdout.splitlines()
    assert re.fullmatch("[0-9A-Z]{4}-[0-9A-Z]{4}", code)
    assert f"to become home-01. There: device-gateway enrol {code} --ward https://" in said
    named = run("gateway", "invite").stdout
    assert re.search(r"to become home-[0-9a-z]{6}\.", named)
    assert code not in (listed := run("gateway", "list").stdout)
    assert listed.startswith("home-01  0 people  a code is out until ")
    again = run("gateway", "rotate", "home-01").stdout.splitlines()[0]
    assert again != code


@pytest.mark.parametrize("what", ["rotate", "revoke"])
def test_a_gateway_that_is_not_there_is_said_in_a_sentence(run: Run, what: str) -> None:
    said = a_sentence(run("gateway", what, "home-09"), 1)
    assert said == "There is no gateway home-09. Nothing was changed."


def test_what_the_broker_begins_with_is_made_once(run: Run, tmp_path: Path) -> None:
    made = run("broker", "prepare", str(tmp_path / "broker")).stdout.split()
    assert [Path(path).name for path in made] == [
        "dynamic-security.json",
        "ward.env",
        "admin.env",
    ]
    said = a_sentence(run("broker", "prepare", str(tmp_path / "broker")), 1)
    assert "left as it is" in said


@pytest.mark.parametrize(("mode", "says"), [(0o644, "chmod 600"), (0o600, "too short")])
def test_a_password_in_a_file_is_as_private_and_as_long_as_a_secret(
    tmp_path: Path, mode: int, says: str
) -> None:
    file = tmp_path / "password"
    settings = Settings(broker_admin_password_file=file, broker_password_file=file)
    for read in (settings.admin_password, settings.ward_password):
        with pytest.raises(WardError, match="is missing"):
            read()
    file.write_text("x" * 64 + "\n")
    file.chmod(0o600)
    assert settings.admin_password() == settings.ward_password() == "x" * 64
    file.write_text("x" * (64 if mode == 0o644 else 8))
    file.chmod(mode)
    with pytest.raises(WardError, match=says):
        settings.admin_password()


def test_a_database_that_is_away_is_said_in_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEWARD_DATABASE_URL", "postgresql://ward:secret@127.0.0.1:1/ward")
    said = a_sentence(run("migrate"), 1)
    assert said == "The database cannot be reached. Nothing was changed."


def test_a_folder_that_cannot_be_made_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", "/proc/ward")
    assert "/proc/ward" in a_sentence(run("migrate"), 1)


@pytest.mark.parametrize("gateway", ["", "home/+#", "Home 1", "ab", "x" * 41])
def test_a_gateway_that_nobody_could_be_admitted_to_is_not_made(run: Run, gateway: str) -> None:
    said = a_sentence(run("gateway", "add", "--", gateway), 1)
    assert "small letters, digits and hyphens" in said


def test_a_gateway_gets_the_same_key_each_time(run: Run) -> None:
    first, again = run("gateway", "add", "home-01"), run("gateway", "add", "home-01")
    assert len(json.loads(first.stdout)["key"]) == 64
    assert first.stdout == again.stdout


PASSWORD = "an invented password"


@pytest.mark.parametrize(
    ("username", "name", "password"),
    [("", "Nurse", PASSWORD), ("u" * 101, "Nurse", PASSWORD), ("nurse", " ", PASSWORD),
     ("nurse", "Nurse", "short"), ("nurse", "Nurse", "p" * 201)],
)  # fmt: skip
def test_an_account_that_could_not_sign_in_is_not_made(
    run: Run, username: str, name: str, password: str
) -> None:
    made = run("account", "add", "--name", name, "--", username, given=f"{password}\n")
    assert a_sentence(made, 1).endswith("Nothing was changed.")


def test_an_admission_that_is_no_json_is_refused_in_a_sentence(run: Run) -> None:
    said = a_sentence(run("admit", "-", given="{"), 1)
    assert said.startswith("Nobody was admitted. Invalid JSON")


@pytest.mark.parametrize("born", ["2999-01-01", "1850-01-01"])
def test_nobody_is_born_tomorrow_or_before_everybody_alive(run: Run, born: str) -> None:
    run("gateway", "add", "home-01")
    admission = an_admission().model_dump(mode="json") | {"birth_date": born}
    said = a_sentence(run("admit", "-", given=json.dumps(admission)), 1)
    assert said == "This date of birth cannot be right. Nobody was admitted."


@pytest.mark.parametrize(
    "option", [("--speed", "0"), ("--speed", "-3"), ("--speed", "nan"), ("--people", "1000")]
)
def test_a_demo_that_cannot_be_is_refused_before_anything_starts(
    run: Run, monkeypatch: pytest.MonkeyPatch, option: tuple[str, str]
) -> None:
    monkeypatch.setattr(
        "ward_service.standalone.launch.demo", lambda **_: pytest.fail("it started")
    )
    result = run("demo", *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_the_folder_that_holds_identity_is_its_owners_alone(run: Run, tmp_path: Path) -> None:
    run("migrate")
    assert stat.S_IMODE((tmp_path / "ward").stat().st_mode) == 0o700


def test_without_a_setting_a_command_works_on_the_ward_of_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher can be called from anywhere; a second, empty ward there helps nobody."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("HOMEWARD_DATA_DIR", raising=False)
    monkeypatch.setenv("HOMEWARD_HOME", str(tmp_path / "checkout"))
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    assert (tmp_path / "checkout/homeward-data/ward/ward.db").is_file()
    assert not list(elsewhere.iterdir())
