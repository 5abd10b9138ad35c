"""The arrows of docs/understand/design.md#rooms.

When an import turns red here, the design is changing.
"""

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


# Every room, and which rooms it may import. A new arrow is a change of the design: draw it here
# first. `contract` and `domain` are those of the ward; the root files of a package are rooms too.
ROOMS: dict[str, dict[str, str]] = {
    "ward_service": {
        "api": (
            "contract diary domain enrolment entry errors explain homes letters logs "
            "notify passwords replay stays store ward watchdog"
        ),
        "bootstrap": "errors passwords pathways store ward",
        "cli": (
            "bootstrap contract diary enrolment errors explain letters logs notify "
            "pathways replay run settings standalone stays ward watchdog"
        ),
        "diary": "contract domain entry errors store ward",
        "domain": "contract",
        "enrolment": "contract errors logs settings store ward",
        "entry": "contract domain errors logs stays store ward",
        "errors": "contract",
        "explain": "contract domain errors pathways store ward",
        "homes": "contract domain errors letters logs stays store ward",
        "ingest": "contract errors homes logs settings",
        "keys": "contract store",
        "letters": "contract diary domain entry errors logs store ward",
        "logs": "contract",
        "notify": "contract domain errors logs settings store ward",
        "passwords": "errors store",
        "pathways": "contract domain errors",
        "pipeline": "contract domain errors homes ingest logs stays store ward",
        "replay": "contract domain errors pathways pipeline store ward",
        "run": "api errors homes ingest logs notify pipeline store ward worker",
        "settings": "contract errors",
        "standalone": "bootstrap contract enrolment errors letters notify settings stays ward",
        "stays": "contract domain errors notify store ward",
        "store": "contract domain errors",
        "ward": "contract domain errors keys pathways settings store",
        "watchdog": "contract errors ingest logs notify settings store worker",
        "worker": "errors homes logs pipeline store ward",
    },
    "device_gateway": {
        "advise": "clock_skew spool contract domain",
        "capture": "advise config decode spool contract domain",
        "cli": (
            "advise capture config control decode doctor enrol home logs playback "
            "publish radio settings spool street contract domain web"
        ),
        "config": "decode contract",
        "control": "capture spool contract",
        "decode": "contract",
        "doctor": "config radio spool domain",
        "enrol": "config spool contract",
        "home": "advise capture config control decode publish spool contract",
        "logs": "contract",
        "playback": "capture config decode home spool contract",
        "publish": "clock_skew config spool contract",
        "radio": "capture config decode publish spool contract",
        "settings": "publish spool",
        "spool": "contract",
        "street": "config home publish spool contract",
        "web": "clock_skew home spool contract domain",
    },
    "clinician_dashboard": {
        "app": "session",
        "asgi": "ward_api",
        "cli": "asgi",
        "forms": "session view_models ward_api contract",
        "pages": "components forms panels session view_models ward_api contract",
        "panels": "forms session view_models contract",
        "session": "components view_models ward_api contract",
        "view_models": "contract",
        "ward_api": "contract",
    },
    "evaluation_export": {
        "cli": "disclosure package source",
        "package": "disclosure measures source tables",
        "source": "contract",
    },
}
# What stands at the root of a package: the story, and what every process needs.
AT_THE_ROOT = {
    "ward_service": {
        "pipeline", "run", "worker", "ward", "settings", "keys", "passwords", "bootstrap",
        "errors", "logs",
    },
    "device_gateway": {"home", "street", "control", "settings", "logs", "clock_skew"},
    "clinician_dashboard": {"app", "asgi", "cli", "session", "forms", "components"},
    "evaluation_export": {"cli"},
}  # fmt: skip
# Rooms that nothing outside of the ward may reach; what is shared is `contract` and `domain`.
SHARED = {"contract", "domain"}


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


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _files(package: str) -> list[Path]:
    return [f for f in (ROOT / package).rglob("*.py") if "migrations" not in f.parts]


def _room(package: str, module: str) -> str | None:
    """Return the room that a module stands in, None where it is no module of the package."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == package and rest else None


def _circles(arrows: dict[str, set[str]]) -> list[str]:
    """Return one arrow of each circle, by walking from each place until one is met again."""
    found, done = [], set()

    def walk(place: str, way: tuple[str, ...]) -> None:
        if place in way:
            found.append(" -> ".join((*way[way.index(place) :], place)))
        elif place not in done:
            for next_place in sorted(arrows.get(place, ())):
                walk(next_place, (*way, place))
            done.add(place)

    for place in sorted(arrows):
        walk(place, ())
    return found


@pytest.mark.parametrize("package", ROOMS)
def test_each_room_imports_only_the_rooms_that_the_table_names(package: str) -> None:
    arrows: dict[str, set[str]] = {}
    for file in _files(package):
        room = _room(package, _module(file))
        for name in imports(file):
            shared = _room("ward_service", name) if package != "ward_service" else None
            other = shared if shared in SHARED else _room(package, name)
            if room and other and other != room:
                arrows.setdefault(room, set()).add(other)
    drawn = {room: set(others.split()) for room, others in ROOMS[package].items()}
    assert arrows == drawn


@pytest.mark.parametrize("package", ROOMS)
def test_nothing_imports_in_a_circle(package: str) -> None:
    modules = {_module(file) for file in _files(package)}
    arrows = {
        _module(file): {
            name if name in modules else name.rpartition(".")[0] for name in imports(file)
        }
        & modules
        for file in _files(package)
    }
    assert _circles(arrows) == []
    drawn = {room: set(others.split()) - SHARED for room, others in ROOMS[package].items()}
    drawn["domain"] = set()
    assert _circles(drawn) == []


def test_a_circle_is_found() -> None:
    assert _circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b -> c -> b"]


@pytest.mark.parametrize("package", AT_THE_ROOT)
def test_the_root_of_a_package_holds_the_story_and_nothing_else(package: str) -> None:
    at_the_root = {file.stem for file in (ROOT / package).glob("*.py")} - {"__init__"}
    assert at_the_root == AT_THE_ROOT[package]


def test_tests_mirror_the_rooms() -> None:
    for folder in (ROOT / "tests").iterdir():
        if folder.name in ROOMS:
            rooms = {room.name for room in folder.iterdir() if room.is_dir()} - {"__pycache__"}
            known = {room.name for room in (ROOT / folder.name).iterdir() if room.is_dir()}
            assert rooms <= known, folder


def test_only_the_radio_is_async_and_only_it_knows_bluetooth() -> None:
    """Elsewhere in a home threads and a plain order are enough, and no bleak is needed."""
    radio = ROOT / "device_gateway/radio"
    doctor = ROOT / "device_gateway/doctor/radio.py"  # asks the same bus
    web = ROOT / "device_gateway/web"
    doors = {web / f"{name}.py" for name in ("app", "deps", "routes_offline")}  # bodies arrive
    doors.add(ROOT / "device_gateway/cli/prompt.py")  # a code is typed while the radio goes on
    for file in (ROOT / "device_gateway").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        if file != doctor and not file.is_relative_to(radio):
            is_async = any(isinstance(node, ast.AsyncFunctionDef) for node in nodes)
            assert file in doors or not is_async, file
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
