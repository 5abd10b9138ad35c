"""A pytest plugin: after a run of all tests, each test that a hazard names must have run.

A hazard whose test was deselected, never started, skipped or expected to fail has nothing that
shows its control, and the run fails with a sentence. A run of a part (paths, -k, -m, --lf ...) is
left alone. A test that was skipped because this machine lacks a service, by `NOT_HERE`, is excused
unless HOMEWARD_REQUIRE_ALL says that nothing may lack. Under xdist the controller judges: every
report passes through it, and workers tell it what they deselected.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.services import NOT_HERE
from tools.hazards import LOG, HazardsError, Log, covers, read

DESELECTED: Final = "homeward_deselected"  # what a worker of xdist hands back
# Options that ask for a part of the tests, or for none. --deselect and --ignore are not among
# them: whoever hides a test that a hazard names is told.
_A_PART: Final = (
    "keyword",
    "markexpr",
    "lf",
    "stepwise",
    "collectonly",
    "setuponly",
    "setupplan",
    "showfixtures",
    "show_fixtures_per_test",
)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(OnWorker(config), "hazards-on-worker")
    elif (config.rootpath / LOG).is_file():
        config.pluginmanager.register(HazardsRan(config), "hazards-ran")


class OnWorker:
    """In a worker of xdist: hand back what was deselected, which no report tells."""

    def __init__(self, config: pytest.Config) -> None:
        self._told: list[str] = []
        config.workeroutput[DESELECTED] = self._told  # type: ignore[attr-defined]

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._told += [item.nodeid for item in items]


class HazardsRan:
    """In the process that the user started: see every report, and judge at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._ran: set[str] = set()
        self._not_shown: dict[str, str] = {}  # why a test showed nothing
        self._excused: dict[str, str] = {}
        self._said: list[str] = []

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._not_shown |= {item.nodeid: "was deselected" for item in items}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        told = getattr(node, "workeroutput", {}).get(DESELECTED, ())
        self._not_shown |= dict.fromkeys(told, "was deselected")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            reason = _reason(report)
            if NOT_HERE in reason and os.environ.get("HOMEWARD_REQUIRE_ALL") != "1":
                self._excused[report.nodeid] = reason
            else:
                self._not_shown[report.nodeid] = f"showed nothing ({reason})"
        elif report.when == "call":
            self._ran.add(report.nodeid)  # one that failed has failed the run already

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        stopped = session.shouldstop or session.shouldfail
        if stopped or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return
        if not _is_whole(self._config):
            return
        try:
            log = read(self._config.rootpath)
        except HazardsError as error:
            wrong = str(error).splitlines()
        else:
            wrong = self._wrong(log)
            self._said = [self._well(log)]
        if wrong:
            self._said = wrong
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._said:
            terminalreporter.section("hazards")
            terminalreporter.write("\n".join(self._said) + "\n")

    def _wrong(self, log: Log) -> list[str]:
        wrong = []
        for hazard in log.hazards:
            for name in hazard.tests:
                if not any(covers(name, test) for test in (*self._ran, *self._excused)):
                    wrong.append(f"{hazard.id} is not shown: {name} did not run.")
                wrong += [
                    f"{hazard.id} is not shown: {test} {why}."
                    for test, why in self._not_shown.items()
                    if covers(name, test)
                ]
        return wrong

    def _well(self, log: Log) -> str:
        excused = [
            hazard.id
            for hazard in log.hazards
            if any(covers(name, test) for name in hazard.tests for test in self._excused)
        ]
        but = (
            f", except of {', '.join(excused)}, for want of what is named above" if excused else ""
        )
        return f"Every test that a hazard names ran{but}."


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped, or that it was expected to fail."""
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return "skipped"


def _is_whole(config: pytest.Config) -> bool:
    """Whether all tests were asked for."""
    if any(getattr(config.option, name, None) for name in _A_PART):
        return False
    tests, here = config.rootpath / "tests", config.invocation_params.dir
    asked = [(here / Path(arg)).resolve() for arg in config.args]
    return any(path == tests or path in tests.parents for path in asked)
