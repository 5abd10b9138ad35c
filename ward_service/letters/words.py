"""What a letter says: how to come in, that nobody watches all the time, whom to ring. Pure.

Ours in English; a pathway may hold them in other languages, as texts `letter.NAME`, and then ours
stand beside them: nobody has reviewed theirs. Nothing here names an illness, a person or a year of
birth: whoever finds the letter learns that somebody measures something at home.
"""

from dataclasses import dataclass
from typing import Final

from ward_service.contract.letters import LetterWords, PageUser
from ward_service.contract.page_code import grouped
from ward_service.domain.pathway import Pathway
from ward_service.entry.form import Own

# By the name of the text. {phone} is the ward's own number, {page} where the page is.
TITLE: Final = "title"
STEPS: Final = ("scan", "type", "year", "remembered")
WARNINGS: Final = ("nobody_watches", "emergency", "not_urgent")
RING: Final = ("ring", "another_language", "lost")
ENGLISH: Final = {
    TITLE: "Your page for home monitoring",
    "for_patient": "This letter is for the person who measures.",
    "for_carer": "This letter is for somebody who helps. What you send is marked as from a carer.",
    "scan": "Point the camera of your phone at the square, and open the address that it shows.",
    "type": "Or open {page} and type the code.",
    "year": "You are asked for the year in which the person who measures was born. It is not in "
    "this letter.",
    "remembered": "The page then remembers your phone. Keep this letter in a safe place, away from "
    "papers with a date of birth.",
    "nobody_watches": "Nobody watches this page all the time.",
    "emergency": "In an emergency call 999. Do not wait for us.",
    "not_urgent": "If you feel worse and cannot reach us, call 111.",
    "ring": "Your team: {phone}",
    "ring_unknown": "Your team: the number that they gave you",
    "another_language": "Interpreter: {interpreter}",
    "lost": "If you lose this letter, ring your team: they shut this code and send you another. "
    "If you do not want to use a page, tell them your numbers by telephone.",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything that is printed. `reference` says whose it is, to the ward alone."""

    code: str
    link: str
    reference: str
    language: str
    title: LetterWords
    whom: LetterWords
    steps: tuple[LetterWords, ...]
    warnings: tuple[LetterWords, ...]
    ring: tuple[LetterWords, ...]
    signed: bool

    @property
    def words(self) -> tuple[LetterWords, ...]:
        """All paragraphs in their order."""
        return (self.title, self.whom, *self.steps, *self.warnings, *self.ring)


def letter_of(
    pathway: Pathway,
    language: str | None,
    *,
    who: PageUser,
    code: str,
    page_url: str,
    reference: str,
    phone: str,
    interpreter: str,
    signed: bool,
) -> Letter:
    """Return the letter with this code, in the person's language as far as there is one."""
    page = page_url.rstrip("/")
    own = Own(pathway, language)

    def say(name: str) -> LetterWords:
        values = {"{phone}": phone, "{interpreter}": interpreter, "{page}": page}
        texts = [ENGLISH[name], own.theirs(f"letter.{name}")]
        for mark, value in values.items():
            texts = [text and text.replace(mark, value) for text in texts]
        return LetterWords(english=texts[0] or "", own=texts[1])

    ring = [name if phone or name != "ring" else "ring_unknown" for name in RING]
    title = say(TITLE)
    return Letter(
        code=grouped(code),
        link=f"{page}/k/{grouped(code)}",
        reference=reference,
        language=(language or "en") if title.own else "en",
        title=title,
        whom=say(f"for_{who}"),
        steps=tuple(say(name) for name in STEPS),
        warnings=tuple(say(name) for name in WARNINGS),
        ring=tuple(say(name) for name in ring if interpreter or name != "another_language"),
        signed=signed,
    )
