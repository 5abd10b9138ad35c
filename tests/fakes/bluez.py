"""A BlueZ of our own, on a bus of our own: enough for the unmodified bleak, and it can be broken.

It says what BlueZ says (docs/reference/device-layouts.md#radio-faults, #fake-bluez): a device is
there once it was heard; it is connected, then its services are resolved; an indication that comes
before somebody subscribed is confirmed to the device, and nobody gets it. The devices at the other
end are in `peripherals.py`.

`python -m tests.fakes.bluez` stays up with a few devices, and prints the address of its bus.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

from dbus_fast import BusType, Message, MessageType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import (
    DBusBool,
    DBusBytes,
    DBusDict,
    DBusInt16,
    DBusObjectPath,
    DBusSignature,
    DBusStr,
    DBusUInt16,
)
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from device_gateway.decode import uuids
from tests.fakes import peripherals
from tests.fakes.peripherals import Characteristic, Peripheral

VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
HAS_DBUS = shutil.which("dbus-daemon") is not None

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/>{deny}</policy></busconfig>"""
DENY_BLUEZ = '<deny send_destination="org.bluez"/>'

READ, READ_WRITE = PropertyAccess.READ, PropertyAccess.READWRITE
Strings = Annotated[list[str], DBusSignature("as")]
Manufacturers = Annotated[dict[int, Variant], DBusSignature("a{qv}")]


class PrivateBus:
    """A dbus-daemon of its own in a temporary folder. It can be killed, and started again."""

    def __init__(self, *, deny_bluez: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="homeward-bus-"))
        self._socket = self._folder / "bus"
        self._config = self._folder / "bus.conf"
        deny = DENY_BLUEZ if deny_bluez else ""
        self._config.write_text(BUS_CONFIG.format(socket=self._socket, deny=deny))
        self.address = f"unix:path={self._socket}"
        self.start()

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile"],
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 10
        while not self._answers():
            assert self.process.poll() is None, "dbus-daemon ended"
            assert time.monotonic() < end, "dbus-daemon answers nobody"
            time.sleep(0.005)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def private_bus(*, deny_bluez: bool = False) -> Iterator[PrivateBus]:
    """A bus that this process, and those that it starts, take for the system's."""
    before = os.environ.get(VARIABLE)
    bus = PrivateBus(deny_bluez=deny_bluez)
    os.environ[VARIABLE] = bus.address
    try:
        yield bus
    finally:
        bus.close()
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def error(name: str, text: str = "") -> DBusError:
    return DBusError(f"org.bluez.Error.{name}", text)


def att(code: int) -> DBusError:
    return error("Failed", f"Operation failed with ATT error: 0x{code:02x} (as asked)")


IN_PROGRESS = error("InProgress", "In Progress")
ABORTED = error("Failed", "le-connection-abort-by-local")


class _Bus(MessageBus):
    """BlueZ says what came and went from "/", dbus-fast from the object's own path."""

    def send(self, msg: Message) -> Any:
        if (
            msg.interface == "org.freedesktop.DBus.ObjectManager"
            and msg.message_type is MessageType.SIGNAL
        ):
            msg.path = "/"
        return super().send(msg)


class FakeService(ServiceInterface):
    def __init__(self, device: "FakeDevice", number: int, uuid: int) -> None:
        super().__init__("org.bluez.GattService1")
        self.device, self.uuid = device, uuid
        self.path = f"{device.path}/service{number:04x}"

    @dbus_property(READ, "UUID")
    def uuid_(self) -> DBusStr:
        return uuids.text(self.uuid)

    @dbus_property(READ, "Device")
    def device_(self) -> DBusObjectPath:
        return self.device.path

    @dbus_property(READ, "Primary")
    def primary(self) -> DBusBool:
        return True


