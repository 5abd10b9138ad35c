"""Print the diary of somebody who stays, by the id of the stay: identity comes from the store."""

from uuid import UUID

from ward_service.contract.ids import short_reference
from ward_service.diary.pack import pack_of
from ward_service.diary.pdf import draw
from ward_service.errors import NotFoundError
from ward_service.store.stays import state_of
from ward_service.ward import Ward, signed_versions


def diary_of(ward: Ward, episode_id: UUID, language: str | None = None) -> bytes:
    """Return the diary of a stay as a PDF, in the person's language unless another is given.

    Raises:
        NotFoundError: there is no such stay.
        WardError: a number of its words is set by nobody, or no font has its letters.
    """
    with ward.unit_of_work(read_only=True) as store:
        row = store.stays.get([episode_id], lock=False).get(episode_id)
        patient = store.stays.patient_of(episode_id)
        if row is None or patient is None:
            raise NotFoundError("There is no such stay. Nothing was printed.")
        signature = signed_versions(store).get(row.pathway)
        pack = pack_of(
            state_of(row),
            ward.pathways[row.pathway],
            language or row.language,
            name=f"{patient.given_name} {patient.family_name}",
            reference=short_reference(episode_id),
            signed=f"{signature.lead}, {signature.role}" if signature else "",
            phone=ward.settings.ward_phone,
        )
    return draw(pack)
