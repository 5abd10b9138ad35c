"""What the radio hears goes into the spool of a home, under the slot of its one person."""

from collections.abc import Sequence
from datetime import datetime

from device_gateway.capture import Capture
from device_gateway.devices import Paired
from device_gateway.home import Home


class HomeHear:
    """Implements `radio.hear.Hear` over one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def take(self, device: Paired, captures: Sequence[Capture]) -> None:
        """Keep these frames, all or none: durable on return.

        Raises:
            SpoolFullError: nothing of this is kept.
        """
        self._home.take_all(captures)

    def parted(self, device: Paired, at: datetime) -> None:
        """Nothing is held back here, so there is nothing to end."""