class FakeCharacteristic(ServiceInterface):
    """`read_errors`, `write_errors`, `notify_errors`: each answers one call; `forever` all."""

    def __init__(self, service: FakeService, number: int, model: Characteristic) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self.service, self.model = service, model
        self.device = service.device
        self.path = f"{service.path}/char{number:04x}"
        self.notifying = False
        self.value = model.value
        self.read_errors: list[DBusError] = []
        self.write_errors: list[DBusError] = []
        self.notify_errors: list[DBusError] = []
        self.forever: DBusError | None = None
        self.written: list[tuple[bytes, str]] = []

    @dbus_property(READ, "UUID")
    def uuid_(self) -> DBusStr:
        return uuids.text(self.model.uuid)

    @dbus_property(READ, "Service")
    def service_(self) -> DBusObjectPath:
        return self.service.path

    @dbus_property(READ, "Flags")
    def flags(self) -> Strings:
        return list(self.model.flags)

    @dbus_property(READ, "Value")
    def value_(self) -> DBusBytes:
        return self.value

    @dbus_property(READ, "Notifying")
    def notifying_(self) -> DBusBool:
        return self.notifying

    @dbus_property(READ, "MTU")
    def mtu(self) -> DBusUInt16:
        return 23

    @dbus_method(name="ReadValue")
    def read_value(self, options: DBusDict) -> DBusBytes:
        self._refuse(self.read_errors)
        return self.device.peripheral.read(self.model.uuid)

    @dbus_method(name="WriteValue")
    def write_value(self, value: DBusBytes, options: DBusDict) -> None:
        self._refuse(self.write_errors)
        self.written.append((bytes(value), str(options["type"].value)))
        self.device.peripheral.written(self.model.uuid, bytes(value))

    @dbus_method(name="StartNotify")
    def start_notify(self) -> None:
        self._refuse(self.notify_errors)
        if not {"notify", "indicate"} & set(self.model.flags):
            raise error("NotSupported", "Operation is not supported")
        self.notifying = True
        self.emit_properties_changed({"Notifying": True})
        self.device.peripheral.subscribe(self.model.uuid)

    @dbus_method(name="StopNotify")
    def stop_notify(self) -> None:
        self._refuse([])
        self.notifying = False
        self.emit_properties_changed({"Notifying": False})
        self.device.peripheral.unsubscribe(self.model.uuid)

    def arrive(self, value: bytes) -> None:
        """A notification, or an indication that BlueZ has confirmed, whoever listens."""
        if self.notifying and not self.device.mute:
            self.value = value
            for _ in range(self.device.copies):
                self.emit_properties_changed({"Value": value})

    def _refuse(self, once: list[DBusError]) -> None:
        if self.forever is not None:
            raise self.forever
        if once:
            raise once.pop(0)
        if self.model.encrypted and not self.device.paired:
            raise self.device.peripheral.refusal


