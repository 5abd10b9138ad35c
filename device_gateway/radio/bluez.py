"""What BlueZ must be asked beside bleak: is it there, is the link, forget this, power off and on.

One D-Bus connection of our own. bleak does not notice a bluetoothd that died
(docs/reference/device-layouts.md#radio-faults), so its name is watched here: `lost` is set when it,
the adapter or the bus goes away.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from bleak.backends.bluezdbus.utils import get_dbus_authenticator
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusError

from device_gateway.radio.agent import CAPABILITY, PATH, Agent
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.state import Adapter
from device_gateway.radio.waiting import within

BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
OBJECTS: Final = "org.freedesktop.DBus.ObjectManager"
_DBUS: Final = "org.freedesktop.DBus"

_GONE: Final = frozenset(
    {f"{_DBUS}.Error.ServiceUnknown", f"{_DBUS}.Error.NameHasNoOwner", f"{_DBUS}.Error.NoReply"}
)
_SPAWNING: Final = f"{_DBUS}.Error.Spawn."  # the bus tried to start bluetoothd, and could not
_DENIED: Final = f"{_DBUS}.Error.AccessDenied"
_UNKNOWN_OBJECTS: Final = frozenset(
    {f"{_DBUS}.Error.UnknownObject", f"{_DBUS}.Error.UnknownMethod", "org.bluez.Error.DoesNotExist"}
)


class RadioAwayError(Exception):
    """Nothing can be heard now, and why."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(adapter.value)
        self.adapter = adapter


class BluezError(Exception):
    """BlueZ refused. `name` is the error's name on D-Bus; its text is not kept."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    @property
    def unknown_object(self) -> bool:
        return self.name in _UNKNOWN_OBJECTS


@dataclass(frozen=True, slots=True)
class Link:
    """What BlueZ knows of a device."""

    path: str
    address: str
    connected: bool
    paired: bool


class Bluez:
    """BlueZ, as long as one bluetoothd lives and its adapter is on."""

    def __init__(self, bus: MessageBus, adapter: str, pace: RadioPace) -> None:
        self._bus, self._pace = bus, pace
        self._adapter = f"/org/bluez/{adapter}"
        self.lost = asyncio.Event()

    def path(self, address: str) -> str:
        """Return the path of a device's object."""
        return f"{self._adapter}/dev_{address.replace(':', '_')}"

    async def links(self) -> list[Link]:
        """Return what is known of all devices of this adapter.

        Raises:
            RadioAwayError: there is no bluetoothd, or no adapter, or it is off.
            BluezError, TimeoutError: it does not say.
        """
        try:
            (objects,) = await self.call("/", OBJECTS, "GetManagedObjects")
        except BluezError as error:
            raise RadioAwayError(why_away(error.name)) from None
        adapter = objects.get(self._adapter, {}).get(ADAPTER)
        if adapter is None:
            raise RadioAwayError(Adapter.ABSENT)
        if not adapter["Powered"].value:
            raise RadioAwayError(Adapter.OFF)
        return [
            _link(path, interfaces[DEVICE])
            for path, interfaces in objects.items()
            if path.startswith(f"{self._adapter}/") and DEVICE in interfaces
        ]

    async def link(self, address: str) -> Link | None:
        """Return what is known of a device; None: BlueZ knows it no longer.

        Raises:
            BluezError, TimeoutError: it does not say.
        """
        path = self.path(address)
        try:
            (found,) = await self.call(path, PROPERTIES, "GetAll", "s", [DEVICE])
        except BluezError as error:
            if error.unknown_object:
                return None
            raise
        return _link(path, found)

    async def disconnect(self, address: str) -> None:
        """End whatever link there is to a device.

        Raises:
            BluezError, TimeoutError: it did not end.
        """
        await self.call(self.path(address), DEVICE, "Disconnect", timeout_s=self._pace.leave_s)

    async def forget(self, address: str) -> None:
        """Let BlueZ forget a device, its bond included. It is met anew at its next advert.

        Raises:
            BluezError, TimeoutError: it did not forget.
        """
        try:
            await self.call(self._adapter, ADAPTER, "RemoveDevice", "o", [self.path(address)])
        except BluezError as error:
            if not error.unknown_object:
                raise

    async def power_cycle(self) -> None:
        """Switch the adapter off and on. Every link ends.

        Raises:
            BluezError, TimeoutError: it did not go off, or did not come back.
        """
        await self._power(on=False)
        await asyncio.sleep(self._pace.power_off_s)
        await self._power(on=True)

    async def answer_pairing(self, agent: Agent) -> None:
        """Let this agent answer when a device asks to be paired.

        Raises:
            BluezError, TimeoutError: BlueZ did not take it.
        """
        self._bus.export(PATH, agent)
        capability = CAPABILITY[agent.has_keyboard]
        await self.call("/org/bluez", "org.bluez.AgentManager1", "RegisterAgent", "os",
                        [PATH, capability])  # fmt: skip
        await self.call("/org/bluez", "org.bluez.AgentManager1", "RequestDefaultAgent", "o", [PATH])

    async def call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
        *,
        to: str = BLUEZ,
        timeout_s: float | None = None,
    ) -> list[Any]:
        """Return the answer to a call.

        Raises:
            BluezError: it was refused.
            TimeoutError: nobody answered.
        """
        message = Message(
            destination=to,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=body or [],
        )
        try:
            reply = await within(
                timeout_s or self._pace.call_s, self._bus.call(message), self._pace.settle_s
            )
        except (EOFError, OSError) as error:  # TimeoutError is an OSError
            if isinstance(error, TimeoutError):
                raise
            raise BluezError(f"{_DBUS}.Error.NoReply") from None
        if reply is None:
            raise BluezError(f"{_DBUS}.Error.NoReply")
        if reply.message_type is MessageType.ERROR:
            raise BluezError(reply.error_name or "")
        return list(reply.body)

    async def watch(self) -> None:
        """Set `lost` from now on when bluetoothd, the adapter or the bus goes away.

        Raises:
            BluezError, TimeoutError: the bus does not let us watch.
        """
        self._bus.add_message_handler(self._heard)
        rules = (
            f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
            f"type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',path='{self._adapter}'",
            f"type='signal',sender='{BLUEZ}',interface='{OBJECTS}',member='InterfacesRemoved'",
        )
        for rule in rules:
            await self.call("/org/freedesktop/DBus", _DBUS, "AddMatch", "s", [rule], to=_DBUS)

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        match message.member, message.body:
            case "NameOwnerChanged", [name, _, _] if name == BLUEZ:
                self.lost.set()
            case "PropertiesChanged", [interface, changed, *_] if message.path == self._adapter:
                powered = changed.get("Powered")
                if interface == ADAPTER and powered is not None and not powered.value:
                    self.lost.set()
            case "InterfacesRemoved", [path, interfaces] if path == self._adapter:
                if ADAPTER in interfaces:
                    self.lost.set()

    async def _power(self, *, on: bool) -> None:
        body = [ADAPTER, "Powered", Variant("b", on)]
        await self.call(self._adapter, PROPERTIES, "Set", "ssv", body)


