"""Devices that look like ours and are not read, so that a person is told why and does not wait."""

from dataclasses import dataclass
from typing import Final

from device_gateway.decode import uuids
from device_gateway.decode.contec import SERVICE as CONTEC_SERVICE
from device_gateway.decode.family import Marks


@dataclass(frozen=True, slots=True)
class Unread:
    """A kind of device and why nobody here reads it."""

    label: str
    why: str
    marks: Marks


UNREAD: Final = (
    Unread(
        "O2Ring-S (T8520)",
        "speaks another protocol than the O2Ring, of which no live frame is published",
        Marks(
            services=frozenset({uuids.number("e8fb0001-a14b-98f9-831b-4e2941d01248")}),
            names=("S8-AW", "T8520_"),
        ),
    ),
    Unread(
        "Beurer PO60",
        "sends stored measurements only, of which no real frame is published",
        Marks(services=frozenset({CONTEC_SERVICE}), names=("PO60",), names_needed=True),
    ),
    Unread(
        "Masimo MightySat",
        "its maker keeps its protocol confidential; it can be read if it offers the service 0x1822",
        Marks(
            services=frozenset({uuids.number("54c21000-a720-4b4f-11e4-9fe20002a5d5")}),
            names=("MightySat",),
            companies=frozenset({0x0243}),
        ),
    ),
)
