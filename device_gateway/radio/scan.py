"""Hearing adverts: one scanner that lives long, on a named adapter.

Why: docs/reference/device-layouts.md#radio-faults.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak_retry_connector.bleak_manager import get_global_bluez_manager_sync

from device_gateway.decode import uuids
from device_gateway.decode.family import Advert
from device_gateway.radio.gatt import why
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.waiting import within

log = logging.getLogger(__name__)

Heard = Callable[[BLEDevice, Advert], None]

# Their lines hold addresses, names and payloads; what matters of them is an event of ours.
_TALKATIVE: Final = ("bleak", "bleak_retry_connector", "bluetooth_adapters", "dbus_fast")


def quiet_libraries() -> None:
    """Keep the libraries below from writing to the log."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


async def close_bleak(pace: RadioPace) -> None:
    """Close the connection that bleak holds for this event loop: it would close it never."""
    manager = get_global_bluez_manager_sync()
    bus = manager._bus if manager is not None else None  # there is no other way
    if bus is not None and bus.connected:
        bus.disconnect()
        with suppress(Exception):  # whatever ended it, it has ended
            gone = bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            await within(pace.settle_s, gone, pace.settle_s)


class ScanError(Exception):
    """The adapter does not scan. `why` is the error's name."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Scan:
    """A scan that can be switched on and off."""

    def __init__(self, adapter: str, heard: Heard, pace: RadioPace) -> None:
        self._pace, self._heard = pace, heard
        self._scanner = BleakScanner(self._detected, bluez={"adapter": adapter})
        self._on = False
        self.heard_at = time.monotonic()

    @property
    def silent(self) -> bool:
        """Whether nobody at all was heard for so long that the scan is in doubt."""
        return self._on and time.monotonic() - self.heard_at >= self._pace.scan_silence_s

    async def on(self) -> None:
        """Scan, if it does not already.

        Raises:
            ScanError: BlueZ refused, or did not answer in time.
        """
        if self._on:
            return
        try:
            await within(self._pace.scan_start_s, self._scanner.start(), self._pace.settle_s)
        except Exception as error:  # noqa: BLE001 - bleak raises a dozen kinds, and dbus-fast more
            raise ScanError(why(error)) from None
        self._on = True
        self.heard_at = time.monotonic()

    async def off(self) -> None:
        """Scan no longer. Never raises: what cannot be stopped is said in the log."""
        if not self._on:
            return
        self._on = False
        try:
            await within(self._pace.call_s, self._scanner.stop(), self._pace.settle_s)
        except Exception as error:  # noqa: BLE001 - bleak raises a dozen kinds, and dbus-fast more
            log.info("scan.stop_failed", extra={"why": why(error)})

    def _detected(self, device: BLEDevice, data: AdvertisementData) -> None:
        self.heard_at = time.monotonic()
        try:
            self._heard(device, advert(data))
        except Exception as error:  # noqa: BLE001 - the outermost loop here is dbus-fast's
            log.error("advert.failed", extra={"error": type(error).__name__})


def advert(data: AdvertisementData) -> Advert:
    """Return what bleak has heard, in our numbers."""
    return Advert(
        name=data.local_name or "",
        services=frozenset(map(uuids.number, data.service_uuids)),
        manufacturers=data.manufacturer_data,
    )
