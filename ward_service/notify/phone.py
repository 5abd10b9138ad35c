"""A person rings. The ward list says whom, and on which number, until somebody has answered.

It counts as delivered when it is on the list: from there on people do it. What is to be done is
worked out from the message itself (`store.outbox.to_ring`), so it goes by itself when the alert is
acknowledged, or, for a reminder, when a reading comes or the reminder has lost its use.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ward_service.contract.ids import short_reference
from ward_service.contract.vocabulary import PATIENT
from ward_service.notify.notifier import OutgoingMessage
from ward_service.notify.routing import roster_id, said_of
from ward_service.store.unit_of_work import Store


@dataclass(frozen=True, slots=True)
class Phone:
    """Delivered by being on the ward list as something to do."""

    timeout_s: float = 5.0

    def send(self, message: OutgoingMessage) -> None:
        """Do nothing: the message is a row by now, and the list is drawn from rows."""


def words_by_stay(store: Store, now: datetime) -> dict[UUID, list[str]]:
    """Return what is to be done: `Ring ward nurse on 07700 900123: red alert 3F2A9C`.

    For signed-in people only: it holds numbers.
    """
    whom = store.outbox.to_ring(now)
    lines = store.roster.get_many([id_ for w in whom if (id_ := roster_id(w.way)) is not None])
    found: dict[UUID, list[str]] = {}
    for each in whom:
        line = lines.get(roster_id(each.way) or 0)
        number = each.patient_phone if each.to == PATIENT else (line.address if line else "")
        about = "no reading has come"
        if each.alert_id is not None:
            about = f"{each.level} alert {short_reference(each.alert_id)}"
        said = f"Ring {said_of(each.to)} on {number}: {about}"
        found.setdefault(each.episode_id, []).append(said)
    return found
