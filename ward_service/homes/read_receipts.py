"""A home is told that a clinician has seen its reading: a receipt more, with when that was.

Seen is what a person at the ward did about the reading: acknowledged or resolved an alert that
stands on it, as they saw it, or opened the page of its patient with the reading on it. A list that
is drawn anew by itself, and a call that was sent, are nobody's eyes.
Told at least once: until a broker has taken it, and again when the home comes online, for a while.
"""

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Outcome
from ward_service.errors import NotFoundError, StorageDownError
from ward_service.homes.plans import LOST_AFTER_S
from ward_service.homes.receipts import sign_receipts
from ward_service.homes.wire import Handover, Wire, is_taken
from ward_service.logs import log
from ward_service.store.read_receipts import SeenId
from ward_service.store.tables.homes import SeenRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

AT_ONCE: Final = 200  # in one look
ON_THE_WAY: Final = 1_000  # that no broker has taken yet; beyond, none is added
AGAIN_FOR: Final = timedelta(days=2)  # a home that comes online later has newer ones to look at
AGAIN_MOST: Final = 100  # of one home, the newest: one message


def note_looked(
    ward: Ward, episode_id: UUID, readings: Collection[UUID], by: str, now: datetime
) -> None:
    """Note that somebody has opened the page of a stay with these readings on it.

    Raises:
        NotFoundError: there is no such stay.
    """
    with ward.unit_of_work(read_only=True) as store:
        if not store.stays.get([episode_id], lock=False):
            raise NotFoundError("There is no such stay.")
        if not store.read_receipts.unseen(episode_id, readings):
            return
    with ward.unit_of_work() as store:
        store.read_receipts.note(episode_id, readings, now, by)


def tell_again(store: Store, gateway_id: str, now: datetime) -> None:
    """Tell a home that has come online what was seen lately: a broker may have lost it."""
    store.read_receipts.tell_again(gateway_id, now - AGAIN_FOR, AGAIN_MOST)


class SeenPost:
    """Tells homes what was seen, and remembers what no broker has taken. Used from one thread."""

    def __init__(self, ward: Ward) -> None:
        """Prepare; the first look finds what was seen while ingest was down."""
        self._ward = ward
        self._on_the_way: list[tuple[list[tuple[SeenId, int]], list[Handover], float]] = []

    def deliver(self, wire: Wire, now: datetime) -> None:
        """Note what has gone out, and send what is due. A database that is away is waited for."""
        try:
            self._settle()
            rows = self._due()
        except StorageDownError:
            log("storage.down", stage="seen")
            return
        by_gateway: dict[str, list[SeenRow]] = {}
        for row in rows:
            by_gateway.setdefault(row.gateway_id, []).append(row)
        for gateway_id, its_own in by_gateway.items():
            receipts = [(gateway_id, _receipt(row)) for row in its_own]
            base = self._ward.settings.base_topic
            # Without a key (revoked) nothing goes out, and it is as done as it can be.
            sent = list(wire.publish(sign_receipts(receipts, self._ward.key_of, now, base)))
            which = [((row.gateway_id, row.reading_id), row.asked) for row in its_own]
            self._on_the_way.append((which, sent, time.monotonic()))

    def _due(self) -> list[SeenRow]:
        waiting = [id_ for which, _, _ in self._on_the_way for id_, _ in which]
        if len(waiting) >= ON_THE_WAY:
            return []
        with self._ward.unit_of_work(read_only=True) as store:
            return store.read_receipts.to_send(AT_ONCE, waiting)

    def _settle(self) -> None:
        """Note what brokers have taken; forget what none has taken in time, so that it goes again.

        Raises:
            StorageDownError: the database went away; nothing was forgotten.
        """
        taken: list[tuple[SeenId, int]] = []
        untaken, mono = [], time.monotonic()
        for which, sent, since in self._on_the_way:
            if all(is_taken(one) for one in sent):
                taken += which
            elif mono < since + LOST_AFTER_S:
                untaken.append((which, sent, since))
        if taken:
            with self._ward.unit_of_work() as store:
                for id_, asked in taken:
                    store.read_receipts.mark_sent(id_, asked)
        self._on_the_way = untaken


def _receipt(row: SeenRow) -> Receipt:
    return Receipt(reading_id=row.reading_id, outcome=Outcome.KEPT, seen_at=row.seen_at)
