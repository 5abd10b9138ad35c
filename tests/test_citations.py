"""Every citation leads somewhere: a page and heading of docs/, or a row of the table of sources.

A reader of this repository must be able to open what code, tests and docs stand on. So a citation
is a path under docs/ with an anchor, which may be followed by more anchors of the same page, or a
key of docs/reference/sources.md in brackets. Working papers that are not here may not be cited.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import yaml

HERE: Final = Path(__file__)
ROOT: Final = HERE.parents[1]
SOURCES: Final = ROOT / "docs/reference/sources.md"
KEY_PAGE: Final = ROOT / "docs/reference/clinical-key.md"
DESIGN: Final = ROOT / "docs/understand/design.md"
HAZARDS: Final = ROOT / "docs/understand/hazards.yaml"
PROMISES: Final = 14
# Signed by the hash of their bytes: they cite a working paper, and the key page resolves it.
FROZEN: Final = sorted((ROOT / "ward_service/pathways").rglob("*.yaml"))
# What may speak of working papers: history, the page that resolves them, and this test.
HISTORY: Final = {ROOT / "DECISIONS.md", ROOT / "CHANGELOG.md", KEY_PAGE, HERE}
FOLDERS: Final = (
    "ward_service", "device_gateway", "clinician_dashboard", "evaluation_export", "tests", "docs",
    "tools", ".ci",
)  # fmt: skip
KINDS: Final = {".py", ".yaml", ".yml", ".toml", ".md", ".json", ".conf", ".js", ".html"}

PAGE: Final = re.compile(r"(?<![\w/.-])docs/[\w./-]+\.(?:md|yaml)(#[\w-]+)?")
# What may stand between the anchors of one page: marks of a row there, such as C5 or R17.
MORE: Final = re.compile(r"(?:,? and|,)? (?:#([\w-]+)|[CRH]\d+\b)")
LINK: Final = re.compile(r"\]\(([^)\s]*)\)")
KEY: Final = re.compile(r"\[([A-Z][A-Z0-9]*(?:-[A-Z0-9.]+)+)\]")
SOURCE: Final = re.compile(r"\bSource(?: of [a-z ]+)?:")
PAPER: Final = re.compile(
    r"\b(?:DESIGN|CLINICAL|RELIABILITY|EVALUATION|DASHBOARD|STYLE|STYLE_EXEMPLARS|WHAT_USERS_ASK)\b"
    r"|\b(?:BLE|MOVES)\.md\b|\bBLE \d+\.\d"
)
IN_LITERAL: Final = re.compile(
    r"\b(?:DESIGN|CLINICAL|RELIABILITY|EVALUATION|DASHBOARD|BLE)(?:\.md| (?:section )?[A-H0-9])"
)
PROMISE: Final = re.compile(r"(?<![-\w#])promises? \d+")


def files() -> list[Path]:
    """Return every file that may cite: code, tests, docs, and what stands at the root."""
    found = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*")]
    found += ROOT.glob("*")
    return sorted(
        file
        for file in found
        if file.is_file() and file.suffix in KINDS and "node_modules" not in file.parts
    )


def flowing(text: str) -> str:
    """Return text as one line: a citation may be wrapped, in a comment too."""
    return re.sub(r"\n[ \t]*(?:# )?", " ", text)


@cache
def comments(file: Path, text: str) -> tuple[tuple[int, str], ...]:
    """Return each comment and docstring with its line; of what is not Python, each line."""
    return tuple(_comments(file, text))


def _comments(file: Path, text: str) -> Iterator[tuple[int, str]]:
    if file.suffix != ".py":
        yield from enumerate(text.split("\n"), 1)
        return
    block: list[str] = []
    begins = last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if block and token.start[0] != last + 1:
                yield begins, " ".join(block)
                block = []
            begins = begins if block else token.start[0]
            block.append(token.string.removeprefix("#").strip())
            last = token.start[0]
    if block:
        yield begins, " ".join(block)
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(words))):
                yield node.lineno, words


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page, by GitHub's rules, and those that it names itself."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r'<a id="([\w-]+)"></a>', text)
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    made: list[str] = []
    for heading in re.findall(r"(?m)^#{1,6} +(.+?)\s*#*$", text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        again = sum(1 for other in made if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other))
        made.append(f"{slug}-{again}" if again else slug)
    assert len(named) == len(set(named)), f"{page.name} names an anchor twice"
    return frozenset(made) | frozenset(named)


@cache
def keys() -> frozenset[str]:
    """Return the keys of the table of sources; each stands in one row."""
    rows = re.findall(r"(?m)^\| ([A-Z][A-Z0-9.-]+-[A-Z0-9.-]+) \|", SOURCES.read_text())
    assert len(rows) == len(set(rows)), "a key stands twice in sources.md"
    return frozenset(rows)


@cache
def frozen() -> tuple[str, ...]:
    return tuple(file.read_text(encoding="utf-8") for file in FROZEN)


def leads_nowhere(path: str, anchor: str, at: Path) -> str | None:
    page = at / path
    if not page.is_file():
        return f"there is no {path}"
    if anchor and anchor not in anchors(page):
        return f"{path} has no #{anchor}"
    return None


def cited(text: str) -> Iterator[tuple[str, str]]:
    """Yield every page and anchor that a text cites by its path from the root."""
    text = flowing(text)
    for found in PAGE.finditer(text):
        path, _, anchor = found[0].partition("#")
        yield path, anchor
        at = found.end()
        while more := MORE.match(text, at):
            if more[1]:
                yield path, more[1]
            at = more.end()


def quotes_a_frozen_file(text: str, at: int) -> bool:
    """Whether what stands here is between quotation marks, and in a signed pathway file."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    quoted = text[at:].partition('"')[0]
    return line.count('"') % 2 == 1 and any(quoted in signed for signed in frozen())


