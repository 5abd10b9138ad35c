"""Meeting a device for the first time: what it is by its services, and what it says of itself.

Nothing that it measured may be lost here, where nobody keeps it: an indication of a single
measurement is not subscribed to. Whether such a device wants to be paired, a person says.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from bleak.backends.device import BLEDevice

from device_gateway.decode import device_information, plx, thermometer
from device_gateway.decode.family import Advert, Family
from device_gateway.decode.frame import FrameError
from device_gateway.decode.registry import decode, recognise, why_unread
from device_gateway.decode.stream import Stream, Thrown
from device_gateway.radio.agent import Agent, AskCode, Show
from device_gateway.radio.bluez import Bluez, BluezError, RadioAwayError, bluez
from device_gateway.radio.gatt import Gatt, GattError, WantsPairingError, connect
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.scan import Scan, ScanError, close_bleak, quiet_libraries
from device_gateway.radio.waiting import first
from ward_service.contract.messages import Device

# Confirmed to the device when it arrives, and then perhaps never sent again. A cuff sends its
# memory every time, and a stream is kept by nobody.
_SENT_ONCE: Final = frozenset({plx.SPOT_CHECK, thermometer.MEASUREMENT})
_ABOUT: Final = (
    device_information.MODEL,
    device_information.SERIAL,
    device_information.FIRMWARE,
    device_information.BATTERY_LEVEL,
)


class NotMetError(Exception):
    """The device was not met, or cannot be read. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Met:
    """A device that can be read. `bonded`: BlueZ and it know each other's keys."""

    family: Family
    name: str
    about: Device
    bonded: bool


async def adverts(adapter: str, seconds: float, pace: RadioPace | None = None) -> dict[str, Advert]:
    """Return what everybody about says of himself, by address.

    Raises:
        NotMetError: nothing can be heard.
    """
    quiet_libraries()
    pace, found = pace or RadioPace(), dict[str, Advert]()

    def heard(device: BLEDevice, advert: Advert) -> None:
        found[device.address.upper()] = advert

    scan = Scan(adapter, heard, pace)
    try:
        async with bluez(adapter, pace) as system:
            await system.links()
            await scan.on()
            await first(system.lost.wait(), timeout_s=seconds)
            await scan.off()
    except (RadioAwayError, ScanError, BluezError, TimeoutError) as error:
        raise NotMetError(_no_radio(adapter, error)) from error
    finally:
        await close_bleak(pace)
    return found


async def meet(
    address: str,
    adapter: str,
    ask: AskCode,
    show: Show,
    *,
    bond: bool = False,
    pace: RadioPace | None = None,
) -> Met:
    """Find a device, connect, and return what it is. It is bonded if it demands it, or `bond`.

    Raises:
        NotMetError: it was not met, or cannot be read.
    """
    quiet_libraries()
    pace = pace or RadioPace()
    try:
        async with bluez(adapter, pace) as system:
            await system.links()  # or the radio is away
            await _is_free(address, system, pace)
            path = system.path(address)
            await system.answer_pairing(Agent(lambda other: other == path, ask, show))
            found, advert = await _find(address, adapter, system, pace)
            gatt = await connect(found, advert.name, lambda: None, pace)
            try:
                return await _learn(gatt, advert, address, system, pace, bond=bond)
            finally:
                await _leave(gatt)
    except (RadioAwayError, ScanError) as error:
        raise NotMetError(_no_radio(adapter, error)) from error
    except GattError as error:
        raise NotMetError(
            f"{address} was heard, but not reached ({error.why}). Bring it nearer, switch it off"
            " and on, and try again"
        ) from error
    except (BluezError, TimeoutError) as error:
        raise NotMetError(f"BlueZ does not answer ({type(error).__name__}); try again") from error
    finally:
        await close_bleak(pace)


async def forget(address: str, adapter: str, pace: RadioPace | None = None) -> bool:
    """Let BlueZ forget a device and its bond. Returns whether BlueZ could be asked."""
    pace = pace or RadioPace()
    try:
        async with bluez(adapter, pace) as system:
            await system.forget(address)
    except (RadioAwayError, BluezError, TimeoutError):
        return False
    return True


