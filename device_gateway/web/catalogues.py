"""The page's own words, by language: catalogues in `words/*.po`, each with who translated it.

English is in the templates; every other language is a file. Advice and questions are not here:
they belong to the pathway. Source: DASHBOARD.md 8.6; CLINICAL.md 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

FOLDER: Final = Path(__file__).parent / "words"
ENGLISH: Final = "en"


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

    def lacks(self, english: str) -> bool:
        """Say whether a text can only be said in English."""
        return self.code != ENGLISH and not self.words.get(english)


_ENGLISH: Final = Language(ENGLISH, "English", reviewer="written in it")


def language_of(code: str | None) -> Language:
    """Return a language by its code; English where there is no such catalogue."""
    return languages().get(code or ENGLISH, _ENGLISH)


@cache
def languages() -> Mapping[str, Language]:
    """Return every language that there is a catalogue of, English first.

    Raises:
        ValueError: a catalogue does not say what its language is called.
    """
    found = {path.stem: _read(path) for path in sorted(FOLDER.glob("*.po"))}
    return {ENGLISH: _ENGLISH, **found}


def _read(path: Path) -> Language:
    with path.open("rb") as file:
        catalogue = read_po(file, ignore_obsolete=True)
    said = dict(catalogue.mime_headers)
    name = said.get("X-Language-Name", "")
    if not name:
        raise ValueError(f"{path.name} has no X-Language-Name")
    return Language(
        code=path.stem,
        name=name,
        right_to_left=said.get("X-Direction", "") == "rtl",
        translator=said.get("Last-Translator", ""),
        reviewer=said.get("X-Reviewed-By", ""),
        date=said.get("PO-Revision-Date", ""),
        words={
            str(message.id): str(message.string)
            for message in catalogue
            if message.id and message.string and not message.fuzzy
        },
    )
