"""Many homes in one process: opened together, pumped by one thread, closed in good order."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from device_gateway.config.homes_file import Broker, Place
from device_gateway.home import Home, open_home
from device_gateway.publish.connection import Pace
from device_gateway.publish.report import HomeReport
from device_gateway.spool.bounds import Bounds
from device_gateway.spool.file import SpoolError
from ward_service.contract.clock import Clock

log = logging.getLogger(__name__)

_TICK_EVERY_S = 1.0
_PUMP_EVERY_S = 0.1  # at the latest; a new reading, a receipt or a confirmation wakes it at once


class Street:
    """Homes that run while the block lasts: `with Street(...) as street: street.homes[0].hear`."""

    def __init__(
        self,
        places: Sequence[Place],
        broker: Broker,
        spool_dir: Path,
        clock: Clock,
        pace: Pace | None = None,
        bounds: Bounds | None = None,
        *,
        on_damage: Callable[[], object] | None = None,
        radio_report: Callable[[], HomeReport] = HomeReport,
    ) -> None:
        """Open the spools of all homes, or of none.

        `on_damage` is called in the pump's thread while a spool is damaged; `radio_report` says
        how the radio of these homes is. `ticking` may be set to False while recordings are played
        whose frames are of another time than the clock's: they end their own minutes.

        Raises:
            SpoolError: one of them is in use elsewhere, or cannot be opened.
        """
        self.ticking = True
        self._clock, self._on_damage = clock, on_damage
        self._ticked = float("-inf")
        self._wake = Event()
        self._ended = Event()
        self.homes: list[Home] = []
        try:
            for place in places:
                self.homes.append(
                    open_home(
                        place,
                        broker,
                        spool_dir,
                        clock,
                        self._wake,
                        pace,
                        bounds,
                        radio_report,
                    )
                )
        except BaseException:
            self._close_spools()
            raise
        self._thread = Thread(target=self._pump, name="pump", daemon=True)

    def __enter__(self) -> Self:
        for home in self.homes:
            home.publisher.start()
        self._thread.start()
        log.info("street.opened", extra={"homes": len(self.homes)})
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._ended.set()
        self._wake.set()
        self._thread.join()
        for home in self.homes:
            home.publisher.farewell()
        for home in self.homes:
            home.publisher.stop()
        log.info("street.closed", extra={"unsent": self.unsent()})
        self._close_spools()

    def damage(self) -> SpoolError | None:
        """Return what was found wrong with a spool while it was open: a new start mends it."""
        return next((home.spool.damage for home in self.homes if home.spool.damage), None)

    def unsent(self) -> int:
        """Return how many readings of all homes wait for their receipt."""
        return sum(home.spool.depth() for home in self.homes)

    def _pump(self) -> None:
        while not self._ended.is_set():
            self._wake.wait(_PUMP_EVERY_S)
            self._wake.clear()
            due = self.ticking and time.monotonic() - self._ticked >= _TICK_EVERY_S
            if due:
                self._ticked = time.monotonic()
            if due and self._on_damage is not None and self.damage():
                self._on_damage()
            for home in self.homes:
                try:
                    if due:
                        home.tick(self._clock.now())
                    home.publisher.pump()
                except Exception as error:  # noqa: BLE001 - one home must not silence the others
                    ids = {"gateway_id": home.place.gateway, "error": type(error).__name__}
                    log.error("home.failed", extra=ids)

    def _close_spools(self) -> None:
        for home in self.homes:
            home.spool.close()