class FakeDevice(ServiceInterface):
    """What BlueZ knows of a peripheral, and how it can fail."""

    def __init__(self, adapter: "FakeAdapter", peripheral: Peripheral) -> None:
        super().__init__("org.bluez.Device1")
        self.adapter, self.peripheral = adapter, peripheral
        self.path = f"{adapter.path}/dev_{peripheral.address.replace(':', '_')}"
        self.connected = self.resolved = self.paired = self.trusted = False
        self.rssi = -60
        self.connects = 0
        self.connect_errors: list[DBusError] = []
        self.hang_connect = self.no_resolve = self.mute = False
        self.copies = 1
        self._cancel: asyncio.Event | None = None
        self.characteristics: dict[int, FakeCharacteristic] = {}
        self._objects: list[FakeService | FakeCharacteristic] = []
        number = 0x10
        for service_uuid, models in peripheral.services.items():
            service = FakeService(self, number, service_uuid)
            self._objects.append(service)
            for model in models:
                number += 2
                one = FakeCharacteristic(service, number, model)
                self.characteristics[model.uuid] = one
                self._objects.append(one)
            number += 0x10

    @dbus_property(READ, "Address")
    def address(self) -> DBusStr:
        return self.peripheral.address

    @dbus_property(READ, "AddressType")
    def address_type(self) -> DBusStr:
        return "random"

    @dbus_property(READ, "Name")
    def name_(self) -> DBusStr:
        return self.peripheral.name

    @dbus_property(READ, "Alias")
    def alias(self) -> DBusStr:
        return self.peripheral.name

    @dbus_property(READ, "Adapter")
    def adapter_(self) -> DBusObjectPath:
        return self.adapter.path

    @dbus_property(READ, "Paired")
    def paired_(self) -> DBusBool:
        return self.paired

    @dbus_property(READ, "Bonded")
    def bonded(self) -> DBusBool:
        return self.paired

    @dbus_property(READ_WRITE, "Trusted")
    def trusted_(self) -> DBusBool:
        return self.trusted

    @trusted_.setter
    def trusted_set(self, trusted: DBusBool) -> None:
        self.trusted = trusted

    @dbus_property(READ, "Blocked")
    def blocked(self) -> DBusBool:
        return False

    @dbus_property(READ, "Connected")
    def connected_(self) -> DBusBool:
        return self.connected

    @dbus_property(READ, "ServicesResolved")
    def services_resolved(self) -> DBusBool:
        return self.resolved

    @dbus_property(READ, "UUIDs")
    def uuids_(self) -> Strings:
        return [uuids.text(uuid) for uuid in self.peripheral.advertised]

    @dbus_property(READ, "RSSI")
    def rssi_(self) -> DBusInt16:
        return self.rssi

    @dbus_property(READ, "ManufacturerData")
    def manufacturer_data(self) -> Manufacturers:
        said = self.peripheral.manufacturers
        return {company: Variant("ay", data) for company, data in said.items()}

    @dbus_method(name="Connect")
    async def connect(self) -> None:
        self.connects += 1
        if self.connect_errors:
            failure = self.connect_errors.pop(0)
            if failure is ABORTED:  # BlueZ was connected for a moment
                self._say(connected=True)
                self._say(connected=False)
            raise failure
        if self.hang_connect:
            self._cancel = asyncio.Event()
            await self._cancel.wait()
            raise error("Failed", "le-connection-canceled")
        self.link_up()

    @dbus_method(name="Disconnect")
    async def disconnect(self) -> None:
        if self._cancel is not None:
            self._cancel.set()
            self._cancel = None
        self.drop()

    @dbus_method(name="Pair")
    async def pair(self) -> None:
        if not self.connected:
            self.link_up()
        if not await self.adapter.bluez.ask_agent(self):
            raise error("AuthenticationFailed", "Authentication Failed")
        self._say(paired=True)
        self.peripheral.bonded = True

    def link_up(self) -> None:
        self._say(connected=True)
        for each in self._objects:
            self.adapter.bus.export(each.path, each)
        self.peripheral.link(self._arrived)
        if not self.no_resolve:
            self._say(resolved=True)

    def drop(self) -> None:
        """The link is lost, or ended."""
        if not self.connected:
            return
        self._say(resolved=False)
        self._unexport()
        self._say(connected=False)
        self.peripheral.unlink()

    def forget(self) -> None:
        """The object goes without a word that the link has ended.

        See docs/reference/device-layouts.md#radio-faults.
        """
        self.peripheral.unlink()
        self.connected = self.resolved = False
        self._unexport()
        self.adapter.visible.discard(self.path)
        self.adapter.bus.unexport(self.path, self)

    def advertise(self) -> None:
        if self.path not in self.adapter.visible:
            self.adapter.visible.add(self.path)
            self.adapter.bus.export(self.path, self)
        else:
            self.rssi = -60 - (self.rssi + 61) % 7
            self.emit_properties_changed({"RSSI": self.rssi})

    def vanish(self) -> None:
        """bluetoothd has died: nobody is told."""
        self.peripheral.unlink()
        self.connected = self.resolved = False
        for each in self._objects:
            if isinstance(each, FakeCharacteristic):
                each.notifying = False

    def _unexport(self) -> None:
        for each in reversed(self._objects):
            if isinstance(each, FakeCharacteristic):
                each.notifying = False
            self.adapter.bus.unexport(each.path, each)

    def _arrived(self, uuid: int, value: bytes) -> None:
        self.characteristics[uuid].arrive(value)

    def _say(
        self,
        *,
        connected: bool | None = None,
        resolved: bool | None = None,
        paired: bool | None = None,
    ) -> None:
        changed: dict[str, Any] = {}
        if connected is not None:
            self.connected = changed["Connected"] = connected
        if resolved is not None:
            self.resolved = changed["ServicesResolved"] = resolved
        if paired is not None:
            self.paired = changed["Paired"] = paired
        self.emit_properties_changed(changed)


