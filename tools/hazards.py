"""The hazard log: what can harm a patient, what stands against it, and the tests that show it.

`python -m tools.hazards` says what is wrong with docs/understand/hazards.yaml, and where the page
docs/understand/clinical-safety.md differs from it or from the code, and exits 1; `--write` draws
the page's tables again. Whether the named tests also ran, `tools/hazards_ran.py` sees.
Source: docs/reference/clinical.md#hazards (columns, words of severity and likelihood),
docs/reference/brokers-and-databases.md#safety-papers.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ward_service.contract.vocabulary import AlertState
from ward_service.domain.alerts import LIFE

ROOT = Path(__file__).parents[1]
LOG = "docs/understand/hazards.yaml"  # under a repository's root
PAGE = ROOT / "docs/understand/clinical-safety.md"
PROMISES: Final = 14  # see docs/understand/design.md#promises

Said = Annotated[str, Field(min_length=1)]
Severity = Literal["catastrophic", "major", "considerable", "significant", "minor"]
Likelihood = Literal["very high", "high", "medium", "low", "very low"]


class HazardsError(Exception):
    """The log cannot be read, or is not whole; the text has a sentence a line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Control(_Strict):
    """Something that stands against a hazard now. What is only planned is `lacking`."""

    what: Said
    kind: Literal["design", "test", "training", "business process"]


class Hazard(_Strict):
    """One line of the log. What is null waits for the Clinical Safety Officer: we score nothing.

    `status` says what is built, never that a risk is acceptable.
    """

    id: Annotated[str, Field(pattern=r"^H\d+$")]
    hazard: Said
    causes: Annotated[list[Said], Field(min_length=1)]
    effect: Said
    harm: Said
    severity: Severity | None
    likelihood: Likelihood | None
    controls: list[Control]
    tests: list[Said]
    residual: Likelihood | None
    owner: Said | None
    status: Literal["built", "partly built", "not shown", "not built"]
    lacking: list[Said]
    promises: list[Annotated[int, Field(ge=1, le=PROMISES)]]
    source: Said

    @model_validator(mode="after")
    def _whole(self) -> "Hazard":
        if self.status != "not built" and not self.controls:
            raise ValueError(f"is {self.status}, and names no control")
        if self.status in ("built", "partly built") and not self.tests:
            raise ValueError(f"is {self.status}, and names no test that shows it")
        if self.status not in ("built", "partly built") and self.tests:
            raise ValueError(f"is {self.status}, and names tests that show it")
        if (self.status == "built") is bool(self.lacking):
            raise ValueError(f"is {self.status}, and what is lacking says otherwise")
        return self


class Log(_Strict):
    """The whole log. `scored_by` is the Clinical Safety Officer who gave the scores, if any."""

    scored_by: Said | None
    note: Said
    hazards: Annotated[list[Hazard], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> "Log":
        twice = [id_ for id_, n in Counter(h.id for h in self.hazards).items() if n > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)} is there twice")
        scored = [h.id for h in self.hazards if h.severity or h.likelihood or h.residual]
        if scored and self.scored_by is None:
            raise ValueError(f"{', '.join(scored)} has a score, and nobody is named who gave it")
        return self


