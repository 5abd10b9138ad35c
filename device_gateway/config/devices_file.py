"""The devices file: to which devices this home listens, and whose each of them is.

It lies beside the homes file. `device-gateway pair` and `unpair` write it; a neighbour's device,
which nobody paired, is never listened to.
"""

import json
import re
from pathlib import Path
from typing import Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from device_gateway.decode.device_information import LONGEST
from device_gateway.decode.registry import FAMILIES
from ward_service.contract.atomic_file import replace_file
from ward_service.contract.messages import Slot

FILE_NAME: Final = "devices.json"

_ADDRESS: Final = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")


class DevicesError(Exception):
    """The devices file cannot be used. The text says what to do."""


class _Written(BaseModel):
    """A field that we do not know could decide whose a reading is: it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Paired(_Written):
    """A device of this home.

    `slots`: whose it is; several share it. `users`: which slot each of the device's own users is,
    by the number that the device gives them. `family` is a key of the registry. `serial` is what
    the device said when it was paired: what it stored is named by it ever after, so that a record
    that comes again is known again.
    """

    address: str
    family: str
    name: str = Field(default="", max_length=LONGEST)
    slots: tuple[Slot, ...] = Field(min_length=1)
    users: dict[int, Slot] = {}
    model: str = Field(default="", max_length=LONGEST)
    serial: str = Field(default="", max_length=LONGEST)
    firmware: str = Field(default="", max_length=LONGEST)

    @field_validator("address")
    @classmethod
    def _an_address(cls, address: str) -> str:
        found = address.upper()
        if not _ADDRESS.fullmatch(found):
            raise ValueError("a Bluetooth address is six pairs of digits, as in A0:B1:C2:D3:E4:F5")
        return found

    @field_validator("family")
    @classmethod
    def _a_family(cls, family: str) -> str:
        if family not in FAMILIES:
            raise ValueError(f"no family {family!r}; known: {', '.join(FAMILIES)}")
        return family

    @model_validator(mode="after")
    def _users_have_it(self) -> Self:
        if not set(self.users.values()) <= set(self.slots):
            raise ValueError("a user of the device is in a slot that does not have it")
        return self

    @property
    def said(self) -> str:
        """What a nurse may call it: its model, never its address or number."""
        return self.model or FAMILIES[self.family].label


class Devices(_Written):
    """All devices of one home, and the adapter that hears them."""

    adapter: str = Field(default="hci0", pattern=r"^hci\d{1,3}$")
    devices: tuple[Paired, ...] = ()

    @model_validator(mode="after")
    def _each_device_once(self) -> Self:
        if len({device.address for device in self.devices}) < len(self.devices):
            raise ValueError("a device stands in it twice")
        return self

    def without(self, address: str) -> Self:
        """Return the same without one device."""
        kept = tuple(device for device in self.devices if device.address != address.upper())
        return self.model_copy(update={"devices": kept})

    def with_(self, device: Paired) -> Self:
        """Return the same with one device more, or as it now is."""
        kept = self.without(device.address)
        return kept.model_copy(update={"devices": (*kept.devices, device)})


def read_devices(path: Path) -> Devices:
    """Read a devices file. A home that never paired has none, and no devices.

    Raises:
        DevicesError: it is readable by others, or not what `device-gateway pair` writes.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise DevicesError(f"{path} can be read by others; run: chmod 600 {path}")
        return Devices.model_validate(json.loads(path.read_text()))
    except FileNotFoundError:
        return Devices()
    except OSError as error:
        raise DevicesError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        where = "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
        )
        raise DevicesError(
            f"{path} is not a devices file ({where}). Nothing was changed;"
            " move it away, and pair the devices again"
        ) from error
    except ValueError as error:
        raise DevicesError(
            f"{path} is not JSON. Nothing was changed; move it away, and pair the devices again"
        ) from error


def write_devices(path: Path, devices: Devices) -> None:
    """Write a devices file for its owner alone: whole and durable on return, or as it was.

    Raises:
        DevicesError: it cannot be written; the old one stands.
    """
    try:
        replace_file(path, devices.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise DevicesError(
            f"{path} cannot be written: {error.strerror}. What it said before stands"
        ) from error
