"""Letters and the doors that they open, as a signed-in clinician makes, lists and shuts them."""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field

from ward_service.contract.http.base import View

# Where the patient's page is: an address without a query, so that a code can follow.
PAGE_URL: Final = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
DoorId = Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{4}$")]
PageUser = Literal["patient", "carer"]


class LetterRequest(BaseModel):
    """For whom a letter is to be made, and where the page is, if not where the ward says."""

    model_config = ConfigDict(extra="forbid")

    who: PageUser = "patient"
    page_url: Annotated[str, Field(pattern=PAGE_URL, max_length=200)] | None = None


class LetterWords(View):
    """A paragraph: in English, and in the person's language where somebody has written it."""

    english: str
    own: str | None = None


class LetterView(View):
    """A letter, once: nobody can say its code again. `pdf` is the letter to be printed.

    `reference` is whose it is, without a name.
    """

    door: DoorId
    who: PageUser
    code: str = Field(repr=False)
    link: str = Field(repr=False)
    reference: str
    language: str
    words: tuple[LetterWords, ...]
    pdf: Base64Bytes = Field(repr=False)


class DoorView(View):
    """A door, and whether it is open: without `revoked_at`, it is. Its code is nowhere."""

    door: DoorId
    who: PageUser
    made_at: AwareDatetime
    made_by: str
    revoked_at: AwareDatetime | None
    revoked_by: str | None


class ReadingsSeen(BaseModel):
    """Which readings were on the page of a patient when a clinician opened it."""

    model_config = ConfigDict(extra="forbid")

    readings: Annotated[tuple[UUID, ...], Field(max_length=200)]
