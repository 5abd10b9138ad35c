"""What a channel is: it sends one message, once, or says why it could not."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message on its way to one address. It names nobody but, to a patient, themselves.

    `key` is the idempotency key: the same message sent again has the same one, and its receiver
    can tell. What could get into a log by mistake is left out of its repr. `way` is the way by
    which it goes (of ways.py); `again`: it was tried by this way before, and may have gone out
    without anybody marking it.
    """

    key: str
    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    way: str = ""
    again: bool = False


class Notifier(Protocol):
    """One channel. It is asked from several threads at a time."""

    @property
    def timeout_s(self) -> float:
        """How long the other side may take for one answer; a lease is twice as long."""

    def send(self, message: OutgoingMessage) -> None:
        """Hand a message over; on returning it is out of our hands.

        Raises:
            NotifyError: it did not go out, or nobody can say whether it did.
        """


@runtime_checkable
class Reporting(Protocol):
    """A channel that can say afterwards what became of a message: to take is not to deliver."""

    def arrived(self, key: str, way: str) -> bool:
        """Whether a message that was taken has arrived; False while it is on its way.

        Raises:
            MessageLostError: it did not arrive, and will not.
            NotifyError: nobody can say now.
        """
