"""device-gateway scan | pair | devices | unpair | run: the radio at the command line.

bleak is there on Linux only, and takes its time to load: what needs it is imported where it is
used, so that `device-gateway replay` goes without.
"""

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from pydantic import ValidationError

from device_gateway.cli.common import (
    NO_INPUT,
    NO_RADIO,
    WRONG_USAGE,
    HomesOption,
    SpoolDirOption,
    begin,
    homes_or_refuse,
    open_street,
    refuse,
    stop_on_signals,
)
from device_gateway.cli.page import HostOption, PortOption, page
from device_gateway.config.devices_file import (
    FILE_NAME,
    Devices,
    DevicesError,
    Paired,
    read_devices,
    write_devices,
)
from device_gateway.decode.family import Advert, Evidence
from device_gateway.decode.registry import FAMILIES, recognise, why_unread
from device_gateway.home import Home, HomeHear
from device_gateway.radio.state import RadioState
from device_gateway.radio.status import report
from ward_service.contract.clock import Clock

if TYPE_CHECKING:
    from device_gateway.radio.pairing import Met

log = logging.getLogger(__name__)

T = TypeVar("T")

_UNPROVEN: Final = (
    "No frame of a real device of this kind has been read here. Compare with its own display before"
    " anybody relies on it."
)

