"""The hazard log is whole, what it names exists, and a run of all tests says what did not run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools import hazards
from ward_service.domain.alerts import LIFE

TESTS = """
import pytest

def test_one(): pass

@pytest.mark.parametrize("n", [1, 2])
def test_each(n): pass

def test_lacking(): pytest.skip("Mosquitto is not here; install it")

def test_hopeless(): pytest.skip("no time")

@pytest.mark.xfail(reason="known")
def test_known(): assert False
"""


def a_hazard(**more: object) -> dict[str, object]:
    return {
        "id": "H1",
        "hazard": "a reading is lost",
        "causes": ["a disk"],
        "effect": "nobody sees it",
        "harm": "treatment comes late",
        "severity": None,
        "likelihood": None,
        "controls": [{"what": "a spool", "kind": "design"}],
        "tests": ["tests/test_tiny.py::test_one"],
        "residual": None,
        "owner": None,
        "status": "built",
        "lacking": [],
        "promises": [1],
        "source": "docs/reference/clinical.md#hazards",
        **more,
    }


def a_folder(folder: Path, *found: dict[str, object], conftest: str = "") -> Path:
    """A tiny repository with a hazard log."""
    for name in ("docs/understand", "tests"):
        (folder / name).mkdir(parents=True)
    log = {"scored_by": None, "note": "unscored", "hazards": list(found)}
    (folder / hazards.LOG).write_text(yaml.safe_dump(log))
    (folder / "tests/test_tiny.py").write_text(TESTS)
    (folder / "tests/conftest.py").write_text(conftest)
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    return folder


def run(folder: Path, *arguments: str, require_all: bool = False) -> tuple[int, str]:
    """Return the exit code and the words of pytest in a tiny repository."""
    environment = {**os.environ, "PYTHONPATH": str(hazards.ROOT)}
    environment.pop("HOMEWARD_REQUIRE_ALL", None)
    if require_all:
        environment["HOMEWARD_REQUIRE_ALL"] = "1"
    plugin = ("-p", "tools.hazards_ran", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-q", *plugin, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def names(*tests: str) -> dict[str, object]:
    return a_hazard(tests=[f"tests/test_tiny.py::{test}" for test in tests])


# --- the log ------------------------------------------------------------------------------------


def test_the_log_is_whole_and_the_page_is_drawn_from_it() -> None:
    """When the page is older: `python -m tools.hazards --write`."""
    assert hazards.wrong() == []


def test_every_hazard_of_the_starter_list_and_every_promise_is_there() -> None:
    log = hazards.read()
    # Source: see docs/reference/clinical.md#hazards, H1 to H25,
    # and docs/understand/design.md#promises.
    assert {f"H{n}" for n in range(1, 26)} <= {hazard.id for hazard in log.hazards}
    held = {number for hazard in log.hazards for number in hazard.promises}
    assert held == set(range(1, hazards.PROMISES + 1))


def test_nobody_but_a_safety_officer_scores() -> None:
    log = hazards.read()
    assert log.scored_by is None
    for hazard in log.hazards:
        unscored = (hazard.severity, hazard.likelihood, hazard.residual, hazard.owner)
        assert unscored == (None, None, None, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "H1: colour: Extra inputs are not permitted."),
        ({"controls": []}, "H1: is built, and names no control."),
        ({"tests": []}, "H1: is built, and names no test that shows it."),
        ({"status": "not shown"}, "H1: is not shown, and names tests that show it."),
        ({"lacking": ["all"]}, "H1: is built, and what is lacking says otherwise."),
        (
            {"status": "not built", "tests": []},
            "H1: is not built, and what is lacking says otherwise.",
        ),
        ({"causes": []}, "H1: causes: List should have at least 1 item"),
        ({"promises": [15]}, "H1: promises.0: Input should be less than or equal to 14."),
        ({"severity": "bad"}, "H1: severity: Input should be 'catastrophic'"),
        ({"severity": "major"}, "H1 has a score, and nobody is named who gave it."),
        ({"id": "X"}, "X: id: String should match"),
        ({"controls": [{"what": "hope", "kind": "luck"}]}, "H1: controls.0.kind: Input should be"),
    ],
)
def test_a_log_that_is_not_whole_is_refused_in_a_sentence(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with pytest.raises(hazards.HazardsError) as refused:
        hazards.read(a_folder(tmp_path, a_hazard(**change)))
    assert said in str(refused.value)


def test_one_hazard_is_there_once(tmp_path: Path) -> None:
    with pytest.raises(hazards.HazardsError, match="H1 is there twice"):
        hazards.read(a_folder(tmp_path, a_hazard(), a_hazard()))


def test_a_key_that_a_merge_has_doubled_is_refused_with_its_line(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, a_hazard())
    text = (folder / hazards.LOG).read_text()
    (folder / hazards.LOG).write_text(f"{text}hazards: []\n")
    with pytest.raises(hazards.HazardsError, match=r"'hazards' stands twice.*line"):
        hazards.read(folder)


def test_a_log_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, a_hazard())
    (folder / hazards.LOG).write_text("hazards: [")
    with pytest.raises(hazards.HazardsError, match="cannot be read"):
        hazards.read(folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tests/test_tiny.py", None),
        ("tests/test_tiny.py::test_each", None),
        ("tests/test_tiny.py::test_each[1]", None),
        ("tests/test_tiny.py::test_two", "there is no such test"),
        ("tests/test_gone.py", "there is no such file with tests"),
        ("tests/test_gone.py::test_one", "there is no such file with tests"),
        ("tests/conftest.py", "there is no such file with tests"),
        ("tests", "there is no such file with tests"),
    ],
)
def test_a_hazard_that_names_a_missing_test_fails(
    tmp_path: Path, name: str, said: str | None
) -> None:
    folder = a_folder(tmp_path, a_hazard(tests=[name]))
    wrong = hazards.missing_tests(hazards.read(folder), folder)
    assert wrong == ([f"H1 names {name}: {said}."] if said else [])


# --- whether they ran ---------------------------------------------------------------------------

HIDE_ONE = """
def pytest_collection_modifyitems(config, items):
    hidden = [item for item in items if item.name in ("test_one", "test_each[2]")]
    config.hook.pytest_deselected(items=hidden)
    items[:] = [item for item in items if item not in hidden]
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2"), ("-n", "2", "--dist", "loadscope")])
def test_a_run_of_all_says_that_all_that_is_named_ran(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    code, said = run(a_folder(tmp_path, names("test_one", "test_each")), *workers)
    assert code == 0, said
    assert "Every test that a hazard names ran.\n" in said


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_named_test_that_was_deselected_fails_the_run(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    folder = a_folder(tmp_path, names("test_one", "test_each"), conftest=HIDE_ONE)
    code, said = run(folder, *workers)
    assert code == 1, said
    assert "H1 is not shown: tests/test_tiny.py::test_one did not run." in said
    assert "H1 is not shown: tests/test_tiny.py::test_each[2] was deselected." in said


@pytest.mark.parametrize(
    "hiding",
    [("--deselect", "tests/test_tiny.py::test_one"), ("--ignore", "tests/test_tiny.py")],
)
def test_hiding_a_named_test_by_an_option_fails_the_run(
    tmp_path: Path, hiding: tuple[str, str]
) -> None:
    folder = a_folder(tmp_path, names("test_one"))
    (folder / "tests/test_other.py").write_text("def test_other(): pass\n")
    code, said = run(folder, *hiding)
    assert code == 1, said
    assert "H1 is not shown: tests/test_tiny.py::test_one did not run." in said


def test_a_named_test_that_does_not_exist_fails_the_run(tmp_path: Path) -> None:
    code, said = run(a_folder(tmp_path, names("test_two")))
    assert code == 1, said
    assert "test_two did not run." in said


@pytest.mark.parametrize(
    ("test", "why"), [("test_hopeless", "(no time)"), ("test_known", "(expected to fail: known)")]
)
def test_a_named_test_that_shows_nothing_fails_the_run(tmp_path: Path, test: str, why: str) -> None:
    code, said = run(a_folder(tmp_path, names(test)))
    assert code == 1, said
    assert f"H1 is not shown: tests/test_tiny.py::{test} showed nothing {why}." in said


def test_what_this_machine_lacks_is_excused_unless_nothing_may_lack(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, names("test_lacking"))
    code, said = run(folder)
    assert code == 0, said
    assert "except of H1, for want of what is named above." in said
    code, said = run(folder, require_all=True)
    assert code == 1, said
    assert "test_lacking showed nothing (Mosquitto is not here; install it)." in said


@pytest.mark.parametrize(
    "part",
    [
        ("-k", "each"),
        ("-m", "slow"),
        ("tests/test_tiny.py::test_each",),
        ("tests/test_tiny.py",),
        ("--collect-only",),
        ("--fixtures",),
    ],
)
def test_a_run_of_a_part_does_not_complain(tmp_path: Path, part: tuple[str, ...]) -> None:
    _, said = run(a_folder(tmp_path, names("test_gone")), *part)
    assert "hazard" not in said.lower()


def test_a_run_that_stopped_early_does_not_complain(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, names("test_one"))
    (folder / "tests/test_a.py").write_text("def test_bad(): assert False\n")
    code, said = run(folder, "-x")
    assert code == 1
    assert "is not shown" not in said


def test_a_log_that_is_not_whole_fails_the_run(tmp_path: Path) -> None:
    code, said = run(a_folder(tmp_path, a_hazard(causes=[])))
    assert code == 1, said
    assert "H1: causes:" in said


def test_our_own_runs_are_given_nothing_that_leaves_a_test_out() -> None:
    """Whatever stood in `addopts` would make each run one of a part, and nobody would be told."""
    text = (hazards.ROOT / "pyproject.toml").read_text()
    assert 'addopts = "-ra --strict-markers --strict-config"\n' in text


# --- the page -----------------------------------------------------------------------------------


def test_the_diagram_holds_every_move_and_no_other() -> None:
    lines = [line.strip() for line in hazards.diagram().splitlines()]
    moves = [line.partition(":")[0] for line in lines if "-->" in line and "[*]" not in line]
    assert len(moves) == len(set(moves))
    assert set(moves) == {f"{was} --> {to}" for (was, _), to in LIFE.items() if was is not None}
    # Source: see docs/understand/design.md#alert, by hand: an opened red is never withdrawn, an end
    # is an end.
    assert "open --> withdrawn" not in moves
    assert not [move for move in moves if move.startswith(("resolved", "withdrawn"))]
    assert "withdrawn --> [*]" in lines
    assert "resolved --> [*]" in lines
