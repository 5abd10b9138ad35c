"""Make a letter for somebody who stays: a new door, and the paper that says its code, once."""

from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from ward_service.contract.ids import short_reference
from ward_service.contract.letters import LetterView, PageUser
from ward_service.domain.pathway import Pathway
from ward_service.errors import NotFoundError, WardError
from ward_service.letters.codes import open_door
from ward_service.letters.pdf import draw
from ward_service.letters.words import Letter, letter_of
from ward_service.ward import Ward, signed_versions

BLANK: Final = (
    "0000000000"  # a code of the same length, to see whether the letter can be drawn at all
)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What a letter says besides its code. `language` is the person's."""

    pathway: Pathway
    language: str | None
    who: PageUser
    page_url: str
    reference: str
    phone: str
    interpreter: str
    signed: bool

    def write(self, code: str) -> tuple[Letter, bytes]:
        """Return the letter with this code, and the paper."""
        letter = letter_of(
            self.pathway,
            self.language,
            who=self.who,
            code=code,
            page_url=self.page_url,
            reference=self.reference,
            phone=self.phone,
            interpreter=self.interpreter,
            signed=self.signed,
        )
        return letter, draw(letter)

    def in_a_language_that_can_be_set(self) -> "_Sheet":
        """Return the sheet in English where the person's letters join, or no font has them."""
        try:
            self.write(BLANK)
        except WardError:
            return replace(self, language=None)
        return self


def make_letter(
    ward: Ward,
    episode_id: UUID,
    who: PageUser,
    by: str,
    key: str,
    now: datetime,
    page_url: str | None = None,
) -> LetterView:
    """Make a door and its letter. What cannot be set in the person's language is in English.

    Raises:
        NotFoundError: there is no such stay.
        ConflictError: it has ended, has too many doors, or this very request made one before.
        WardError: nobody has said where the page is.
    """
    page = page_url or ward.settings.page_url
    if not page:
        raise WardError(
            "Nobody has said where the patient's page is (HOMEWARD_PAGE_URL). Nothing was made."
        )
    sheet = _sheet(ward, episode_id, who, page).in_a_language_that_can_be_set()
    door, code = open_door(ward, episode_id, who, by, key, now)
    letter, pdf = sheet.write(code)
    return LetterView(
        door=door,
        who=who,
        code=letter.code,
        link=letter.link,
        reference=letter.reference,
        language=letter.language,
        words=letter.words,
        pdf=b64encode(pdf),
    )


def _sheet(ward: Ward, episode_id: UUID, who: PageUser, page_url: str) -> _Sheet:
    with ward.unit_of_work(read_only=True) as store:
        row = store.stays.get([episode_id], lock=False).get(episode_id)
        if row is None:
            raise NotFoundError("There is no such stay. Nothing was made.")
        signed = row.pathway in signed_versions(store)
    return _Sheet(
        pathway=ward.pathways[row.pathway],
        language=row.language,
        who=who,
        page_url=page_url,
        reference=short_reference(episode_id),
        phone=ward.settings.ward_phone,
        interpreter=ward.settings.interpreter_phone,
        signed=signed,
    )