AdapterOption = Annotated[
    str | None, typer.Option("--adapter", help="Bluetooth adapter; else the devices file's, hci0")
]
AddressArgument = Annotated[str, typer.Argument(help="as `device-gateway scan` shows it")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the gateway's."""
    app.command("scan")(scan_command)
    app.command("pair")(pair_command)
    app.command("devices")(devices_command)
    app.command("unpair")(unpair_command)
    app.command("run")(run_command)


def scan_command(
    seconds: Annotated[float, typer.Option(min=0.1, help="how long to listen")] = 10,
    homes: HomesOption = None,
    adapter: AdapterOption = None,
) -> None:
    """List the devices about that can be read, and those that look like it and cannot.

    Others are counted only. Exit 6 if nothing can be heard.
    """
    settings, _ = begin()
    devices = _devices(_file(homes or settings.homes))
    _needs_bleak()
    from device_gateway.radio.pairing import adverts

    found = _by_radio(adverts(adapter or devices.adapter, seconds))
    paired = {device.address: device for device in devices.devices}
    others = 0
    for address, advert in sorted(found.items()):
        known = paired.get(address)
        words = _said(advert, known)
        if words is None:
            others += 1
        else:
            typer.echo(f"{address}  {advert.name or '(no name)'}: {words}")
    typer.echo(f"{others} other devices, which are none of ours")


def pair_command(
    address: AddressArgument,
    slot: Annotated[list[int], typer.Option(min=1, max=999, help="whose it is; several share it")],
    user: Annotated[
        list[str] | None,
        typer.Option(metavar="N=SLOT", help="which slot the device's own user N is"),
    ] = None,
    bond: Annotated[
        bool, typer.Option("--bond", help="pair even if it does not ask for it (it shows a code)")
    ] = False,
    homes: HomesOption = None,
    adapter: AdapterOption = None,
) -> None:
    """Add a device to this home: connect, see what it is, and note whose it is.

    A device that shows a code is asked for it here. Exit 6 if it cannot be reached or read.
    """
    settings, _ = begin()
    file = _file(homes or settings.homes)
    devices = before = _devices(file)
    address = address.upper()
    users = _users(user or [])
    try:  # before anybody waits for the radio
        Paired(address=address, family=next(iter(FAMILIES)), slots=tuple(slot), users=users)
    except ValidationError as error:
        refuse(_first_words(error), WRONG_USAGE)
    _needs_bleak()
    from device_gateway.cli.prompt import ask_code
    from device_gateway.radio.pairing import meet

    if adapter is not None:
        devices = devices.model_copy(update={"adapter": adapter})
    # `run` lets go of what is no longer in the file, and would be in the way.
    _write(file, before.without(address))
    met = None
    try:
        met = _by_radio(meet(address, devices.adapter, ask_code, typer.echo, bond=bond))
    finally:
        if met is None:
            _write(file, before)
    device = Paired(
        address=address,
        family=met.family.key,
        name=met.name,
        slots=tuple(slot),
        users=users,
        model=met.about.model,
        serial=met.about.serial,
        firmware=met.about.firmware,
    )
    _write(file, devices.with_(device))
    _tell_met(device, met)


def devices_command(homes: HomesOption = None) -> None:
    """List the devices of this home."""
    settings, _ = begin()
    devices = _devices(_file(homes or settings.homes))
    for device in devices.devices:
        family = FAMILIES[device.family]
        whose = _slots(device)
        mark = "" if family.evidence is Evidence.CAPTURED else f" ({family.evidence})"
        typer.echo(f"{device.address}  {_kind(device)}, {whose}{mark}")
    typer.echo(f"{len(devices.devices)} devices, on adapter {devices.adapter}")


def unpair_command(address: AddressArgument, homes: HomesOption = None) -> None:
    """Listen to a device no longer, and let Bluetooth forget it."""
    settings, _ = begin()
    file = _file(homes or settings.homes)
    devices = _devices(file)
    kept = devices.without(address)
    if kept == devices:
        refuse(f"{address.upper()} is not a device of this home; nothing was changed", NO_INPUT)
    _write(file, kept)
    from device_gateway.radio.pairing import forget

    typer.echo(f"{address.upper()} is no longer a device of this home.")
    if not asyncio.run(forget(address.upper(), devices.adapter)):
        typer.echo(
            "Bluetooth could not be asked to forget it; if it was paired with a code, run:"
            f" bluetoothctl remove {address.upper()}",
            err=True,
        )


def run_command(
    homes: HomesOption = None,
    spool_dir: SpoolDirOption = None,
    page_port: PortOption = None,
    page_host: HostOption = "127.0.0.1",
) -> None:
    """Be the gateway of a home: hear its devices, and send what they say, until told to end.

    Devices that are paired or unpaired meanwhile are heard, or not, from then on. Without
    Bluetooth what was heard before is still sent.
    """
    settings, clock = begin()
    path = homes or settings.homes
    homes_file = homes_or_refuse(path)
    if len(homes_file.homes) != 1:
        refuse(
            f"{path} has {len(homes_file.homes)} homes; a box in a home carries one. Give it a file"
            " with that home alone",
            NO_INPUT,
        )
    _devices(_file(path))
    ended = stop_on_signals()
    places, folder = homes_file.homes, spool_dir or settings.spool_dir
    state = RadioState(clock)
    with (
        open_street(
            homes_file,
            places,
            folder,
            clock,
            settings,
            on_damage=ended.set,
            radio_report=partial(report, state),
        ) as street,
        page(street, folder, clock, page_host, page_port),
    ):
        try:
            _hear(street.homes[0], _file(path), clock, ended, state)
        except Exception as error:  # noqa: BLE001 - without a radio, what is in the spool is still sent
            log.error("radio.failed", extra={"error": type(error).__name__})
        ended.wait()


def _needs_bleak() -> None:
    if find_spec("bleak") is None:
        refuse("no Bluetooth here: it needs Linux, and the gateway's own extra installed", NO_RADIO)


def _hear(home: Home, file: Path, clock: Clock, ended: Event, state: RadioState) -> None:
    from device_gateway.radio.thread import hear_home

    asyncio.run(hear_home(file, HomeHear(home), clock, ended, state))


def _by_radio(doing: Coroutine[Any, Any, T]) -> T:
    from device_gateway.radio.pairing import NotMetError

    try:
        return asyncio.run(doing)
    except NotMetError as error:
        refuse(str(error), NO_RADIO)


def _file(homes: Path) -> Path:
    return homes.with_name(FILE_NAME)


def _devices(file: Path) -> Devices:
    try:
        return read_devices(file)
    except DevicesError as error:
        refuse(str(error), NO_INPUT)


def _write(file: Path, devices: Devices) -> None:
    """Write the devices file, if that changes anything."""
    try:
        if read_devices(file) != devices:
            write_devices(file, devices)
    except DevicesError as error:
        refuse(str(error), NO_INPUT)


def _said(advert: Advert, paired: Paired | None) -> str | None:
    family = FAMILIES[paired.family] if paired else recognise(advert)
    if family is None:
        unread = why_unread(advert)
        return f"not read: {unread}" if unread else None
    mine = f"; of this home, {_slots(paired)}" if paired else ""
    return f"{family.label}, {family.evidence}{mine}"


def _kind(device: Paired) -> str:
    label = FAMILIES[device.family].label
    return f"{device.model}, {label}" if device.model else label


def _slots(device: Paired) -> str:
    numbers = " and ".join(map(str, device.slots))
    users = "".join(f", its user {user} is slot {slot}" for user, slot in device.users.items())
    return f"slot {numbers}{users}" if len(device.slots) == 1 else f"slots {numbers}{users}"


def _users(written: list[str]) -> dict[int, int]:
    users = {}
    for one in written:
        number, _, slot = one.partition("=")
        if not (number.isdecimal() and slot.isdecimal()):
            refuse(
                f"--user {one}: say it as --user 1=2, the device's user 1 is slot 2", WRONG_USAGE
            )
        users[int(number)] = int(slot)
    return users


def _first_words(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ")


def _tell_met(device: Paired, met: "Met") -> None:
    battery = "" if met.about.battery is None else f", battery {met.about.battery:.0f} %"
    typer.echo(f"{_kind(device)}{battery}.")
    typer.echo(f"It is now heard for {_slots(device)}.")
    if met.bonded:
        typer.echo("It is paired with this box: other apps and phones may have to be told so.")
    if met.family.evidence is not Evidence.CAPTURED:
        typer.echo(_UNPROVEN)
    if len(device.slots) > 1 and not device.users:
        typer.echo(
            f"{len(device.slots)} people share it and it was not said which of its users is who"
            " (--user 1=2): a person must say whose a reading is."
        )
