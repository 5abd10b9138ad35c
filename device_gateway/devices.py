"""The devices of a home, and whose each of them is."""

from pydantic import BaseModel, ConfigDict, Field

from ward_service.contract.messages import Slot


class Paired(BaseModel):
    """A device of this home.

    `slots`: whose it is; several share it. `users`: which slot each of the device's own users is,
    by the number that the device gives them. `family` is a key of the registry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    address: str
    family: str
    name: str = ""
    slots: tuple[Slot, ...] = Field(min_length=1)
    users: dict[int, Slot] = {}
    model: str = ""
    serial: str = ""
    firmware: str = ""
