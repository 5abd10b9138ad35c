"""Which families there are, which of them a device is, and who reads its frames.

A device family adds its file, its frames in `tests/frames/`, and one line here.
"""

from collections.abc import Mapping
from typing import Final

from device_gateway.decode import (
    berrymed,
    blood_pressure,
    contec,
    device_clock,
    device_information,
    jumper,
    nonin,
    pc60fw,
    plx,
    thermometer,
    uuids,
    viatom,
)
from device_gateway.decode.family import Advert, Family
from device_gateway.decode.frame import Decoded, Decoder, FrameError
from device_gateway.decode.unread import UNREAD

# The services of the Bluetooth SIG first: where a device offers one beside its maker's own, the
# one with status bits and a time is taken.
FAMILIES: Final[Mapping[str, Family]] = {
    family.key: family
    for family in (
        plx.FAMILY,
        thermometer.FAMILY,
        blood_pressure.FAMILY,
        viatom.FAMILY,
        contec.FAMILY,
        berrymed.FAMILY,
        jumper.FAMILY,
        nonin.FAMILY,
        pc60fw.FAMILY,
    )
}

# What a device of any family may have: about itself, its battery, its clock.
ABOUT_THE_DEVICE: Final[Mapping[int, Decoder]] = {
    **device_information.DECODERS,
    device_clock.CURRENT_TIME: device_clock.decode_current_time,
    device_clock.DATE_TIME: device_clock.decode_date_time,
}

# Characteristics that mean the same on every device, because the Bluetooth SIG gave them their
# number; all others are read under the name of a family.
DECODERS: Final[Mapping[int, Decoder]] = {
    **ABOUT_THE_DEVICE,
    **plx.FAMILY.profile.decoders,
    **thermometer.FAMILY.profile.decoders,
    **blood_pressure.FAMILY.profile.decoders,
}

_OF_FAMILY: Final[Mapping[str, Mapping[int, Decoder]]] = {
    key: {**ABOUT_THE_DEVICE, **family.profile.decoders} for key, family in FAMILIES.items()
}


def recognise(advert: Advert) -> Family | None:
    """Return the family of a device: by its services, else by its name if only one family fits.

    None: nobody here reads it, or its name alone does not decide. Ask again with the services that
    it has once connected.
    """
    for family in FAMILIES.values():
        if family.marks.by_service(advert):
            return family
    if why_unread(advert) is not None:
        return None
    named = [family for family in FAMILIES.values() if family.marks.by_name(advert)]
    return named[0] if len(named) == 1 else None


def why_unread(advert: Advert) -> str | None:
    """Return why a device is not read, in words; None if it is not one that we know of."""
    for unread in UNREAD:
        marks = unread.marks
        if marks.by_service(advert) or marks.by_name(advert) or marks.by_company(advert):
            return f"{unread.label}: {unread.why}"
    return None


def decoders(family: str = "") -> Mapping[int, Decoder]:
    """Return who reads which characteristic: of a family, or, without one, of every device.

    Raises:
        FrameError: there is no such family.
    """
    if family and family not in FAMILIES:
        raise FrameError(f"no family {family!r}; known: {', '.join(FAMILIES)}")
    return _OF_FAMILY[family] if family else DECODERS


def is_live(characteristic: int, family: str = "") -> bool:
    """Say whether this characteristic is a live stream, of a family or of the Bluetooth SIG."""
    if family:
        return family in FAMILIES and characteristic in FAMILIES[family].profile.live
    return characteristic in plx.FAMILY.profile.live


def decode(characteristic: int, frame: bytes, family: str = "") -> Decoded:
    """Return what a frame of this characteristic says.

    Raises:
        FrameError: nobody here reads this characteristic, or the frame cannot be read.
    """
    known = decoders(family)
    decoder = known.get(characteristic)
    if decoder is None:
        named = ", ".join(uuids.said(uuid) for uuid in sorted(known))
        raise FrameError(
            f"no decoder for characteristic {uuids.said(characteristic)}; known: {named}"
        )
    return decoder(frame)