class FakeAdapter(ServiceInterface):
    """`scan_errors` answer one StartDiscovery each, `scan_forever` all."""

    def __init__(self, bluez: "FakeBluez", number: int) -> None:
        super().__init__("org.bluez.Adapter1")
        self.bluez = bluez
        self.path = f"/org/bluez/hci{number}"
        self.powered, self.absent = True, False
        self.power_cycles = 0
        self.removed: list[str] = []
        self.scan_errors: list[DBusError] = []
        self.scan_forever: DBusError | None = None
        self.scans = 0
        self.devices: dict[str, FakeDevice] = {}
        self.visible: set[str] = set()
        self._scanning: asyncio.Task[None] | None = None

    @property
    def bus(self) -> MessageBus:
        return self.bluez.bus

    @dbus_property(READ, "Address")
    def address(self) -> DBusStr:
        return "00:11:22:33:44:55"

    @dbus_property(READ_WRITE, "Powered")
    def powered_(self) -> DBusBool:
        return self.powered

    @powered_.setter
    def powered_set(self, powered: DBusBool) -> None:
        self.power_cycles += powered and not self.powered
        self.power(on=powered)

    @dbus_property(READ, "Discovering")
    def discovering(self) -> DBusBool:
        return self._scanning is not None

    @dbus_property(READ, "Roles")
    def roles(self) -> Strings:
        return ["central", "peripheral"]

    @dbus_method(name="SetDiscoveryFilter")
    def set_discovery_filter(self, properties: DBusDict) -> None:
        pass

    @dbus_method(name="StartDiscovery")
    def start_discovery(self) -> None:
        if not self.powered:
            raise error("NotReady", "Resource Not Ready")
        if self.scan_forever is not None:
            raise self.scan_forever
        if self.scan_errors:
            raise self.scan_errors.pop(0)
        if self._scanning is not None:
            raise IN_PROGRESS
        self.scans += 1
        self._scanning = asyncio.create_task(self._scan())

    @dbus_method(name="StopDiscovery")
    def stop_discovery(self) -> None:
        if self._scanning is None:
            raise error("Failed", "No discovery started")
        self.stop_scan()

    @dbus_method(name="RemoveDevice")
    def remove_device(self, device: DBusObjectPath) -> None:
        for one in self.devices.values():
            if one.path == device and device in self.visible:
                self.removed.append(one.peripheral.address)
                one.drop()
                one.paired = one.peripheral.bonded = False
                one.forget()
                return
        raise error("DoesNotExist", "Does Not Exist")

    def power(self, *, on: bool) -> None:
        if on is self.powered:
            return
        self.powered = on
        if not on:
            self.stop_scan()
            for device in self.devices.values():
                device.drop()
        self.emit_properties_changed({"Powered": on})

    def unplug(self) -> None:
        self.stop_scan()
        for device in self.devices.values():
            device.drop()
            if device.path in self.visible:
                self.bus.unexport(device.path, device)
        self.visible.clear()
        self.absent = True
        self.bus.unexport(self.path, self)

    def plug(self) -> None:
        self.absent = False
        self.bus.export(self.path, self)

    def add(self, peripheral: Peripheral) -> FakeDevice:
        device = self.devices[peripheral.address] = FakeDevice(self, peripheral)
        return device

    def stop_scan(self) -> None:
        if self._scanning is not None:
            self._scanning.cancel()
            self._scanning = None

    async def _scan(self) -> None:
        while True:
            for device in self.devices.values():
                if device.peripheral.advertising and not device.connected:
                    device.advertise()
            await asyncio.sleep(self.bluez.advert_every_s)


