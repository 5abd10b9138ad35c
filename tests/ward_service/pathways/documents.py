"""Pathway files as plain values, so that tests can change one thing and read the result."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ward_service.pathways.check import wrong
from ward_service.pathways.file import Written
from ward_service.pathways.load import SHIPPED, PathwayFile, parsed, read

EARLIER = SHIPPED / "earlier"  # versions that stays may still be under
NAMES = tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))
Doc = dict[str, Any]


def shipped(name: str) -> Doc:
    """Return a shipped file as plain values; the caller may change them."""
    return as_doc((SHIPPED / f"{name}.yaml").read_text())


def earlier(name: str, version: int) -> Doc:
    """Return a version that was shipped before as plain values; the caller may change them."""
    return as_doc((EARLIER / f"{name}-{version}.yaml").read_text())


def as_doc(text: str) -> Doc:
    doc = parsed(text)
    assert isinstance(doc, dict)
    return doc


def as_text(doc: Doc) -> str:
    return yaml.safe_dump(doc, sort_keys=False, allow_unicode=True)


def read_doc(doc: Doc, name: str = "own.yaml") -> PathwayFile:
    return read(as_text(doc), name)


def refusals(doc: Doc) -> list[str]:
    """Return why a file is refused; empty when it is whole. Faster than through its text."""
    try:
        return wrong(Written.model_validate(doc))
    except ValidationError as error:
        return [str(problem["loc"]) for problem in error.errors()]


def with_value(doc: Doc, place: str, value: Any) -> Doc:
    """Return a copy with one value put in a place, `a>b>0>c`."""
    changed = deepcopy(doc)
    put(changed, place, value)
    return changed


def put(doc: Doc, place: str, value: Any) -> None:
    """Put one value in a place, `a>b>0>c`."""
    *way, last = _steps(place)
    part: Any = doc
    for step in way:
        part = part[step]
    part[last] = value


def without(doc: Doc, place: str) -> Doc:
    """Return a copy that lacks one place."""
    changed = deepcopy(doc)
    *way, last = _steps(place)
    part: Any = changed
    for step in way:
        part = part[step]
    del part[last]
    return changed


def places(part: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every place of a file with its value, mappings and lists before what they hold."""
    items: list[tuple[Any, Any]] = []
    if isinstance(part, dict):
        items = list(part.items())
    elif isinstance(part, list):
        items = list(enumerate(part))
    for key, value in items:
        here = f"{place}>{key}" if place else str(key)
        yield here, value
        yield from places(value, here)


def over_coh(path: Path) -> Doc:
    """Return a small file laid over COVID Oximetry @home: its sections stand instead of those."""
    base, own = shipped("covid-oximetry-at-home"), as_doc(path.read_text())
    gone: tuple[str, ...] = ("question.", "answer.") if "questions" in own else ()
    gone += ("advice.exertion_stop",) if "findings" in own else ()
    texts = {id_: text for id_, text in base["texts"]["en"].items() if not id_.startswith(gone)}
    merged = {**base, **own, "supersedes": None, "version": 1}
    sources = {**base["sources"], **own["sources"]}
    merged["sources"] = {}
    quoted = set(re.findall(r"\w+", as_text(merged)))
    merged["sources"] = {code: said for code, said in sources.items() if code in quoted}
    merged["languages"] = {"en": base["languages"]["en"]}
    merged["texts"] = {"en": {**texts, **own.get("texts", {}).get("en", {})}}
    merged["ladders"] = {mode: base["ladders"][mode] for mode in merged["modes"]}
    return merged


def _steps(place: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in place.split(">")]