class _EachOnce(yaml.SafeLoader):
    """Refuses a key that stands twice: a merge can do that, and the first is dropped unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.YAMLError(f"{key.value!r} stands twice{key.start_mark}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read(root: Path = ROOT) -> Log:
    """Return the log.

    Raises:
        HazardsError: it is not there, not YAML, or not whole.
    """
    try:
        found = yaml.load((root / LOG).read_text(encoding="utf-8"), _EachOnce)  # noqa: S506 - a safe one
        return Log.model_validate(found)
    except (OSError, yaml.YAMLError) as error:
        raise HazardsError(f"{LOG} cannot be read: {error}") from error
    except ValidationError as error:
        raise HazardsError("\n".join(_sentences(error, found))) from error


def _sentences(error: ValidationError, found: object) -> Iterator[str]:
    for wrong in error.errors():
        place = list(wrong["loc"])
        name = LOG
        if place[:1] == ["hazards"] and len(place) > 1 and isinstance(found, dict):
            name = str(_id_of(found, place[1]) or f"hazard {place[1]}")
            place = place[2:]
        where = ".".join(str(part) for part in place)
        said = wrong["msg"].removeprefix("Value error, ")
        yield f"{name}: {where + ': ' if where else ''}{said}."


def _id_of(found: dict[str, object], place: object) -> object:
    hazards = found.get("hazards")
    if isinstance(hazards, list) and isinstance(place, int) and isinstance(hazards[place], dict):
        return hazards[place].get("id")
    return None


def covers(name: str, test: str) -> bool:
    """Whether a named file, or test without its brackets, holds this test (its pytest id)."""
    return test == name or test.startswith((f"{name}::", f"{name}["))


def missing_tests(log: Log, root: Path = ROOT) -> list[str]:
    """Return, a sentence each, which named tests do not exist. By their source, without pytest."""
    there: dict[str, set[str]] = {}
    wrong = []
    for hazard in log.hazards:
        for name in hazard.tests:
            file, _, test = name.partition("::")
            if file not in there:
                there[file] = _tests_in(root / file)
            if not there[file]:
                wrong.append(f"{hazard.id} names {name}: there is no such file with tests.")
            elif test and test.partition("[")[0] not in there[file]:
                wrong.append(f"{hazard.id} names {name}: there is no such test.")
    return wrong


def _tests_in(file: Path) -> set[str]:
    """Return the names of the tests in a file, `Class::test` among them."""
    if not (file.name.startswith("test_") and file.suffix == ".py" and file.is_file()):
        return set()
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            found |= {
                f"{node.name}::{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test_")
            }
    return found


# --- the page -----------------------------------------------------------------------------------


def diagram() -> str:
    """Return the life of an alert as Mermaid, drawn from the table by which the rules move it."""
    drawn: dict[tuple[AlertState | None, AlertState], list[str]] = {}
    for (was, event), to in LIFE.items():
        drawn.setdefault((was, to), []).append(event)
    lines = [
        f"    {was or '[*]'} --> {to}: {', or '.join(words)}" for (was, to), words in drawn.items()
    ]
    left = {state for state, _ in LIFE}
    lines += [f"    {state} --> [*]" for state in AlertState if state not in left]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def table(log: Log) -> str:
    """Return every hazard with what stands against it, and the tests that show it."""
    lines = ["| | hazard | what controls it | status | tests |", "|---|---|---|---|---|"]
    for hazard in log.hazards:
        cells = [
            hazard.id,
            hazard.hazard,
            "; ".join(control.what for control in hazard.controls),
            hazard.status,
            _files(hazard.tests),
        ]
        lines.append("|" + "".join(f" {cell} |" if cell else " |" for cell in cells))
    return "\n".join(lines)


def lacking(log: Log) -> str:
    """Return what is not there yet, a line a hazard; those with nothing built first."""
    order = ("not built", "not shown", "partly built", "built")
    first = sorted(log.hazards, key=lambda hazard: order.index(hazard.status))
    return "\n".join(
        f"- **{hazard.id}** {hazard.hazard} (*{hazard.status}*): {'; '.join(hazard.lacking)}."
        for hazard in first
        if hazard.lacking
    )


def promises(log: Log) -> str:
    """Return for each promise the hazards that it stands against.

    The list: docs/understand/design.md#promises.
    """
    lines = ["| promise | hazards |", "|---|---|"]
    for number in range(1, PROMISES + 1):
        held = [hazard.id for hazard in log.hazards if number in hazard.promises]
        lines.append(f"| {number} | {', '.join(held)} |")
    return "\n".join(lines)


def _files(tests: Sequence[str]) -> str:
    return ", ".join(f"`{file}`" for file in dict.fromkeys(t.partition("::")[0] for t in tests))


def drawn(page: str, log: Log) -> str:
    """Return the page with its drawn parts as they should be.

    Raises:
        HazardsError: a place for one of them is not in the page.
    """
    parts = {
        "hazards": table(log),
        "lacking": lacking(log),
        "promises": promises(log),
        "alert": diagram(),
    }
    for name, part in parts.items():
        begin, end = (
            f"<!-- {name}: made by python -m tools.hazards --write -->",
            "<!-- end -->",
        )
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            raise HazardsError(f"{PAGE.name} has no place for {name}: {begin} ... {end}")
        page = f"{before}{begin}\n{part}\n{end}{after}"
    return page


def wrong() -> list[str]:
    """Return everything that is wrong, a sentence each."""
    try:
        log = read()
        page = PAGE.read_text(encoding="utf-8")
        stale = drawn(page, log) != page
    except HazardsError as error:
        return str(error).splitlines()
    said = f"{PAGE.name} is older than the log or the code: python -m tools.hazards --write"
    return [*missing_tests(log), *([said] if stale else [])]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8"), read()), encoding="utf-8")
    problems = wrong()
    print("\n".join(problems) or "each hazard names tests that exist, and the page says the same")
    sys.exit(bool(problems))
