"""What the radio hears goes to the home, which knows whose it is and what to say about it."""

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
        """Keep these frames: durable on return.

        Raises:
            SpoolFullError: nothing of this is kept.
        """
        self._home.hear(device, captures)

    def parted(self, device: Paired, at: datetime) -> None:
        """End what this device was measuring: it is judged and sent.

        Raises:
            SpoolFullError: its seconds are kept, and become a minute later.
        """
        self._home.parted(device, at)
