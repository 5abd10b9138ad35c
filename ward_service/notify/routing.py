"""Who is called for a message, and by which ways, one after the other.

A way is one line of the roster, or one address of the patient. When one has failed for good, the
next is another person's by another channel, if there is such a line: where the mail server is
down, the next person's mail is no help. Source: docs/reference/brokers-and-databases.md#outbox.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ward_service.contract.vocabulary import OWNER, PATIENT, Channel
from ward_service.store.tables.messages import MessageRow, RosterRow
from ward_service.store.tables.stays import PatientRow

_ROSTER: Final = "roster:"


@dataclass(frozen=True, slots=True)
class Way:
    """A channel and an address. `id` is what a message remembers of it; the address is not."""

    id: str
    channel: Channel
    address: str = field(default="", repr=False)


def ways_for(
    message: MessageRow, patient: PatientRow, roster: Mapping[str, Sequence[RosterRow]]
) -> list[Way]:
    """Return the ways to whom a message is for, in order; none if nobody can be reached.

    `roster` holds the lines of each role that there is. The channels that the call names come
    first. Whoever owns an alert has signed in, so without a line of their own the ward list is
    their way.
    """
    if message.to == PATIENT:
        return _ways_to_patient(message.by, patient)
    ways = [
        Way(f"{_ROSTER}{line.id}", line.channel, line.address)
        for line in roster.get(message.to, ())
    ]
    if not ways and message.to.startswith(f"{OWNER}:"):
        ways = [Way("screen", Channel.SCREEN)]
    named = list(message.by)
    return sorted(ways, key=lambda w: named.index(w.channel) if w.channel in named else len(named))


def next_way(ways: Sequence[Way], message: MessageRow) -> Way | None:
    """Return the way to try now: the one under way, else the next; None when all have failed."""
    left = [way for way in ways if way.id not in message.tried]
    for way in left:
        if way.id == message.way:
            return way
    if message.tried:  # by another channel first: this one may be down altogether
        left.sort(key=lambda way: way.channel == message.channel)
    return left[0] if left else None


def _ways_to_patient(named: Sequence[str], patient: PatientRow) -> list[Way]:
    """As the call says, else as was agreed; and if that fails, a person rings."""
    agreed = [Channel(name) for name in named] or [patient.reach]
    addresses = {
        Channel.SCREEN: "",
        Channel.EMAIL: patient.email,
        Channel.SMS: patient.phone,
        Channel.PHONE: patient.phone,
    }
    return [
        Way(f"{PATIENT}:{channel}", channel, addresses[channel])
        for channel in dict.fromkeys([*agreed, Channel.PHONE])
        if addresses.get(channel) or channel is Channel.SCREEN
    ]


def roster_id(way: str | None) -> int | None:
    """Return which line of the roster a way is, if it is one."""
    if way is None or not way.startswith(_ROSTER):
        return None
    return int(way.removeprefix(_ROSTER))


def said_of(to: str) -> str:
    """Return whom a message is for, in words that name nobody."""
    if to == PATIENT:
        return "the patient"
    if to.startswith(f"{OWNER}:"):
        return "the owner of an alert"
    return to.replace("_", " ")
