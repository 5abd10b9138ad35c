"""How the radio of a home is, and what a nurse should know of it.

The radio writes, anybody reads, from any thread. No address leaves `Snapshot.devices`, whose keys
they are; the words name a device by its model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

from device_gateway.config.devices_file import Devices
from ward_service.contract.clock import Clock
from ward_service.contract.vocabulary import TroubleCode


class Adapter(StrEnum):
    """How the computer's Bluetooth adapter is."""

    UNKNOWN = "not looked at yet"
    ON = "on"
    OFF = "off"
    ABSENT = "absent"
    NO_PERMISSION = "no permission"
    AWAY = "bluetoothd away"
    STUCK = "does not scan"


class Doing(StrEnum):
    """What the radio does with a device."""

    AWAITED = "waiting for its advert"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    CONNECTED = "connected"
    RESTING = "waiting before the next try"


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is worth a nurse's time. Ours, unsigned; each with its reason."""

    # After a restart bluetoothd was back in 2 s (docs/reference/device-layouts.md#radio-faults)
    radio_off: timedelta = timedelta(minutes=2)
    not_seen: timedelta = timedelta(hours=24)  # a device is off between uses; nobody measures less
    battery_percent: int = 20  # time to bring a battery before the next day's readings
    missed_is_told: timedelta = timedelta(hours=24)  # a shift can ask, and the next one too
    failures: int = 5  # a device that is on was tried as often; RadioPace.forget_after


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How a device is. None: not yet, or it does not say.

    `possibly_missed`: how often it may have sent something that we did not get. `failures`: in a
    row. `unread`: why it cannot be read at all, in words, "" where it can. `parted_well`: it knows
    that nobody listens; until we know better, it may not.
    """

    said: str
    slots: tuple[int, ...]
    doing: Doing = Doing.AWAITED
    last_seen_at: datetime | None = None
    last_frame_at: datetime | None = None
    battery: float | None = None
    possibly_missed: int = 0
    missed_at: datetime | None = None
    failures: int = 0
    unread: str = ""
    parted_well: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is the matter, for whom, in words for whoever looks at the box.

    `device` is its model, empty where all of them are concerned; `count` how often it was.
    """

    code: TroubleCode
    slots: tuple[int, ...]
    words: str
    device: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The radio at one moment. `since`: how long the adapter has been so."""

    adapter: Adapter = Adapter.UNKNOWN
    since: datetime | None = None
    restart_wanted: bool = False
    devices: Mapping[str, DeviceState] = field(default_factory=dict)


_WHAT_TO_DO: Final = {
    Adapter.OFF: "Bluetooth is switched off on the home's box",
    Adapter.ABSENT: "the home's box has no Bluetooth adapter; is one unplugged?",
    Adapter.NO_PERMISSION: "the home's box does not let the gateway use Bluetooth; call support",
    Adapter.AWAY: "Bluetooth is not running on the home's box; restarting the box may help",
    Adapter.STUCK: "Bluetooth hangs on the home's box; restarting the box may help",
}


class RadioState:
    """Written by the radio, read by whoever reports. Safe to use from several threads."""

    def __init__(self, clock: Clock, limits: Limits | None = None) -> None:
        self._clock, self._limits = clock, limits or Limits()
        self._guard = Lock()
        self._now = Snapshot()
        self._began = clock.now()

    def snapshot(self) -> Snapshot:
        """Return how everything is at this moment."""
        with self._guard:
            return replace(self._now, devices=MappingProxyType(dict(self._now.devices)))

    def enrol(self, devices: Devices) -> None:
        """Know exactly these devices. What is known of one that was there stays."""
        with self._guard:
            before = self._now.devices
            known = {
                device.address: replace(
                    before.get(device.address) or DeviceState("", ()),
                    said=device.said,
                    slots=device.slots,
                )
                for device in devices.devices
            }
            self._now = replace(self._now, devices=known)

    def adapter_is(self, adapter: Adapter) -> bool:
        """Note how the adapter is. Returns whether that is news."""
        with self._guard:
            news = adapter is not self._now.adapter
            if news:
                self._now = replace(self._now, adapter=adapter, since=self._clock.now())
            return news

    def restart_wanted(self, *, wanted: bool) -> bool:
        """Note whether only a restart of bluetoothd can help. Returns whether that is news."""
        with self._guard:
            news = wanted is not self._now.restart_wanted
            self._now = replace(self._now, restart_wanted=wanted)
            return news

    def note(self, address: str, **changes: Any) -> None:
        """Note how a device is: fields of `DeviceState`. One that is not enrolled has no state."""
        with self._guard:
            if address in self._now.devices:
                changed = replace(self._now.devices[address], **changes)
                self._now = replace(self._now, devices={**self._now.devices, address: changed})

    def missed(self, address: str) -> None:
        """Count an occasion on which a device may have sent what we did not get."""
        with self._guard:
            if address in self._now.devices:
                one = self._now.devices[address]
                count, now = one.possibly_missed + 1, self._clock.now()
                changed = replace(one, possibly_missed=count, missed_at=now)
                self._now = replace(self._now, devices={**self._now.devices, address: changed})

    def line(self) -> str:
        """Return the radio in one line, without a device's address or name, for a status."""
        now = self.snapshot()
        connected = sum(one.doing is Doing.CONNECTED for one in now.devices.values())
        hint = ", bluetoothd needs a restart" if now.restart_wanted else ""
        return f"{now.adapter}, {connected} of {len(now.devices)} devices connected{hint}"

    def troubles(self) -> tuple[Trouble, ...]:
        """Return what is the matter now, with the slots of those whom it concerns."""
        now, snapshot = self._clock.now(), self.snapshot()
        found = [
            trouble for one in snapshot.devices.values() for trouble in self._of_device(one, now)
        ]
        slots = tuple(sorted({slot for one in snapshot.devices.values() for slot in one.slots}))
        what = _WHAT_TO_DO.get(snapshot.adapter)
        since = snapshot.since or self._began
        if slots and what is not None and now - since >= self._limits.radio_off:
            words = f"No device in this home can be heard: {what}."
            found.insert(0, Trouble(TroubleCode.RADIO_OFF, slots, words))
        elif slots and snapshot.restart_wanted:
            words = f"Devices in this home cannot be reached: {_WHAT_TO_DO[Adapter.STUCK]}."
            found.insert(0, Trouble(TroubleCode.RADIO_OFF, slots, words))
        return tuple(found)

    def _of_device(self, one: DeviceState, now: datetime) -> list[Trouble]:
        limits, found = self._limits, []

        def trouble(code: TroubleCode, words: str, count: int | None = None) -> None:
            found.append(Trouble(code, one.slots, words, one.said, count))

        if one.missed_at is not None and now - one.missed_at < limits.missed_is_told:
            times = "once" if one.possibly_missed == 1 else f"{one.possibly_missed} times"
            trouble(
                TroubleCode.POSSIBLY_MISSED,
                f"{one.said} may have sent a reading that did not arrive ({times})."
                " Ask what its display or its memory shows.",
                one.possibly_missed,
            )
        if one.battery is not None and one.battery <= limits.battery_percent:
            trouble(
                TroubleCode.BATTERY_LOW, f"The battery of {one.said} is at {one.battery:.0f} %."
            )
        if one.unread:
            trouble(TroubleCode.DEVICE_FAILING, f"{one.said} cannot be read: {one.unread}.")
        elif one.failures >= limits.failures:
            trouble(
                TroubleCode.DEVICE_FAILING,
                f"{one.said} is on, and {one.failures} tries in a row to read it failed."
                " Switch it off and on, and bring it nearer to the box.",
            )
        elif now - (one.last_seen_at or self._began) >= limits.not_seen:
            trouble(
                TroubleCode.DEVICE_FAILING,
                f"{one.said} has not been heard for {_hours(limits.not_seen)} hours or more."
                " Is it charged, switched on, and near the box?",
            )
        return found


def _hours(long: timedelta) -> int:
    return int(long / timedelta(hours=1))