def test_every_page_and_heading_that_is_cited_exists() -> None:
    wrong = []
    for file in files():
        if file == HERE:
            continue
        text = file.read_text(encoding="utf-8")
        for path, anchor in cited(text):
            if said := leads_nowhere(path, anchor, ROOT):
                wrong.append(f"{file.relative_to(ROOT)}: {said}")
    assert not wrong, "\n".join(wrong)


def test_every_link_of_a_page_leads_to_a_heading() -> None:
    wrong = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            if "://" in link or link.startswith("mailto:"):
                continue
            target = page.parent / path if path else page
            if target.suffix == ".md" and anchor and anchor not in anchors(target.resolve()):
                wrong.append(f"{page.relative_to(ROOT)} links {link}")
    assert not wrong, "\n".join(wrong)


def test_nothing_cites_a_paper_that_is_not_here() -> None:
    wrong = []
    for file in files():
        if file in HISTORY or file in FROZEN:
            continue
        text = file.read_text(encoding="utf-8")
        where = file.relative_to(ROOT)
        for line, said in comments(file, text):
            for found in [*PAPER.finditer(said), *PROMISE.finditer(said)]:
                if not quotes_a_frozen_file(said, found.start()):
                    wrong.append(f"{where}:{line}: {found[0]}")
        if file.suffix == ".py":
            for found in IN_LITERAL.finditer(text):
                if not quotes_a_frozen_file(text, found.start()):
                    wrong.append(f"{where}: {found[0]}")
    assert not wrong, "\n".join(wrong)


def test_every_source_names_a_key_or_a_page() -> None:
    wrong = []
    for file in files():
        if file.suffix not in {".py", ".toml", ".yaml"} or file in FROZEN or file == HERE:
            continue
        text = file.read_text(encoding="utf-8")
        said = comments(file, text)
        if file.suffix != ".py":
            said = tuple(enumerate(re.findall(r"(?m)^(?:# .*\n)+", text), 1))
        for line, words in said:
            for found in SOURCE.finditer(words):
                paragraph = flowing(words[found.end() :].split("\n\n")[0])
                if not (KEY.search(paragraph) or PAGE.search(paragraph)):
                    wrong.append(f"{file.relative_to(ROOT)}:{line}: {paragraph[:60]}")
    assert not wrong, "\n".join(wrong)


def test_every_key_is_a_row_of_the_sources() -> None:
    wrong = []
    for file in files():
        if file.suffix in {".py", ".md", ".yaml", ".toml"} and file not in {SOURCES, HERE}:
            text = file.read_text(encoding="utf-8")
            said = "\n".join(words for _, words in comments(file, text))
            wrong += [
                f"{file.relative_to(ROOT)}: [{key}]"
                for key in KEY.findall(said)
                if key not in keys() and not re.match(r"(?:RFC|CVE|UTF|ISO)-\d+$", key)
            ]
    assert not wrong, "\n".join(wrong)


def test_the_key_page_resolves_what_the_signed_pathways_cite() -> None:
    page = KEY_PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.split("\n") if line.startswith("| ")]
    sections = " ".join(row.split("|")[1] for row in rows)
    assert len(FROZEN) == 6  # three in force, and three of which stays may still be under
    for file in FROZEN:
        text = file.read_text(encoding="utf-8")
        for number in sorted(set(re.findall(r"\bS\d{1,2}\b", text))):
            row = [line for line in rows if line.startswith(f"| {number} |")]
            assert len(row) == 1, f"{file.name} cites {number}"
            assert KEY.findall(row[0])[0] in keys()
        for line in text.split("\n"):
            if re.search(r"\b(?:CLINICAL|DESIGN|RELIABILITY)\b", line):
                quoted = re.sub(r"\[[^\]]*\]|\{ is: [^,]*,", "", line)
                for section in re.findall(r"\b(?:[1-6]\.\d{1,2}|0\.2 \(\d+\)|D\.3 R\d+)", quoted):
                    assert re.search(rf" {re.escape(section)}(?= |$)", sections), section


def test_the_design_and_the_hazard_log_number_the_same_promises() -> None:
    numbered = {name for name in anchors(DESIGN) if re.fullmatch(r"promise-\d+", name)}
    assert numbered == {f"promise-{number}" for number in range(1, PROMISES + 1)}
    log = yaml.safe_load(HAZARDS.read_text(encoding="utf-8"))
    held = {number for hazard in log["hazards"] for number in hazard["promises"]}
    assert held == set(range(1, PROMISES + 1))


def test_anchors_are_made_as_github_makes_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One Two\n## NEWS2, and `more`\n### 7. An unmeasured vital\n## One two\n"
        '<a id="promise-7"></a>\n```\n# not a heading\n```\n## [Linked](x.md) & all\n'
    )
    assert anchors(page) == {
        "one-two", "news2-and-more", "7-an-unmeasured-vital", "one-two-1", "promise-7",
        "linked--all",
    }  # fmt: skip


def test_more_anchors_may_follow_a_page() -> None:
    text = "Source: docs/a.md#one, #two, C5 and\n    # #three; docs/b.md. #not this"
    assert list(cited(text)) == [
        ("docs/a.md", "one"), ("docs/a.md", "two"), ("docs/a.md", "three"), ("docs/b.md", ""),
    ]  # fmt: skip
