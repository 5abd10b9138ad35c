"""A connected device, as its services are: each call ends in time, and the errors are few.

bleak repeats a call that BlueZ answers with `InProgress` for ever; here every one has its time.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from bleak_retry_connector import BleakClientWithServiceCache, establish_connection

from device_gateway.decode import uuids
from device_gateway.decode.family import Advert, Write
from device_gateway.radio.pace import RadioPace
from device_gateway.radio.waiting import within

T = TypeVar("T")

LONGEST_WRITE: Final = 20  # what every device takes at once (Bluetooth Core, ATT_MTU 23)

# Insufficient authentication, key size, encryption: the device wants to be paired first.
_WANTS_PAIRING: Final = frozenset({0x05, 0x0C, 0x0F})


class GattError(Exception):
    """A device, or BlueZ, refused or did not answer. `why` repeats no address and no value."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NoAnswerError(GattError):
    """BlueZ said nothing in time: what was asked may have happened, or happen yet."""


class WantsPairingError(GattError):
    """The device does this only for somebody it is paired with."""


class Gatt:
    """One connection."""

    def __init__(self, client: BleakClient, name: str, pace: RadioPace) -> None:
        self._client, self._name, self._pace = client, name, pace
        self._found: dict[int, BleakGATTCharacteristic] = {}
        for characteristic in client.services.characteristics.values():
            self._found.setdefault(uuids.number(characteristic.uuid), characteristic)

    @property
    def connected(self) -> bool:
        """Whether bleak believes so. It is not told of everything."""
        return self._client.is_connected

    @property
    def services(self) -> Advert:
        """What the device is by its services, which it cannot leave out as an advert can."""
        services = frozenset(uuids.number(service.uuid) for service in self._client.services)
        return Advert(self._name, services)

    def has(self, characteristic: int, *properties: str) -> bool:
        """Return whether there is this characteristic, with one of these properties if named."""
        found = self._found.get(characteristic)
        return found is not None and (
            not properties or not set(properties).isdisjoint(found.properties)
        )

    def of(self, characteristics: Iterable[int]) -> list[int]:
        """Return those that the device has, in the order given."""
        return [uuid for uuid in characteristics if uuid in self._found]

    async def subscribe(self, characteristic: int, heard: Callable[[bytes], None]) -> None:
        """Let `heard` be called with each notification.

        Raises:
            GattError: it was not possible, in time.
        """
        found = self._found[characteristic]
        await self._call(
            self._client.start_notify(found, lambda _, chunk: heard(bytes(chunk))),
            self._pace.subscribe_s,
        )

    async def unsubscribe(self, characteristic: int) -> None:
        """Let it be told that we listen no longer.

        Raises:
            GattError: it was not possible, in time.
        """
        await self._call(self._client.stop_notify(self._found[characteristic]))

    async def read(self, characteristic: int) -> bytes:
        """Return its value.

        Raises:
            GattError: it was not possible, in time.
        """
        return bytes(await self._call(self._client.read_gatt_char(self._found[characteristic])))

    async def write(self, write: Write) -> None:
        """Write a value, in pieces that every device takes.

        Raises:
            GattError: it was not possible, in time, or there is no such characteristic.
        """
        found = self._found.get(write.characteristic)
        if found is None:
            raise GattError(f"has no characteristic {uuids.said(write.characteristic)}")
        for at in range(0, len(write.value), LONGEST_WRITE):
            piece = write.value[at : at + LONGEST_WRITE]
            await self._call(self._client.write_gatt_char(found, piece, response=write.response))

    async def pair(self) -> None:
        """Pair, by the agent that answers for this home.

        Raises:
            GattError: it was refused, or nobody answered in time.
        """
        await self._call(self._client.pair(), self._pace.pair_s)

    async def leave(self) -> None:
        """End the connection.

        Raises:
            NoAnswerError: BlueZ did not say whether it ended.
            GattError: BlueZ refused, or is gone, and its connections with it.
        """
        await self._call(self._client.disconnect(), self._pace.leave_s)

    async def _call(self, doing: Awaitable[T], seconds: float | None = None) -> T:
        async def done() -> T:
            return await doing

        try:
            return await within(seconds or self._pace.call_s, done(), self._pace.settle_s)
        except Exception as error:  # noqa: BLE001 - bleak raises a dozen kinds, and dbus-fast more
            if wants_pairing(error):
                raise WantsPairingError(why(error)) from None
            if isinstance(error, TimeoutError):
                raise NoAnswerError(why(error)) from None
            raise GattError(why(error)) from None


async def connect(
    device: BLEDevice,
    name: str,
    gone: Callable[[], None],
    pace: RadioPace,
    *,
    cached_services: bool = False,
) -> Gatt:
    """Connect to a device from an advert that came just now; `gone` is called when it is lost.

    It is called for each attempt that fails, too, and such are made again in here.

    Raises:
        GattError: it was not possible, in time.
    """
    try:
        client = await within(
            pace.connect_s,
            establish_connection(
                BleakClientWithServiceCache,
                device,
                "device",  # it stands in the texts of errors
                disconnected_callback=lambda _: gone(),
                use_services_cache=cached_services,
            ),
            pace.settle_s,
        )
    except Exception as error:  # noqa: BLE001 - bleak raises a dozen kinds, and dbus-fast more
        raise GattError(why(error)) from None
    return Gatt(client, name, pace)


def wants_pairing(error: Exception) -> bool:
    """Return whether an error of bleak says that the device wants to be paired."""
    if isinstance(error, BleakGATTProtocolError):
        return int(error.code) in _WANTS_PAIRING
    if not isinstance(error, BleakDBusError) or len(error.args) < 2:
        return False
    return error.dbus_error == "org.bluez.Error.NotPermitted" and "paired" in str(error.args[1])


def why(error: Exception) -> str:
    """Return an error's name, without what it says: that can hold addresses and values."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, BleakGATTProtocolError):
        return f"ATT error 0x{int(error.code):02X}"
    if isinstance(error, BleakDBusError):
        return error.dbus_error
    cause = error.__cause__
    if isinstance(error, BleakError) and isinstance(cause, Exception):
        return f"{type(error).__name__}: {why(cause)}"
    return type(error).__name__
