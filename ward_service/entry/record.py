"""Readings that staff typed, by phone or from paper: taken in once, and judged like any other."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ward_service.contract.messages import Reading
from ward_service.contract.vocabulary import Speaker
from ward_service.domain.from_wire import as_diary
from ward_service.errors import ConflictError, NotFoundError, WardError
from ward_service.logs import log
from ward_service.stays.stay import Stay, load_stays
from ward_service.ward import Ward


@dataclass(frozen=True, slots=True)
class StaffReading:
    """A reading that a member of staff typed. `key` names it: typed again, it is the same one.

    `spoke` is who told it by phone; None: it stood on paper.
    """

    reading: Reading
    by: str
    key: str
    spoke: Speaker | None = None


def record_reading(
    ward: Ward,
    episode_id: UUID,
    reading: Reading,
    by: str,
    key: str,
    now: datetime,
    spoke: Speaker = Speaker.PATIENT,
) -> UUID:
    """Take in a reading that somebody told by phone, once per key and person; return its id.

    From here on it is the same thing with another source. Sent again it is what it was: the id is
    that of the reading that was kept first.

    Raises:
        NotFoundError: there is no such stay.
        ConflictError: the stay had ended when it was measured.
        WardError: it holds nothing, or its time cannot be right.
    """
    entered = StaffReading(reading, by, _name("phone", episode_id, by, key), spoke)
    return _record(ward, episode_id, [entered], now)[0]


def record_diary(
    ward: Ward, episode_id: UUID, pages: Sequence[Reading], by: str, now: datetime
) -> list[UUID]:
    """Take in the pages of a paper diary, all or none, in one step of the rules; return their ids.

    A page is known by what stands on it: entered again, by whomever, it changes nothing.

    Raises:
        NotFoundError, ConflictError, WardError: as of a reading by phone.
    """
    entered = [StaffReading(page, by, _name_of_page(episode_id, page)) for page in pages]
    return _record(ward, episode_id, entered, now)


def _record(
    ward: Ward, episode_id: UUID, entered: Sequence[StaffReading], now: datetime
) -> list[UUID]:
    with ward.unit_of_work() as store:
        stays = load_stays(ward, store, {episode_id}, now)
        if not stays:
            raise NotFoundError("There is no such stay.")
        [stay] = stays.values()  # locked: of two taps one is first
        known = store.readings.typed_by_key([one.key for one in entered])
        new = {one.key: one for one in entered if one.key not in known}
        for one in new.values():
            _must_be_of_the_stay(one.reading, stay, now)
        if new:
            done = stay.fold(as_diary([one.reading for one in new.values()]), now)
            judged = {j.reading.reading_id: j for j in (done.judged, *done.diary) if j is not None}
            rows = [
                stay.reading_row(judged[one.reading.reading_id], done.now)
                | {
                    "source_key": one.key,
                    "payload": one.reading.model_dump_json(exclude_defaults=True),
                    "entered_by": one.by,
                    "spoke": one.spoke,
                }
                for one in new.values()
            ]
            store.readings.add(rows)
            stay.save(store, now)
            log("reading.entered", count=len(rows))
    ids = {key: one.reading.reading_id for key, one in new.items()} | known
    return [ids[one.key] for one in entered]


def _must_be_of_the_stay(reading: Reading, stay: Stay, now: datetime) -> None:
    """Refuse what the clock of a device could have said wrong, and a person can put right."""
    at, ended_at = reading.measured_at, stay.state.ended_at
    if at > now + stay.pathway.clock_tolerance:
        raise WardError("It was measured in the future. Put the time right; nothing was kept.")
    if at < stay.state.admitted_at - stay.pathway.before_stay:
        raise WardError("It was measured before this stay. Put the time right; nothing was kept.")
    if ended_at is not None and at >= ended_at:
        raise ConflictError(
            "This stay had ended when it was measured, and nobody would be called about it: "
            "nothing was kept. If the person is unwell, tell them to ring 999 or 111, or admit "
            "them again."
        )
    if not (reading.observations or reading.answers or reading.call_me):
        raise WardError("Nothing was entered, so nothing was kept.")


def _name(*facts: object) -> str:
    said = "\x1f".join(str(fact) for fact in facts)
    return f"typed:{hashlib.sha256(said.encode()).hexdigest()}"


def _name_of_page(episode_id: UUID, page: Reading) -> str:
    """Name a page by what stands on it, to the minute: nobody writes seconds into a diary."""
    values = sorted((o.vital, o.value) for o in page.observations)
    answers = sorted((a.question, a.answer) for a in page.answers)
    minute = page.measured_at.astimezone(UTC).replace(second=0, microsecond=0)
    return _name("paper", episode_id, minute, values, answers)
