"""docker-compose.yml is true: each command is ours, each variable is known, each file exists."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ward_service.contract.messages import BASE_TOPIC
from ward_service.enrolment.broker_files import ADMIN, WARD, prepare
from ward_service.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
PREPARED = "./homeward-data/broker"  # what the operator makes, as docs/do/operate.md says
DASHBOARD_VARIABLES = {"HOMEWARD_API_URL"}


def test_every_role_is_there() -> None:
    assert set(OURS) == {"api", "ingest", "worker", "watchdog", "dashboard"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_a_console_script_of_ours(name: str) -> None:
    program, *arguments = OURS[name]["command"]
    assert program in SCRIPTS
    if program == "ward-service":
        from ward_service.cli.main import app

        assert arguments[0] in {
            command.callback.__name__ for command in app.registered_commands if command.callback
        }


@pytest.mark.parametrize("name", OURS)
def test_each_variable_is_known_to_settings(name: str) -> None:
    known = {f"HOMEWARD_{field.upper()}" for field in Settings.model_fields}
    known |= DASHBOARD_VARIABLES if name == "dashboard" else set()
    assert set(OURS[name]["environment"]) <= known


def made_by(folder: Path) -> set[Path]:
    """Return what `ward-service broker prepare` makes, and the folders of it."""
    made = {path.relative_to(folder) for path in prepare(folder, BASE_TOPIC)}
    return made | {path.parent for path in made}


def test_each_file_exists_and_each_lock(tmp_path: Path) -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith(PREPARED):
                assert Path(source).relative_to(PREPARED) in made_by(tmp_path), source
            elif source.startswith("."):
                assert (ROOT / source).is_file(), source
            else:
                assert source in COMPOSE["volumes"], source
        for secret in service.get("secrets", ()):
            assert secret in COMPOSE["secrets"]
    for service in OURS.values():
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert (ROOT / f"locks/{service['build']['args']['LOCK']}.txt").is_file()


def test_who_makes_accounts_is_the_role_that_enrols_homes_and_no_other(tmp_path: Path) -> None:
    made = made_by(tmp_path)
    for name, service in OURS.items():
        files = [Path(file).relative_to(PREPARED) for file in service.get("env_file", ())]
        assert set(files) <= made
        assert (Path(ADMIN) in files) is (name == "api")
        assert (Path(WARD) in files) is (name != "dashboard")


def test_what_the_image_copies_exists() -> None:
    lines = (ROOT / "docs/deploy/Dockerfile").read_text().splitlines()
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
