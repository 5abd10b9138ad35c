"""The radio of a home in its process: it hears the devices that the devices file names now."""

import asyncio
import logging
from pathlib import Path
from threading import Event
from typing import Final

from device_gateway.config.devices_file import Devices, DevicesError, read_devices
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.radio import listen
from device_gateway.radio.sink import Hear
from device_gateway.radio.state import RadioState
from ward_service.contract.clock import Clock

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.2  # ours: how soon the end that was asked for, or another file, is noticed


async def hear_home(
    file: Path,
    hear: Hear,
    clock: Clock,
    ended: Event,
    state: RadioState,
    pace: RadioPace | None = None,
) -> None:
    """Hear the devices of a file until `ended`; when it changes, those that it then names."""
    devices, told = Devices(), frozenset[tuple[str, tuple[int, ...]]]()
    while not ended.is_set():
        written = _written(file)
        devices = _read(file, devices)
        stop = asyncio.Event()
        listening = asyncio.create_task(listen(devices, hear, clock, stop, state, pace))
        try:
            while not (ended.is_set() or listening.done() or _written(file) != written):
                await asyncio.sleep(_LOOK_S)
                told = _tell(state, told)
        finally:
            stop.set()
            await listening


def _tell(
    state: RadioState, told: frozenset[tuple[str, tuple[int, ...]]]
) -> frozenset[tuple[str, tuple[int, ...]]]:
    """Say in the log what troubles are new, and what has ended; return those that there are."""
    now = frozenset((trouble.code.value, trouble.slots) for trouble in state.troubles())
    for event, some in (("radio.trouble", now - told), ("radio.trouble_over", told - now)):
        for code, slots in sorted(some):
            log.warning(event, extra={"code": code, "slots": list(slots)})
    return now


def _read(file: Path, before: Devices) -> Devices:
    try:
        return read_devices(file)
    except DevicesError as error:
        log.error("devices.unreadable", extra={"why": str(error)})
        return before


def _written(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
