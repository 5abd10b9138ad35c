"""The arrows of DESIGN section 2. When an import turns red here, the design is changing."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {
    "ward_service",
    "device_gateway",
    "clinician_dashboard",
    "evaluation_export",
    "tests",
    "tools",
}
CONTRACT, DOMAIN = "ward_service.contract", "ward_service.domain"
NOTHING: set[str] = set()

MAY_IMPORT: dict[str, tuple[set[str], set[str] | None]] = {
    # folder: (what of ours, what of others; None is anything)
    "ward_service/contract": ({CONTRACT}, {"pydantic"}),
    "ward_service/domain": ({DOMAIN, CONTRACT}, NOTHING),
    "ward_service/store": (
        {"ward_service.store", DOMAIN, CONTRACT, "ward_service.errors"},
        {"sqlalchemy", "alembic", "pydantic"},
    ),
    "ward_service": ({"ward_service"}, None),
    "device_gateway/decode": ({"device_gateway.decode", CONTRACT}, NOTHING),
    "device_gateway": ({"device_gateway", CONTRACT, DOMAIN}, None),
    "clinician_dashboard/view_models": (
        {"clinician_dashboard.view_models", CONTRACT},
        NOTHING,
    ),
    "clinician_dashboard": ({"clinician_dashboard", CONTRACT}, None),
    "evaluation_export": ({"evaluation_export", CONTRACT, DOMAIN}, None),
}
# What a small computer in a home must not have to install.
HEAVY = {"pandas", "streamlit", "fastapi", "sqlalchemy", "alembic", "uvicorn", "psycopg"}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_follow_the_arrows(folder: str) -> None:
    ours, others = MAY_IMPORT[folder]
    files = list((ROOT / folder).rglob("*.py"))
    assert files, f"{folder} has moved: move its arrow too"
    for file in files:
        for name in imports(file):
            top = name.partition(".")[0]
            if top in OURS:
                allowed = any(name == o or name.startswith(o + ".") for o in ours)
            else:
                allowed = others is None or top in others | sys.stdlib_module_names
            assert allowed, f"{file.relative_to(ROOT)} must not import {name}"


def test_only_the_radio_is_async_and_only_it_knows_bluetooth() -> None:
    """Elsewhere in a home threads and a plain order are enough, and no bleak is needed."""
    radio = ROOT / "device_gateway/radio"
    doctor = ROOT / "device_gateway/doctor/radio.py"  # asks the same bus
    prompt = ROOT / "device_gateway/cli/prompt.py"  # a person answers while the radio goes on
    door = ROOT / "device_gateway/web/app.py"  # a form is read as it arrives
    for file in (ROOT / "device_gateway").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        if file != doctor and not file.is_relative_to(radio):
            is_async = any(isinstance(node, ast.AsyncFunctionDef) for node in nodes)
            assert file in (door, prompt) or not is_async, file
            libraries = {name.partition(".")[0] for name in imports(file)}
            assert not {"bleak", "bleak_retry_connector", "dbus_fast"} & libraries, file


def test_what_is_shared_costs_nothing_to_import() -> None:
    assert (ROOT / "ward_service/__init__.py").read_text() == ""


def test_a_gateway_installs_nothing_heavy() -> None:
    locked = (ROOT / "locks/gateway.txt").read_text().splitlines()
    names = {line.partition("==")[0].partition("[")[0] for line in locked if "==" in line}
    assert names
    assert not HEAVY & names


def test_every_library_that_a_folder_imports_is_in_its_extra() -> None:
    """A folder installed with its own extra alone must find all that it imports."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known_as = {"pyyaml": "yaml", "paho-mqtt": "paho", "argon2-cffi": "argon2"}
    extras = {
        "ward_service": "ward",
        "device_gateway": "gateway",
        "device_gateway/web": "page",
        "clinician_dashboard": "dashboard",
        "evaluation_export": "evaluation",
    }
    # The page is installed beside a gateway.
    # What an extra brings along and promises to: FastAPI is Starlette, Streamlit brings pandas.
    brought = {
        "ward": {"starlette"},
        "page": {"starlette"},
        "dashboard": {"anyio", "starlette", "altair", "pandas", "pyarrow"},
    }
    for folder, extra in extras.items():
        wanted = [*project["dependencies"], *project["optional-dependencies"][extra]]
        names = {_name(requirement) for requirement in wanted}
        may = {known_as.get(n, n.replace("-", "_")) for n in names} | brought.get(extra, set())
        for file in (ROOT / folder).rglob("*.py"):
            if file.is_relative_to(ROOT / "device_gateway/web") and extra == "gateway":
                continue  # looked at with the extra `page`
            for name in imports(file):
                top = name.partition(".")[0]
                known = top in OURS or top in sys.stdlib_module_names or top in may
                assert known, f"{file.relative_to(ROOT)} imports {top}: not in the extra {extra}"


def _name(requirement: str) -> str:
    for mark in "[<>=~! ;":
        requirement = requirement.partition(mark)[0]
    return requirement.lower()
