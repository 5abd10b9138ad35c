"""The page's own words, by language: catalogues in `words/*.po`, each with who translated it.

`python -m tools.words` holds each catalogue to the strings that the page has.

English is in the templates; every other language is a file. Advice and questions are not here:
they belong to the pathway.
Source: docs/reference/screens.md#languages; docs/reference/clinical.md#patient-facing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.messages.pofile import read_po, unescape

from ward_service.contract.languages import nearest

FOLDER: Final = Path(__file__).parent / "words"
ENGLISH: Final = "en"
_EASY: Final = "-x-easy"
# English is the English of the people whom this ward cares for: 25 Nov, not Nov 25.
_OF: Final = {"en": "en_GB"}
_HEADER: Final = re.compile(r'^msgid ""\nmsgstr ""\n((?:".*"\n)+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the page. `code` is a BCP 47 tag, `name` is how its speakers write it.

    `reviewer` is empty while nobody has reviewed the words: a reader is then told so.
    """

    code: str
    name: str
    right_to_left: bool = False
    translator: str = ""
    reviewer: str = ""
    date: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    def say(self, english: str, **values: object) -> str:
        """Return a text in this language, in English where there is no other, values put in."""
        said = self.words.get(english) or english
        return said.format(**values) if values else said

    def beside(self, english: str, **values: object) -> str:
        """Return the English to stand beside a text that nobody has reviewed; else nothing."""
        if self.reviewer or is_easy(self.code):
            return ""
        return english.format(**values) if values else english

    @property
    def locale(self) -> Locale:
        """How its speakers write dates and ages; as in English where that is not known."""
        parts = self.code.split("-")
        while parts:
            try:
                return Locale.parse(_OF.get("_".join(parts), "_".join(parts)))
            except (ValueError, UnknownLocaleError):
                parts.pop()
        return Locale.parse(_OF[ENGLISH])


def to_say(english: str) -> str:
    """Mark a text that is said in a language later, so that the catalogues have it."""
    return english


def is_easy(code: str) -> bool:
    """Say whether a language is one in easier words, beside which the full ones stand folded."""
    return code.endswith(_EASY)


_ENGLISH: Final = Language(ENGLISH, "English", reviewer="written in it")


def language_of(code: str | None) -> Language:
    """Return the nearest language to a code; English where there is no such catalogue."""
    known = languages()
    return known[nearest(code, known) or ENGLISH]


def languages() -> Mapping[str, Language]:
    """Return every language that there is a catalogue of, English first.

    Raises:
        ValueError: a catalogue does not say what its language is called.
    """
    return _all_of(FOLDER)


@cache
def _all_of(folder: Path) -> Mapping[str, Language]:
    found = {path.stem: read(path) for path in sorted(folder.glob("*.po"))}
    return {ENGLISH: _ENGLISH, **found}


def read(path: Path) -> Language:
    """Read a catalogue. A text that is marked as fuzzy is none.

    Raises:
        ValueError: it does not say what its language is called.
    """
    with path.open("rb") as file:
        catalogue = read_po(file, ignore_obsolete=True)
    said = header_of(path.read_text(encoding="utf-8"))
    name = said.get("X-Language-Name", "")
    if not name:
        raise ValueError(f"{path.name} has no X-Language-Name")
    return Language(
        code=path.stem,
        name=name,
        right_to_left=said.get("X-Direction", "") == "rtl",
        translator=said.get("Last-Translator", ""),
        reviewer=said.get("X-Reviewed-By", ""),
        date=said.get("PO-Revision-Date", "")[:10],
        words={
            str(message.id): str(message.string)
            for message in catalogue
            if message.id and message.string and not message.fuzzy
        },
    )


def header_of(text: str) -> dict[str, str]:
    """Return what the head of a catalogue says; Babel keeps no field but its own."""
    found = _HEADER.search(text)
    lines = "".join(map(unescape, found[1].splitlines())).splitlines() if found else []
    return {name: said.strip() for name, _, said in (line.partition(":") for line in lines)}