@asynccontextmanager
async def bluez(adapter: str, pace: RadioPace) -> AsyncIterator[Bluez]:
    """Connect to the system's bus for as long as the block lasts.

    Raises:
        RadioAwayError: there is no bus, or it does not let us in.
        BluezError, TimeoutError: it does not answer.
    """
    bus = MessageBus(bus_type=BusType.SYSTEM, auth=get_dbus_authenticator())
    watcher: asyncio.Task[None] | None = None
    try:
        try:
            await within(pace.call_s, _connected(bus), pace.settle_s)
        except AuthError:
            raise RadioAwayError(Adapter.NO_PERMISSION) from None
        except PermissionError:
            raise RadioAwayError(Adapter.NO_PERMISSION) from None
        except TimeoutError:
            raise
        except (OSError, EOFError, DBusError):
            raise RadioAwayError(Adapter.AWAY) from None
        found = Bluez(bus, adapter, pace)
        watcher = asyncio.create_task(_lost_with(bus, found.lost))
        await found.watch()
        yield found
    finally:
        bus.disconnect()
        if watcher is not None:
            await asyncio.wait({watcher}, timeout=pace.settle_s)
            watcher.cancel()


async def _connected(bus: MessageBus) -> None:
    await bus.connect()


async def _lost_with(bus: MessageBus, lost: asyncio.Event) -> None:
    with suppress(Exception):  # whatever ended it, it has ended
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
    lost.set()


def why_away(name: str) -> Adapter:
    """Return what this error of D-Bus says of the adapter: "STUCK" where it says nothing."""
    if name == _DENIED:
        return Adapter.NO_PERMISSION
    gone = name in _GONE or name.startswith(_SPAWNING)
    return Adapter.AWAY if gone else Adapter.STUCK


def _link(path: str, properties: Mapping[str, Variant]) -> Link:
    return Link(
        path=path,
        address=str(properties["Address"].value),
        connected=bool(properties["Connected"].value),
        paired=bool(properties["Paired"].value),
    )
