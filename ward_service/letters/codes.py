"""Doors to the patient's page: made with a letter, shut by a person or with the end of the stay.

A code is handed over once and kept nowhere; the ward and the plan hold its slow hash with the year
of birth. Whatever changes which doors are open asks for the plan again.
"""

import secrets
from base64 import b64encode
from datetime import datetime
from typing import Final
from uuid import UUID

from ward_service.contract.letters import PageUser
from ward_service.contract.page_code import (
    CHARACTER_BITS,
    DOOR_LENGTH,
    PARAMETERS,
    SALT_BYTES,
    SCRYPT,
    SECRET_LENGTH,
    characters,
    slow_hash,
)
from ward_service.contract.plan import Door
from ward_service.errors import ConflictError, NotFoundError
from ward_service.logs import log
from ward_service.store.tables.alerts import LedgerRow
from ward_service.store.tables.homes import DoorRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

# Of one stay at a time: the patient on two devices, and a few who care. A plan has room for 16.
MOST_OPEN: Final = 8


def open_door(
    ward: Ward, episode_id: UUID, who: PageUser, by: str, key: str, now: datetime
) -> tuple[str, str]:
    """Make a door for somebody's page; return its id, and the code, which nobody can say again.

    Raises:
        NotFoundError: there is no such stay.
        ConflictError: it has ended, has too many doors, or this very request made one before.
    """
    with ward.unit_of_work(read_only=True) as store:
        _must_be_welcome(store, episode_id, by, key)
        patient = store.stays.patient_of(episode_id)
        assert patient is not None  # noqa: S101 - every stay is somebody's
        year = patient.birth_date.year
    # Slow on purpose, so outside of the transaction that others wait for.
    secret = characters(secrets.randbits(SECRET_LENGTH * CHARACTER_BITS), SECRET_LENGTH)
    salt = b64encode(secrets.token_bytes(SALT_BYTES)).decode()
    while True:
        door = characters(secrets.randbits(DOOR_LENGTH * CHARACTER_BITS), DOOR_LENGTH)
        code = door + secret
        hashed = slow_hash(code, year, algorithm=SCRYPT, parameters=PARAMETERS, salt=salt)
        with ward.unit_of_work() as store:
            store.stays.get([episode_id], lock=True)  # of two requests one is first
            _must_be_welcome(store, episode_id, by, key)
            if store.codes.is_open(door):
                continue
            row = DoorRow(
                door=door,
                episode_id=episode_id,
                who=who,
                algorithm=SCRYPT,
                parameters=dict(PARAMETERS),
                salt=salt,
                hash=b64encode(hashed).decode(),
                key=key,
                made_at=now,
                made_by=by,
            )
            words = f"a letter with a code for the {who} was made (door {door})"
            store.add(row, _line(episode_id, now, by, "door_opened", words))
            store.plans.want_of_stay(episode_id, ended=False)
        log("door.opened", episode_id=episode_id)
        return door, code


def revoke_door(ward: Ward, episode_id: UUID, door: str, by: str, now: datetime) -> None:
    """Shut a door for good; whoever came in by it is out as soon as the plan is at home.

    The same again changes nothing.

    Raises:
        NotFoundError: this stay never had such a door.
    """
    with ward.unit_of_work() as store:
        store.stays.get([episode_id], lock=True)
        rows = [row for row in store.codes.of_stay(episode_id) if row.door == door]
        if not rows:
            raise NotFoundError("This stay has no such door. Nothing was changed.")
        for row in rows:
            if row.revoked_at is None:
                row.revoked_at, row.revoked_by = now, by
                words = f"the code for the {row.who} opens nothing any more (door {door})"
                store.add(_line(episode_id, now, by, "door_revoked", words))
                store.plans.want_of_stay(episode_id, ended=False)
                log("door.revoked", episode_id=episode_id)


def doors_in_plan(store: Store, episode_id: UUID) -> tuple[Door, ...]:
    """Return the doors of a stay that are open, as its home must know them."""
    return tuple(
        Door.model_validate(
            {
                "id": row.door,
                "who": row.who,
                "algorithm": row.algorithm,
                "parameters": row.parameters,
                "salt": row.salt,
                "hash": row.hash,
            }
        )
        for row in store.codes.open_of_stay(episode_id)
    )


def _must_be_welcome(store: Store, episode_id: UUID, by: str, key: str) -> None:
    rows = store.stays.get([episode_id], lock=False)
    if episode_id not in rows:
        raise NotFoundError("There is no such stay. Nothing was made.")
    if before := store.codes.made_with(key, by):
        raise ConflictError(
            f"This letter was made already, and its code is kept nowhere (door {before.door}). "
            "If you do not have it, revoke that door and make another letter."
        )
    if rows[episode_id].ended_at is not None:
        raise ConflictError("This stay has ended, and its page is shut. Nothing was made.")
    if len(store.codes.open_of_stay(episode_id)) >= MOST_OPEN:
        raise ConflictError(
            f"This stay has {MOST_OPEN} open doors, and more are not made. Revoke one first."
        )


def _line(episode_id: UUID, now: datetime, by: str, what: str, words: str) -> LedgerRow:
    return LedgerRow(episode_id=episode_id, at=now, noticed_at=now, by=by, what=what, words=words)
