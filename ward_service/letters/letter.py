"""Make a letter for somebody who stays: a new door, and the paper that says its code, once."""

from base64 import b64encode
from datetime import datetime
from typing import Final
from uuid import UUID

from ward_service.contract.ids import short_reference
from ward_service.contract.letters import LetterView, Who
from ward_service.errors import NotFoundError, WardError
from ward_service.letters.codes import open_door
from ward_service.letters.pdf import draw
from ward_service.letters.words import Letter, letter_of
from ward_service.ward import Ward, signed_versions

BLANK: Final = (
    "0000000000"  # a code of the same length, to see whether the letter can be drawn at all
)


def make_letter(
    ward: Ward,
    episode_id: UUID,
    who: Who,
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
    with ward.unit_of_work(read_only=True) as store:
        row = store.stays.get([episode_id], lock=False).get(episode_id)
        if row is None:
            raise NotFoundError("There is no such stay. Nothing was made.")
        pathway, language = ward.pathways[row.pathway], row.language
        signed = row.pathway in signed_versions(store)

    def written(code: str, language: str | None) -> tuple[Letter, bytes]:
        letter = letter_of(
            pathway,
            language,
            who=who,
            code=code,
            page_url=page,
            reference=short_reference(episode_id),
            phone=ward.settings.ward_phone,
            interpreter=ward.settings.interpreter_phone,
            signed=signed,
        )
        return letter, draw(letter)

    try:
        written(BLANK, language)
    except WardError:  # its letters join, or no font here has them
        language = None
    door, code = open_door(ward, episode_id, who, by, key, now)
    letter, pdf = written(code, language)
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
