"""Who hears what the radio receives: the one way out of here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from device_gateway.capture.capture import Capture
from device_gateway.config.devices_file import Paired


class Hear(Protocol):
    """Takes frames. It is called where the frame arrives, so it must not wait for a network."""

    def take(self, device: Paired, captures: Sequence[Capture]) -> None:
        """Keep these frames, all or none: durable on return, for BlueZ has confirmed them already.

        Raises:
            SpoolFullError: nothing of this is kept.
        """

    def parted(self, device: Paired, at: datetime) -> None:
        """Its live stream has ended: the link was lost, the device left, or we closed it."""
