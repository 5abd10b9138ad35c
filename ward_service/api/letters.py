"""Letters and their doors over HTTP: make one, list them, shut one; and what a clinician looked at.

A code leaves the ward in one answer, which nobody keeps.
"""

from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from ward_service.api.deps import ActorDep, ClinicianDep, NowDep, SignedIn, StoreDep, WardDep
from ward_service.contract.letters import DoorView, LetterRequest, LetterView, ReadingsSeen
from ward_service.errors import NotFoundError
from ward_service.homes.read_receipts import note_looked
from ward_service.letters.codes import revoke_door
from ward_service.letters.letter import make_letter

router = APIRouter(prefix="/episodes/{episode_id}", tags=["letters"], dependencies=[SignedIn])


def _keep_nowhere(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


@router.post("/letters", status_code=status.HTTP_201_CREATED, dependencies=[Depends(_keep_nowhere)])
def make(episode_id: UUID, given: LetterRequest, actor: ActorDep) -> LetterView:
    """Make a letter: its code is in this answer and nowhere else. 409 for the same key again."""
    return make_letter(
        actor.ward, episode_id, given.who, actor.by, actor.key, actor.now, given.page_url
    )


@router.get("/doors")
def list_doors(episode_id: UUID, store: StoreDep) -> list[DoorView]:
    """Return every door of a stay, the newest first; shut ones too. 404 without such a stay."""
    if not store.stays.get([episode_id], lock=False):
        raise NotFoundError("There is no such stay.")
    return [
        DoorView.model_validate(row, from_attributes=True)
        for row in store.codes.of_stay(episode_id)
    ]


@router.delete("/doors/{door}", status_code=status.HTTP_204_NO_CONTENT)
def revoke(
    episode_id: UUID, door: str, ward: WardDep, clinician: ClinicianDep, now: NowDep
) -> None:
    """Shut a door for good. 404 if this stay never had it; shut again it stays shut."""
    revoke_door(ward, episode_id, door, clinician.username, now)


@router.post("/seen", status_code=status.HTTP_204_NO_CONTENT)
def looked(
    episode_id: UUID, given: ReadingsSeen, ward: WardDep, clinician: ClinicianDep, now: NowDep
) -> None:
    """Note that whoever is signed in has opened this patient's page with these readings on it.

    Their homes are told, once for each reading. Not for a page that is drawn anew by itself.
    """
    note_looked(ward, episode_id, given.readings, clinician.username, now)
