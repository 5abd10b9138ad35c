"""Read pathway files: typed, whole, or refused. The numbers live there, the rules in `domain`."""

import hashlib
import re
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ward_service.domain.pathway import Pathway
from ward_service.errors import PathwayRefusedError, WardError
from ward_service.pathways.check import wrong
from ward_service.pathways.file import Written
from ward_service.pathways.translate import translate

SHIPPED = Path(__file__).parent


# YAML 1.1 reads yes, no, on and off as truths, 13:00 as 780 and 1_0 as 10.
_MISREAD = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _OneOfEach(yaml.SafeLoader):
    """YAML that says a thing twice is refused: the reader would see one number, and we another.

    Nor is anything read as what it does not look like: `no` is an answer, and 13:00 no number.
    """

    yaml_implicit_resolvers = {
        first: [(tag, found) for tag, found in resolvers if tag not in _MISREAD]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"it says {', '.join(sorted(twice))} twice")
        return super().construct_mapping(node, deep)


for _tag, _looks, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
):
    _OneOfEach.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_looks})$"), list(_first)
    )


@dataclass(frozen=True, slots=True)
class PathwayFile:
    """A pathway with the very text that it was read from, and the hash that a lead signs.

    `written` is what the text says, with every source.
    """

    pathway: Pathway
    text: str
    sha256: str
    written: Written


def load(path: Path) -> PathwayFile:
    """Read one pathway file.

    Raises:
        PathwayRefusedError: the file is not whole; it names every field and what is wrong with it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PathwayRefusedError(path.name, ["file: it is not text in UTF-8."]) from error
    return read(text, path.name)


def read(text: str, name: str) -> PathwayFile:
    """Read a pathway from its text; `name` is how a refusal calls it.

    Raises:
        PathwayRefusedError: the text is not a whole pathway.
    """
    try:
        written = Written.model_validate(parsed(text))
    except yaml.YAMLError as error:
        reason = f"file: it is not YAML that can be trusted: {error}"
        raise PathwayRefusedError(name, [reason]) from error
    except ValidationError as error:
        fields = [f"{_where(e['loc'])}: {e['msg']}." for e in error.errors()]
        raise PathwayRefusedError(name, fields) from error
    if problems := wrong(written):
        raise PathwayRefusedError(name, problems)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return PathwayFile(translate(written), text, digest, written)


def parsed(text: str) -> object:
    """Return what a text says as plain values, read as it looks.

    Raises:
        yaml.YAMLError: it is not YAML, or says a thing twice.
    """
    return deepcopy(_tree(text))  # a caller may change what it got


# A ward reads each text twice when it opens: its file, and what its store kept of it.
@lru_cache(maxsize=16)
def _tree(text: str) -> object:
    return yaml.load(text, _OneOfEach)  # noqa: S506 - a safe loader, made stricter


def load_all(folder: Path = SHIPPED) -> dict[str, PathwayFile]:
    """Read every pathway of a folder, by id.

    Raises:
        WardError: one is not whole, two share an id, or there is none.
    """
    found: dict[str, PathwayFile] = {}
    for path in sorted(folder.glob("*.yaml")):
        file = load(path)
        if file.pathway.id in found:
            raise WardError(f"{path.name}: there is already a pathway {file.pathway.id}")
        found[file.pathway.id] = file
    if not found:
        raise WardError(f"There is no pathway (*.yaml) in {folder}")
    return found


def _where(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "file"