async def _is_free(address: str, system: Bluez, pace: RadioPace) -> None:
    """Wait for a link to end that whoever had the device until now may be ending."""
    waited = 0.0
    while (link := await system.link(address)) is not None and link.connected:
        if waited >= pace.leave_s:
            raise NotMetError(
                f"{address} is connected already. End what is connected to it, or switch the"
                " device off and on; then try again"
            )
        await asyncio.sleep(pace.settle_s)
        waited += pace.settle_s


async def _find(
    address: str, adapter: str, system: Bluez, pace: RadioPace
) -> tuple[BLEDevice, Advert]:
    found: list[tuple[BLEDevice, Advert]] = []
    there = asyncio.Event()

    def heard(device: BLEDevice, advert: Advert) -> None:
        if device.address.upper() == address:
            found.append((device, advert))
            there.set()

    scan = Scan(adapter, heard, pace)
    await scan.on()
    try:
        await first(there.wait(), system.lost.wait(), timeout_s=pace.find_s)
    finally:
        await scan.off()
    if not found:
        raise NotMetError(
            f"{address} was not heard in {pace.find_s:.0f} s. Switch it on, bring it near, end its"
            " app on any phone, and try again"
        )
    return found[-1]


async def _learn(
    gatt: Gatt, advert: Advert, address: str, system: Bluez, pace: RadioPace, *, bond: bool
) -> Met:
    family = recognise(gatt.services)
    if family is None:
        unread = why_unread(gatt.services) or why_unread(advert)
        raise NotMetError(
            f"{address} is not read by this program: {unread or 'no family has its services'}"
        )
    if bond:
        await _bond(gatt, address)
    for characteristic in gatt.of(family.profile.subscribe):
        if characteristic not in _SENT_ONCE:
            await _touch(gatt, characteristic, address)
    about = Device()
    for characteristic in gatt.of(_ABOUT):
        try:
            said = decode(characteristic, await gatt.read(characteristic)).device
        except (GattError, FrameError):
            continue  # it need not be there
        if said is not None:
            about = about.model_copy(update=said.model_dump(exclude_defaults=True))
    if not about.model:
        about = await _ask(gatt, family, about, pace)
    link = await system.link(address)
    return Met(family, advert.name, about, bonded=link is not None and link.paired)


async def _ask(gatt: Gatt, family: Family, about: Device, pace: RadioPace) -> Device:
    """Return what a device says of itself when its stream begins, as a Viatom ring does."""
    profile = family.profile
    said: list[Device] = []
    told = asyncio.Event()

    def heard(stream: Stream, characteristic: int, chunk: bytes) -> None:
        for piece in stream.feed(chunk):
            with suppress(FrameError):
                frame = piece.piece if isinstance(piece, Thrown) else piece
                device = decode(characteristic, frame, family.key).device
                if device is not None and device.model:
                    said.append(device)
                    told.set()

    if not profile.start:
        return about
    for characteristic in gatt.of(profile.subscribe):
        await gatt.subscribe(
            characteristic, partial(heard, Stream(profile.framing), characteristic)
        )
    for write in profile.start:
        await gatt.write(write)
    await first(told.wait(), timeout_s=pace.call_s)
    return about.model_copy(update=said[0].model_dump(exclude_defaults=True)) if said else about


async def _touch(gatt: Gatt, characteristic: int, address: str) -> None:
    """Subscribe for a moment, which is where a device that wants to be paired says so."""
    try:
        await gatt.subscribe(characteristic, lambda _: None)
    except WantsPairingError:
        await _bond(gatt, address)
        await gatt.subscribe(characteristic, lambda _: None)
    await gatt.unsubscribe(characteristic)


async def _bond(gatt: Gatt, address: str) -> None:
    try:
        await gatt.pair()
    except GattError as error:
        raise NotMetError(
            f"{address} refused to be paired ({error.why}). Was the code right? Does the device"
            " need a key held down to be paired? Try again"
        ) from error


async def _leave(gatt: Gatt) -> None:
    try:
        await gatt.leave()
    except GattError:
        return  # whoever listens next ends what is left of the link


def _no_radio(adapter: str, error: Exception) -> str:
    if isinstance(error, RadioAwayError):
        said = error.adapter.value
    else:
        said = error.why if isinstance(error, ScanError) else type(error).__name__
    return (
        f"nothing can be heard: Bluetooth adapter {adapter}: {said}. Is Bluetooth on, bluetoothd"
        " running, and may this user use it?"
    )