class FakeAgentManager(ServiceInterface):
    def __init__(self) -> None:
        super().__init__("org.bluez.AgentManager1")
        self.agent: tuple[str, str, str] | None = None  # whose, path, capability

    @dbus_method(name="RegisterAgent")
    def register_agent(self, agent: DBusObjectPath, capability: DBusStr) -> None:
        pass  # it was noted with its sender when the message came

    @dbus_method(name="UnregisterAgent")
    def unregister_agent(self, agent: DBusObjectPath) -> None:
        self.agent = None

    @dbus_method(name="RequestDefaultAgent")
    def request_default_agent(self, agent: DBusObjectPath) -> None:
        pass

    def heard(self, message: Message) -> None:
        if message.member == "RegisterAgent" and message.sender is not None:
            self.agent = (message.sender, *message.body)


class FakeBluez:
    """bluetoothd: it can be killed and started again; its devices outlive it.

    `frozen`: it is there, and answers nothing.
    """

    def __init__(self, advert_every_s: float = 0.02) -> None:
        self.advert_every_s = advert_every_s
        self.adapter = FakeAdapter(self, 0)
        self.other_adapter = FakeAdapter(self, 1)
        self.agents = FakeAgentManager()
        self.frozen = False

    async def start(self) -> None:
        self.bus: MessageBus = await _Bus(bus_type=BusType.SYSTEM).connect()
        self.agents = FakeAgentManager()
        self.bus.add_message_handler(self._ignores)
        self.bus.add_message_handler(self.agents.heard)
        self.bus.export("/org/bluez", self.agents)
        for adapter in (self.adapter, self.other_adapter):
            if not adapter.absent:
                self.bus.export(adapter.path, adapter)
        await self.bus.request_name("org.bluez")

    async def kill(self) -> None:
        """SIGKILL: nobody is told anything but by the bus."""
        for adapter in (self.adapter, self.other_adapter):
            adapter.stop_scan()
            for device in adapter.devices.values():
                device.vanish()
            adapter.visible.clear()
        self.bus.disconnect()
        with suppress(OSError, EOFError):
            await self.bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _ignores(self, message: Message) -> bool:
        return self.frozen and message.message_type is MessageType.METHOD_CALL

    def add(self, peripheral: Peripheral) -> FakeDevice:
        return self.adapter.add(peripheral)

    async def ask_agent(self, device: FakeDevice) -> bool:
        """Whether the agent lets a device be paired, as this one wants to be."""
        if self.agents.agent is None:
            return False
        whose, path, capability = self.agents.agent
        code = device.peripheral.passkey
        if code is not None and capability == "NoInputNoOutput":
            return False
        reply = await self.bus.call(
            Message(
                destination=whose,
                path=path,
                interface="org.bluez.Agent1",
                member="RequestAuthorization" if code is None else "RequestPasskey",
                signature="o",
                body=[device.path],
            )
        )
        if reply is None or reply.message_type is MessageType.ERROR:
            return False
        return code is None or reply.body[0] == code


@asynccontextmanager
async def fake_bluez(*there: Peripheral) -> AsyncIterator[FakeBluez]:
    """A bluetoothd on this process's system bus, with these devices in the room."""
    bluez = FakeBluez()
    await bluez.start()
    for peripheral in there:
        bluez.add(peripheral)
    try:
        yield bluez
    finally:
        await bluez.kill()


class BluezProcess:
    """`python -m tests.fakes.bluez` for whole commands. `address`: the bus of its devices."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.bluez"],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        lines = iter(self._process.stdout.readline, "")
        self.address = next(lines).strip().removeprefix(f"{VARIABLE}=")
        assert any(line.strip() == "ready" for line in lines), "the fake BlueZ did not start"

    def __enter__(self) -> "BluezProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


async def _stay(there: list[Peripheral]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    async with fake_bluez(*there):
        for peripheral in there:
            print(f"{peripheral.address}  {peripheral.name}", flush=True)
        print("ready", flush=True)
        await ended.wait()


def main() -> None:
    """Stay up with a few devices; the first line is what a gateway needs in its environment."""
    with private_bus() as bus:
        print(f"{VARIABLE}={bus.address}", flush=True)
        asyncio.run(_stay(peripherals.a_room()))


if __name__ == "__main__":
    main()
