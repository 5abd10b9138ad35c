"""One home: what its devices say goes into its spool, and from there to the ward."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from threading import Event

from device_gateway.capture import Capture, spooled
from device_gateway.connection import Pace
from device_gateway.homes import Broker, Place
from device_gateway.publisher import Publisher
from device_gateway.spool import Outgoing, Progress, Spool
from ward_service.contract.clock import Clock


class Home:
    """A gateway with its key, the slot of its person, its spool and its publisher."""

    def __init__(
        self,
        place: Place,
        broker: Broker,
        spool_dir: Path,
        clock: Clock,
        wake: Event,
        pace: Pace | None = None,
    ) -> None:
        """Open the home's spool, and make it if there is none. Nothing is sent before `start`.

        Raises:
            SpoolError: the spool is in use elsewhere, or cannot be opened.
        """
        self.place = place
        self.spool = Spool(spool_dir / f"{place.gateway}.spool")
        self.publisher = Publisher(place, broker, self.spool, clock, wake, pace)
        self._wake = wake

    def take(self, frame: bytes, characteristic: int, at: datetime) -> None:
        """Take one frame as a device sent it, received at `at`: saved once this returns.

        Raises:
            SpoolFullError: it is not saved; what was saved before is safe.
        """
        self.take_all([Capture(characteristic, frame, at)])

    def take_all(
        self, items: Sequence[Capture | Outgoing], progress: Progress | None = None
    ) -> None:
        """Take frames, and how far they bring their source, all or none: saved on return.

        An `Outgoing` goes into the spool as it is, past every decoder.

        Raises:
            SpoolFullError: nothing of this is saved; what was saved before is safe.
        """
        entries = [
            spooled(item, self.place) if isinstance(item, Capture) else item for item in items
        ]
        self.spool.add([entry for entry in entries if entry is not None], progress)
        self._wake.set()
