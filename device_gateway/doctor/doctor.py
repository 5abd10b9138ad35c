"""Is this home well? Each check says in plain words what it found, and what to do about it.

Nothing here changes anything: the spool is opened for reading only, and a gateway that runs is not
thrown off its connection to the broker.
"""

import ctypes
import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from device_gateway.config.devices_file import FILE_NAME, DevicesError, read_devices
from device_gateway.config.homes_file import HomesError, HomesFile, read_homes
from device_gateway.doctor.broker import check_broker
from device_gateway.doctor.check import Check, Verdict, format_megabytes
from device_gateway.doctor.spool import check_plans, check_spool, is_held, newest_entry_at

# A day of one person's continuous minutes is 3 MB; below this a fortnight's outage would not fit.
DISK_LOW: Final = 200_000_000  # bytes; ours
_CLOCK_NOT_SET: Final = 5  # TIME_ERROR of adjtimex(2): nobody disciplines the kernel's clock


def examine(homes: Path, spool_dir: Path, now: datetime) -> Iterator[Check]:
    """Yield what each check found, as it is found; the broker may take some seconds."""
    yield check_clock(spool_dir, now)
    yield check_disk(spool_dir)
    try:
        known = read_homes(homes)
    except HomesError as error:
        todo = "Ask the ward for a code, then: device-gateway enrol CODE --ward ADDRESS"
        yield Check("homes", Verdict.BAD, f"{error}.", todo)
        return
    yield _said_of(homes, known)
    for place in known.homes:
        path = spool_dir / f"{place.gateway}.spool"
        yield from check_spool(path, place, now)
        yield from check_plans(path, place, now)
    first = known.homes[0]
    runs = is_held(spool_dir / f"{first.gateway}.spool")
    yield check_broker(known.broker, first, runs=runs)
    yield from _check_radio(homes.with_name(FILE_NAME))


def check_disk(folder: Path) -> Check:
    """Look whether the disk under the spool has room, and lets us write."""
    there = folder
    while not there.exists():
        there = there.parent
    if not os.access(there, os.W_OK):
        todo = f"Run it as the user that owns {there}, or: sudo chown $USER {there}"
        return Check("disk", Verdict.BAD, f"{there} cannot be written to.", todo)
    free = shutil.disk_usage(there).free
    if free < DISK_LOW:
        todo = "Free space on this disk. What is in the spool is safe, and is sent meanwhile."
        return Check(
            "disk", Verdict.BAD, f"Only {format_megabytes(free)} are free for readings.", todo
        )
    return Check("disk", Verdict.FINE, f"{format_megabytes(free)} are free for readings.")


def check_clock(spool_dir: Path, now: datetime) -> Check:
    """Look whether somebody sets the clock, and whether it went back behind what was measured."""
    newest = max(
        (at for path in spool_dir.glob("*.spool") if (at := newest_entry_at(path))), default=None
    )
    said = f"It is {now:%Y-%m-%d %H:%M:%S} UTC by this machine."
    if newest is not None and now < newest:
        words = f"{said} The newest reading here is of {newest:%Y-%m-%d %H:%M:%S}."
        todo = "Set the clock: sudo timedatectl set-ntp true. Readings are sent all the same."
        return Check("clock", Verdict.BAD, words, todo)
    if _kernel_clock() == _CLOCK_NOT_SET:
        todo = "Turn network time on: sudo timedatectl set-ntp true"
        return Check("clock", Verdict.MIND, f"{said} Nothing here sets it by the network.", todo)
    return Check("clock", Verdict.FINE, f"{said} It is set by the network.")


def _kernel_clock() -> int:
    """Return what the kernel says of its clock, whoever sets it: timesyncd, chrony or ntpd."""
    nothing_to_change = ctypes.create_string_buffer(256)  # struct timex, all zero: only ask
    return int(ctypes.CDLL(None).adjtimex(nothing_to_change))


def _check_radio(file: Path) -> Iterator[Check]:
    try:
        devices = read_devices(file)
    except DevicesError as error:
        yield Check("radio", Verdict.BAD, f"{error}.")
        return
    if find_spec("bleak") is None or find_spec("dbus_fast") is None:
        todo = "It needs Linux, and the gateway's own extra: pip install homeward[gateway]"
        verdict = Verdict.BAD if devices.devices else Verdict.MIND
        yield Check("radio", verdict, "This program has no Bluetooth in it.", todo)
        return
    from device_gateway.doctor.radio import check_radio

    yield from check_radio(devices)


def _said_of(path: Path, known: HomesFile) -> Check:
    names = ", ".join(place.gateway for place in known.homes)
    return Check("homes", Verdict.FINE, f"{path} names {names}.")
