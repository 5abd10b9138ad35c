"""The clinical tables of the docs, drawn from the rules, so that both say the same.

`python -m tools.charts` writes them; `tests/tools/test_charts.py` fails when one differs.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ward_service.contract.vocabulary import UNITS
from ward_service.domain.bands import Ranges
from ward_service.domain.news2 import CHART, MIN_AGE, RESPONSES, Measured, Said

ROOT = Path(__file__).parents[1]
NEWS2 = ROOT / "docs/reference/news2.md"

# 3 2 1 0 1 2 3, as the published chart has them: too low on the left, too high on the right.
COLUMNS = (3, 2, 1, 0, 1, 2, 3)
NORMAL = COLUMNS.index(0)

PAGE = """\
# NEWS2

<!-- Made by `python -m tools.charts` from `ward_service/domain/news2.py`: change that. -->

National Early Warning Score 2, as Homeward scores it. The tables are drawn from the very rows that
the rule reads. Like every clinical number here they are unsigned: whoever signs a pathway that uses
NEWS2 compares them with the chart of the Royal College of Physicians.

## Points

{points}

A blank is a number of points that the row does not have. Blood pressure is the systolic one.
Consciousness: A alert, C new confusion, V responds to voice, P to pain, U unresponsive.
The total is the sum of seven rows, 0 to 20: one SpO2 row, and each of the others.

- **Scale 2** is for people with a prescribed target of 88 to 92 %, as a clinician decides. On air
  its high side has no points. If nobody knows whether oxygen is given, a value that air and oxygen
  would score differently has no points at all, and the score is partial.
- **Partial**: a parameter that is not known is never normal. A partial score has the points of what
  is known, says what is missing, and has no total.
- **Not applicable** in pregnancy and under {age}; nor while age or pregnancy is not known.
- **Between two printed values** the nearer counts, and half-way the one with more points:
  temperature to one decimal (38.05 counts as 38.1), all else to whole numbers.
- **It takes nothing away.** A low NEWS2 never lowers or closes an alert: an SpO2 of 92 % has 2
  points on scale 1, and is red on the COVID pathway. NEWS2 is not validated outside hospitals.

## What a hospital does

{responses}

Written for hospitals. What a ward does for people at home is in its pathway.

## Source

Royal College of Physicians. *National Early Warning Score (NEWS) 2: Standardising the assessment of
acute-illness severity in the NHS.* Updated report of a working party. London: RCP, 2017. Chart 1
(points) and Chart 4 (responses). We acknowledge the Royal College of Physicians as the copyright
holder; the report may be reproduced. This is our own rendering of its content, with the responses
in our words, and not the official charts, which are to be used in colour and unmodified. We read
them in public copies; the lower age limit of {age} is general knowledge and stands in neither.
"""


def news2() -> str:
    """Return the page on NEWS2."""
    numbers = [str(points) for points in COLUMNS]
    points = _table(["", *numbers], (_row(row) for row in CHART))
    responses = _table(
        ["NEWS2", "observe at least", "respond"],
        ([response.score, response.observe, response.respond] for response in RESPONSES),
    )
    return PAGE.format(points=points, responses=responses, age=MIN_AGE)


def _row(row: Measured | Said) -> list[str]:
    cells: list[list[str]] = [[] for _ in COLUMNS]
    if isinstance(row, Said):
        for word, points in row.points.items():
            cells[NORMAL + points].append(word)
        return [row.name, *(", ".join(cell) for cell in cells)]
    for column, words in zip(_columns(row.ranges), _said(row.ranges), strict=True):
        cells[column].append(words)
    given = {None: "", False: ", on air", True: ", on oxygen"}[row.on_oxygen]
    unit = UNITS[row.vital].said.partition("{}")[2].strip()
    return [f"{row.name}{given} ({unit})", *(", ".join(cell) for cell in cells)]


def _columns(ranges: Ranges) -> Iterator[int]:
    """Return the column of each range: left of normal what is too low, right what is too high."""
    normal = ranges.worry.index(0)
    for i, points in enumerate(ranges.worry):
        yield NORMAL - points if i < normal else NORMAL + points


def _said(ranges: Ranges) -> Iterator[str]:
    for low, high in ranges.edges():
        least, most = (f"{x:.{ranges.digits}f}" if x is not None else "" for x in (low, high))
        yield f"{least} to {most}" if least and most else f"≥ {least}" if least else f"≤ {most}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("|" + "".join(f" {cell} |" if cell else " |" for cell in row) for row in lines)


if __name__ == "__main__":
    NEWS2.parent.mkdir(exist_ok=True)
    NEWS2.write_text(news2(), encoding="utf-8")
