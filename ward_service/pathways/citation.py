"""Cite a pathway file: the line of a key, its words, its source, and what the source is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from ward_service.pathways.load import PathwayFile
from ward_service.pathways.sourced import everything_sourced

_CODE: Final = re.compile(r"\bS\d+\b")


@dataclass(frozen=True, slots=True)
class Citation:
    """One line of a pathway file. `place` is file and line, `text` the line without its indent.

    `source` is what the pathway cites for it, "" where the line names a number that has its own
    line. `titles` say what the codes in the source stand for: (code, title).
    """

    key: str
    place: str
    text: str
    source: str
    titles: tuple[tuple[str, str], ...]


class Citations:
    """The lines of one version of a pathway, by key: `parameters.red_max.default`."""

    def __init__(self, file: PathwayFile) -> None:
        self._name = f"{file.pathway.id}.yaml"
        self._text = file.text.splitlines()
        self._lines = dict(_lines(yaml.compose(file.text, yaml.SafeLoader)))
        self._sources = {said.field: said.source for said in everything_sourced(file.written)}
        self._titles = file.written.sources

    def cite(self, key: str) -> Citation:
        """Return the line of a key, with the source of the key or of what it belongs to.

        Raises:
            KeyError: the file has no such key.
        """
        number = self._lines[key]
        source = self._source(key)
        codes = dict.fromkeys(_CODE.findall(source))
        titles = tuple((code, self._titles[code]) for code in codes if code in self._titles)
        text = self._text[number - 1].strip()
        return Citation(key, f"{self._name}:{number}", text, source, titles)

    def _source(self, key: str) -> str:
        while key:
            if key in self._sources:
                return self._sources[key]
            key = key.rpartition(".")[0]
        return ""


def _lines(node: yaml.Node | None, key: str = "") -> Iterator[tuple[str, int]]:
    """Yield (key, line) of everything in a file; entries of a list are numbered from 0."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            path = f"{key}.{name.value}".strip(".")
            yield path, name.start_mark.line + 1
            yield from _lines(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            yield f"{key}.{n}", value.start_mark.line + 1
            yield from _lines(value, f"{key}.{n}")
