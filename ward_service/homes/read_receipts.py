"""Tells a home that a clinician has seen its reading: one more receipt, saying when.

Seen is what a person at the ward did about the reading: acknowledged or resolved an alert that
stands on it, as they saw it, or opened the page of its patient with the reading on it. A list that
is drawn anew by itself, and a call that was sent, are nobody's eyes.
Told at least once: until a broker has taken it, and again when the home comes online, for a while.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ward_service.contract.messages import Receipt
from ward_service.contract.vocabulary import Outcome
from ward_service.errors import NotFoundError, StorageDownError
from ward_service.homes.in_flight import InFlight
from ward_service.homes.receipts import sign_receipts
from ward_service.homes.wire import Wire
from ward_service.logs import log
from ward_service.store.read_receipts import ReadingKey
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


class ReadReceiptSender:
    """Tells homes what was seen, until a broker has taken it. Used from one thread."""

    def __init__(self, ward: Ward) -> None:
        """Prepare; the first look finds what was seen while ingest was down."""
        self._ward = ward
        self._in_flight: InFlight[ReadingKey] = InFlight()

    def deliver(self, wire: Wire, now: datetime) -> None:
        """Note what has gone out, and send what is due. A database that is away is waited for."""
        try:
            self._in_flight.settle(self._note_sent)
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
            handovers = wire.publish(sign_receipts(receipts, self._ward.key_of, now, base))
            readings = [((row.gateway_id, row.reading_id), row.asked) for row in its_own]
            self._in_flight.add(readings, handovers)

    def _due(self) -> list[SeenRow]:
        waiting = self._in_flight.keys()
        if len(waiting) >= ON_THE_WAY:
            return []
        with self._ward.unit_of_work(read_only=True) as store:
            return store.read_receipts.to_send(AT_ONCE, waiting)

    def _note_sent(self, readings: Sequence[tuple[ReadingKey, int]]) -> None:
        with self._ward.unit_of_work() as store:
            for reading, asked in readings:
                store.read_receipts.mark_sent(reading, asked)


def _receipt(row: SeenRow) -> Receipt:
    return Receipt(reading_id=row.reading_id, outcome=Outcome.KEPT, seen_at=row.seen_at)
