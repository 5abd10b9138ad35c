"""What a family of devices is: how it is recognised, and what a radio does with it.

A family's file ends with its `FAMILY`, and the registry lists it. Nothing here is done: the radio
does it. UUIDs are numbers (`uuids.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from device_gateway.decode.frame import Decoder
from device_gateway.decode.stream import Framing


@dataclass(frozen=True, slots=True)
class Advert:
    """What a device says of itself to everybody, or, once connected, which services it has.

    `manufacturers`: what it says under each company's number.
    """

    name: str = ""
    services: frozenset[int] = frozenset()
    manufacturers: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marks:
    """How an advert is recognised: by a service, else by how its name begins.

    `names_needed`: unrelated devices have the service too, so the name must fit as well.
    `not_names`: other devices of the same service that this family cannot read.
    """

    services: frozenset[int]
    names: tuple[str, ...] = ()
    companies: frozenset[int] = frozenset()
    names_needed: bool = False
    not_names: tuple[str, ...] = ()

    def by_service(self, advert: Advert) -> bool:
        if not self.services & advert.services or _begins(advert, self.not_names):
            return False
        return not self.names_needed or self.by_name(advert)

    def by_name(self, advert: Advert) -> bool:
        return _begins(advert, self.names)

    def by_company(self, advert: Advert) -> bool:
        return not self.companies.isdisjoint(advert.manufacturers)


def _begins(advert: Advert, names: tuple[str, ...]) -> bool:
    # By the beginning: some makers pad a name with NULs, many add a number. Letters vary in case.
    said = advert.name.casefold()
    return any(said.startswith(name.casefold()) for name in names)


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes to write, at most 20 in one. `response` None: whichever the characteristic allows."""

    characteristic: int
    value: bytes
    response: bool | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A write to make again and again while connected: a question, or a sign of life."""

    write: Write
    every_s: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What a radio does with a device of a family, in this order.

    `subscribe` to each, in order, before anything else: what a device sends earlier is lost.
    `clock`: the writes that set its clock at that moment, of which the first that the device has
    is made. `start` the stream; `repeat` while it lasts. `stored`: what asks for its stored
    measurements, each answered before the next is written. `stop` before a parting of our choice.
    `read`: what else can be read, and need not be there. `silence_s`: a live stream that has begun
    and is silent for so long is dead. `framing`: how notifications become frames, None where each
    is one. `file_decoder` reads a whole file that was fetched from the device. `live`: where each
    frame is of this moment and the next follows within seconds, so that many make one reading.
    """

    subscribe: tuple[int, ...]
    decoders: Mapping[int, Decoder]
    clock: Callable[[datetime], tuple[Write, ...]] | None = None
    start: tuple[Write, ...] = ()
    repeat: Repeat | None = None
    stored: tuple[Write, ...] = ()
    stop: tuple[Write, ...] = ()
    read: tuple[int, ...] = ()
    silence_s: float | None = None
    framing: Framing | None = None
    file_decoder: Decoder | None = None
    live: frozenset[int] = frozenset()


class Evidence(StrEnum):
    """What shows that a family's decoder is right."""

    CAPTURED = "decodes frames captured from a real device"
    PUBLISHED = "published only: unproven on a device"


@dataclass(frozen=True, slots=True)
class Family:
    """Devices that speak alike. `key` is its name in settings and at the command line."""

    key: str
    label: str
    evidence: Evidence
    marks: Marks
    profile: Profile
