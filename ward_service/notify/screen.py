"""The ward list itself: whoever looks at it is told. The demo uses nothing else."""

from dataclasses import dataclass

from ward_service.notify.notifier import OutgoingMessage


@dataclass(frozen=True, slots=True)
class Screen:
    """Delivered by being written: the list shows the alert whether or not this is called."""

    timeout_s: float = 5.0

    def send(self, message: OutgoingMessage) -> None:
        """Do nothing: the message is a row by now, and the list is drawn from rows."""
