"""The homes file: which homes this process carries, their keys, and where the broker is.

`device-gateway enrol` writes it, for one home; whoever can read the file can speak for its homes.
"""

import json
from pathlib import Path
from typing import Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    ValidationError,
    field_validator,
    model_validator,
)

from ward_service.contract.messages import BASE_PATTERN, BASE_TOPIC, GatewayId, Slot


class HomesError(Exception):
    """The homes file cannot be used. The text says what to do, and repeats no key."""


class _Written(BaseModel):
    """A field that we do not know could be one that protects the homes: it is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Broker(_Written):
    """Where the broker listens, and how we sign in there, if we must.

    `tls_ca`: the file with the authority that the broker's certificate must come from; with it the
    connection is encrypted, without it not. `base`: the base topic that enrolment gave.
    """

    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65_535)
    tls_ca: FilePath | None = None
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    base: str = Field(default=BASE_TOPIC, pattern=BASE_PATTERN)


class Place(_Written):
    """A home on the wire: its gateway, the key that it signs with, and the slot of its person.

    `generation` counts its keys; whoever renews one says which it is.
    """

    gateway: GatewayId
    key: bytes = Field(min_length=32, repr=False)  # HMAC-SHA256: not shorter than its output
    slot: Slot
    generation: int = Field(default=1, ge=1)

    @field_validator("key", mode="before")
    @classmethod
    def _from_hex(cls, key: object) -> object:
        return bytes.fromhex(key) if isinstance(key, str) else key


class HomesFile(_Written):
    """All homes of one process. `ward` is where they were enrolled, and renew their key.

    `ward_ca` is the file with the authority of the ward's certificate, if it has its own.
    """

    broker: Broker
    homes: tuple[Place, ...] = Field(min_length=1)
    ward: str | None = None
    ward_ca: FilePath | None = None

    @model_validator(mode="after")
    def _each_gateway_once(self) -> Self:
        # Two homes with one client id would throw each other off the broker for ever.
        if len({home.gateway for home in self.homes}) < len(self.homes):
            raise ValueError("a gateway stands in it twice")
        return self


def read_homes(path: Path) -> HomesFile:
    """Read a homes file.

    Raises:
        HomesError: it is missing, readable by others, or not what a ward writes.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise HomesError(f"{path} can be read by others; run: chmod 600 {path}")
        return HomesFile.model_validate(json.loads(path.read_text()))
    except OSError as error:
        raise HomesError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        where = "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
        )
        raise HomesError(
            f"{path} is not a homes file ({where}); docs/do/operate.md shows one"
        ) from error
    except ValueError as error:
        raise HomesError(f"{path} is not JSON; docs/do/operate.md shows one") from error
