"""How the radio of this machine is, for the doctor. The bus is asked, and nothing is changed."""

import asyncio
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from device_gateway.config.devices_file import Devices
from device_gateway.doctor.check import Check, Verdict
from device_gateway.radio.bluez import (
    ADAPTER,
    DEVICE,
    OBJECTS,
    BluezError,
    RadioAwayError,
    bluez,
    why_away,
)
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.state import Adapter

_HANGS: Final = (
    "Bluetooth is there, and does not answer.",
    "sudo systemctl restart bluetooth; if that does not help, restart this machine.",
)


@dataclass(frozen=True, slots=True)
class Found:
    """What the bus says. `adapters`: which are on; `known`, `connected`: addresses of devices."""

    adapters: dict[str, bool]
    known: frozenset[str]
    connected: frozenset[str]


class NoBusError(Exception):
    """There is no system bus to ask."""


def check_radio(devices: Devices, pace: RadioPace | None = None) -> Iterator[Check]:
    """Yield how the radio is and what it knows of these devices.

    Where no device is paired a radio that is away is only worth knowing: people may type.
    """
    try:
        found = asyncio.run(_look(devices.adapter, pace or RadioPace()))
    except NoBusError:
        yield _away(
            devices,
            "There is no system bus here, so Bluetooth cannot be asked.",
            "sudo systemctl start dbus; a container needs the machine's: -v /run/dbus:/run/dbus",
        )
    except RadioAwayError as away:
        yield _away(devices, *_words(away.adapter))
    except (BluezError, TimeoutError):
        yield _away(devices, *_HANGS)
    else:
        yield _of_adapter(devices, found)
        yield _of_devices(devices, found)


async def _look(adapter: str, pace: RadioPace) -> Found:
    """Ask BlueZ for all that it has.

    Raises:
        NoBusError, RadioAwayError, BluezError, TimeoutError: it cannot be asked.
    """
    connected = False
    try:
        async with bluez(adapter, pace) as system:
            connected = True
            try:
                (objects,) = await system.call("/", OBJECTS, "GetManagedObjects")
            except BluezError as error:
                raise RadioAwayError(why_away(error.name)) from None
    except RadioAwayError as away:
        if not connected and away.adapter is Adapter.AWAY:
            raise NoBusError from None
        raise
    adapters = {
        path.rpartition("/")[2]: bool(interfaces[ADAPTER]["Powered"].value)
        for path, interfaces in objects.items()
        if ADAPTER in interfaces
    }
    there = [
        interfaces[DEVICE]
        for path, interfaces in objects.items()
        if DEVICE in interfaces and f"/{adapter}/" in path
    ]
    return Found(
        adapters,
        known=frozenset(str(one["Address"].value) for one in there),
        connected=frozenset(str(one["Address"].value) for one in there if one["Connected"].value),
    )


def _words(adapter: Adapter) -> tuple[str, str]:
    if adapter is Adapter.NO_PERMISSION:
        todo = f"sudo usermod -aG bluetooth {_user()}, then restart what runs device-gateway."
        return "This user may not use Bluetooth.", todo
    if adapter is Adapter.AWAY:
        todo = "sudo systemctl start bluetooth; if there is none: sudo apt-get install bluez"
        return "Bluetooth is not running on this machine.", todo
    return _HANGS


def _of_adapter(devices: Devices, found: Found) -> Check:
    name, others = devices.adapter, ", ".join(sorted(found.adapters))
    if not found.adapters:
        todo = "Plug one in; one that is built in may be blocked: sudo rfkill unblock bluetooth"
        return _away(devices, "This machine has no Bluetooth adapter.", todo)
    if name not in found.adapters:
        todo = f"Plug it in, or pair the devices again with: --adapter {min(found.adapters)}"
        return _away(devices, f"The adapter {name} is not here; there is {others}.", todo)
    if not found.adapters[name]:
        todo = "sudo rfkill unblock bluetooth, then: bluetoothctl power on"
        return _away(devices, f"The adapter {name} is switched off.", todo)
    return Check("radio", Verdict.FINE, f"Bluetooth is running, and its adapter {name} is on.")


def _of_devices(devices: Devices, found: Found) -> Check:
    ours = {device.address for device in devices.devices}
    if not ours:
        todo = "If one is to be heard: device-gateway scan, then device-gateway pair"
        return Check("devices", Verdict.MIND, "No device is paired with this home.", todo)
    known, connected = len(ours & found.known), len(ours & found.connected)
    words = f"{len(ours)} paired; Bluetooth has lately heard {known}, and is connected to"
    # Most are off between two measurements: that is no trouble.
    return Check("devices", Verdict.FINE, f"{words} {connected}.")


def _away(devices: Devices, words: str, todo: str) -> Check:
    return Check("radio", Verdict.BAD if devices.devices else Verdict.MIND, words, todo)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "$USER"
