"""Care plans on their way home: on admission, after changes, at the end, and when asked again.

Whatever may change a plan raises what its row asks for, in the transaction of the change. Ingest
looks every second for rows that ask for more than was sent, makes their plans, and notes them as
sent only once a broker has taken them: a ward that dies in between sends the same plan again.
A number rises for ever, in a database that was restored from a backup too: it is the later of the
number before it plus one, and the seconds of real time (DECISIONS, "A plan's number").
"""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ward_service.contract.envelope import Envelope
from ward_service.contract.messages import topic
from ward_service.contract.plan import Plan
from ward_service.domain.plan import care_of, written
from ward_service.errors import StorageDownError
from ward_service.homes.in_flight import InFlight
from ward_service.homes.wire import SignedMessage, Wire
from ward_service.letters.codes import doors_in_plan
from ward_service.logs import log
from ward_service.store.plans import PlaceKey, as_limits
from ward_service.store.stays import state_of
from ward_service.store.tables.homes import PlanRow, PlanSentRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward, signed_versions

AT_ONCE: Final = 100  # plans in one look: 12,000 homes have theirs in two minutes
ON_THE_WAY: Final = 500  # plans that no broker has taken yet; beyond, none is added


@dataclass(frozen=True, slots=True)
class PlanDue:
    """A plan to be sent, and what its row asked for when it was made."""

    place: PlaceKey
    asked: int
    message: SignedMessage


class PlanSender:
    """Sends what is due, and remembers what no broker has taken yet. Used from one thread."""

    def __init__(self, ward: Ward) -> None:
        """Prepare; the first look finds what changed while the ward was down."""
        self._ward = ward
        self._signatures: object = None
        self._signed_names: set[str] = set()
        self._in_flight: InFlight[PlaceKey] = InFlight()

    def deliver(self, wire: Wire, now: datetime) -> None:
        """Note what has gone out, and send what is due. A database that is away is waited for."""
        try:
            self._in_flight.settle(self._note_sent)
            due = self.plans_to_send(now)
        except StorageDownError:
            log("storage.down", stage="plans")
            return
        handovers = wire.publish(plan.message for plan in due)
        for plan, handover in zip(due, handovers, strict=True):
            self._in_flight.add([(plan.place, plan.asked)], [handover])
        if due:
            log("plans.sent", count=len(due))

    def plans_to_send(self, now: datetime) -> list[PlanDue]:
        """Return the plans that are due and not on their way, signed; a changed one has a number.

        For a place whose gateway was revoked, what makes brokers forget the plan they hold.

        Raises:
            StorageDownError: the database went away; they are still due.
        """
        self._look_at_frames()
        waiting = self._in_flight.keys()
        if len(waiting) >= ON_THE_WAY:
            return []
        with self._ward.unit_of_work(read_only=True) as store:
            if not store.plans.anything_to_send():
                return []
        with self._ward.unit_of_work() as store:
            rows = store.plans.to_send(AT_ONCE, waiting)
            revoked = store.gateways.revoked_among({row.gateway_id for row in rows})
            cleared = [self._cleared(row) for row in rows if row.gateway_id in revoked]
            rows = [row for row in rows if row.gateway_id not in revoked]
            stays = store.stays.get([row.episode_id for row in rows], lock=False)
            made = [(row, self._payload(store, row, stays[row.episode_id], now)) for row in rows]
            due = [(row.gateway_id, row.slot, row.asked, payload) for row, payload in made]
        return cleared + self._signed(due, now)

    def _look_at_frames(self) -> None:
        """Ask for new plans where the use of the ward, or the signature of a pathway, changed."""
        ward = self._ward
        with ward.unit_of_work(read_only=True) as store:
            signatures = [
                (row.pathway_id, row.version, row.sha256) for row in store.pathways.signatures()
            ]
        if signatures == self._signatures:
            return
        with ward.unit_of_work() as store:
            self._signed_names = set(signed_versions(store))
            for name in ward.pathways:
                store.plans.set_header(name, self._frame(name))
        self._signatures = signatures

    def _frame(self, pathway: str) -> str:
        signed = "signed" if pathway in self._signed_names else "unsigned"
        settings = self._ward.settings
        return f"{settings.use}, {signed}, {settings.ward_phone}, {settings.interpreter_phone}"

    def _payload(self, store: Store, row: PlanRow, stay: EpisodeRow, now: datetime) -> bytes | None:
        """Return the plan of a place, made anew if it changed; None if none can be made.

        What cannot be made is not tried again until something changes: it would stop the others.
        """
        row.frame = self._frame(row.pathway)
        try:
            plan = self._plan(store, row, stay)
            digest = hashlib.sha256(written(plan)).hexdigest()
        except Exception as error:  # noqa: BLE001 - one stay must not keep plans from the others
            ids = {"gateway_id": row.gateway_id, "slot": row.slot, "pathway": row.pathway}
            log("plan.cannot_be_made", logging.ERROR, error=type(error).__name__, **ids)
            return None
        if digest != row.sha256:
            row.number = max(row.number + 1, int(self._ward.clock.wall().timestamp()))
            row.sha256 = digest
            care = plan.care
            store.add(
                PlanSentRow(
                    gateway_id=row.gateway_id,
                    slot=row.slot,
                    number=row.number,
                    episode_id=row.episode_id,
                    pathway=row.pathway,
                    language=care.language if care else "",
                    limits=as_limits(state_of(stay).limits) if care else None,
                    sha256=digest,
                    made_at=now,
                )
            )
        return written(plan.model_copy(update={"number": row.number}))

    def _plan(self, store: Store, row: PlanRow, stay: EpisodeRow) -> Plan:
        """Return what a place is to hold, under no number of its own yet."""
        if row.ended:
            return Plan(number=1, ended=True)
        ward = self._ward
        care = care_of(
            state_of(stay),
            ward.pathways[stay.pathway],
            language=stay.language,
            use=ward.settings.use,
            signed=stay.pathway in self._signed_names,
            phone=ward.settings.ward_phone,
            interpreter=ward.settings.interpreter_phone,
        )
        return Plan(number=1, care=care, doors=doors_in_plan(store, stay.id))

    def _cleared(self, row: PlanRow) -> PlanDue:
        """Return what makes a broker forget the plan of a place: a retained one with nothing in it.

        Unsigned, for a revoked gateway has no key; no home takes what is not signed.
        """
        to = topic(row.gateway_id, "plans", row.slot, self._ward.settings.base_topic)
        return PlanDue(
            (row.gateway_id, row.slot), row.asked, SignedMessage(to, b"", [], retain=True)
        )

    def _signed(
        self, due: Iterable[tuple[str, int, int, bytes | None]], now: datetime
    ) -> list[PlanDue]:
        signed, unsendable = [], []
        for gateway_id, slot, asked, payload in due:
            key = self._ward.key_of(gateway_id)
            if key is None or payload is None:
                unsendable.append(((gateway_id, slot), asked))
                continue
            to = topic(gateway_id, "plans", slot, self._ward.settings.base_topic)
            properties = Envelope(sent_at=now, slot=slot).properties(to, payload, key)
            message = SignedMessage(to, payload, properties, retain=True)
            signed.append(PlanDue((gateway_id, slot), asked, message))
        if unsendable:  # without a key, or not to be made: until something changes
            self._note_sent(unsendable)
        return signed

    def _note_sent(self, plans: Sequence[tuple[PlaceKey, int]]) -> None:
        with self._ward.unit_of_work() as store:
            for place, asked in plans:
                store.plans.mark_sent(place, asked)
