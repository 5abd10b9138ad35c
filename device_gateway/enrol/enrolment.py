"""A home becomes a gateway, and renews its key: what is asked, and how the answer is kept.

Before anything is asked, a random nonce is on the disk. Whatever is lost after that, the answer or
this process, the same question with the same nonce has the same answer.
"""

import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from device_gateway.config.homes_file import HomesFile, Place, read_homes
from device_gateway.enrol.ward_http import LostError, checked_url, post
from device_gateway.spool.file import SpoolError
from device_gateway.spool.spool import Spool
from ward_service.contract.atomic_file import replace_file
from ward_service.contract.enrolment import (
    AT_HEADER,
    MAC_HEADER,
    Enrol,
    Enrolled,
    Renew,
    read_code,
    renewal_path,
    request_mac,
)

TRIES: Final = 4
PAUSES_S: Final = (1.0, 3.0, 9.0)
SOFTWARE: Final = f"homeward {version('homeward')}"


class EnrolmentError(Exception):
    """It cannot be done so. The text says what was kept and what to do, and repeats no secret."""


def enrol(
    path: Path, code: str, ward: str, ca: Path | None, *, again: bool, spool_dir: Path
) -> list[str]:
    """Become a gateway by a code, and write the homes file. Return what there is to say.

    Raises:
        EnrolmentError: the code cannot be one, or a home is enrolled here already.
        DoorError: the ward refuses, or cannot be reached; the code may be tried again.
        HomesError: the file that is there cannot be read.
    """
    if read_code(code) is None:
        raise EnrolmentError("A code has eight letters and digits, like 7K3M-9QXW.")
    before = read_homes(path) if path.exists() else None
    if before is not None and not again:
        raise EnrolmentError(
            f"{path} holds an enrolled home. Nothing was sent. Give --again to enrol it anew, or "
            "renew its key with: device-gateway renew"
        )
    if before is not None and len(before.homes) > 1:
        raise EnrolmentError(
            f"{path} holds {len(before.homes)} homes, and enrolling would leave one. Nothing was "
            "sent. Name another file: --homes FILE"
        )
    ward = checked_url(ward)
    asked = Enrol(code=code, nonce=_nonce(path), software=SOFTWARE)
    body = asked_body(asked)
    answer = _until_answered(lambda: post(ward, "/enrolments", body, {}, ca))
    said = [f"This box is {answer.gateway}, and its key is in {path}."]
    slot = 1
    if before is not None:
        [old] = before.homes
        if old.gateway == answer.gateway:
            slot = old.slot
        else:
            said += _keep_old(path, old, spool_dir)
    write_homes(path, answer, slot, ward, ca)
    _nonce_file(path).unlink(missing_ok=True)
    return said


def renew(path: Path, now: Callable[[], datetime]) -> list[str]:
    """Get the next key with the one in the homes file, and write it. Return what there is to say.

    Raises:
        EnrolmentError: the homes file is not one that enrolment wrote.
        DoorError: the ward refuses, or cannot be reached; the key here stays as it is.
        HomesError: the file cannot be read.
    """
    homes = read_homes(path)
    if homes.ward is None or len(homes.homes) != 1:
        raise EnrolmentError(
            f"{path} was not written by device-gateway enrol, so it does not say of one home where "
            "to renew its key. Nothing was sent."
        )
    ward = homes.ward
    [place] = homes.homes
    asked = Renew(generation=place.generation, nonce=_nonce(path), software=SOFTWARE)
    body, to = asked_body(asked), renewal_path(place.gateway)

    def ask() -> Enrolled:
        return post(ward, to, body, signed(place.key, to, now(), body), homes.ward_ca)

    answer = _until_answered(ask)
    if answer.gateway != place.gateway:
        raise EnrolmentError("The ward answered for another gateway. Nothing was changed here.")
    write_homes(path, answer, place.slot, ward, homes.ward_ca)
    _nonce_file(path).unlink(missing_ok=True)
    return [
        f"{place.gateway} has its key number {answer.generation}. Start the gateway anew: the "
        "broker has already ended the connection of the old one."
    ]


def asked_body(asked: Enrol | Renew) -> bytes:
    """Return a question as it is sent, and signed."""
    return asked.model_dump_json().encode()


def signed(key: bytes, path: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that prove who asks, and when."""
    mac = request_mac(key, "POST", path, at, body)
    return {AT_HEADER: at.isoformat(), MAC_HEADER: mac}


def write_homes(path: Path, answer: Enrolled, slot: int, ward: str, ca: Path | None) -> None:
    """Write a homes file of one home, whole and on the disk, or leave what is there (0600)."""
    broker: dict[str, Any] = answer.broker.model_dump(exclude_none=True, exclude={"tls_ca"})
    if answer.broker.tls_ca is not None:
        authority = path.absolute().with_name(f"{path.stem}.broker-ca.pem")
        _write(authority, answer.broker.tls_ca)
        broker["tls_ca"] = str(authority)
    home = {
        "gateway": answer.gateway,
        "key": answer.key,
        "slot": slot,
        "generation": answer.generation,
    }
    whole: dict[str, Any] = {
        "broker": {**broker, "base": answer.base},
        "homes": [home],
        "ward": ward,
    }
    if ca is not None:
        whole["ward_ca"] = str(ca.absolute())
    try:
        HomesFile.model_validate(whole)
    except ValueError as error:
        raise EnrolmentError(
            "What the ward answered is no home that this version understands. Nothing was changed."
        ) from error
    _write(path, json.dumps(whole, indent=1))


def _until_answered(ask: Callable[[], Enrolled]) -> Enrolled:
    """Ask until there is an answer; one that was lost is asked for again, and is the same."""
    for pause_s in PAUSES_S:
        try:
            return ask()
        except LostError:
            time.sleep(pause_s)
    return ask()


def _nonce(path: Path) -> str:
    """Return the nonce to ask with: the one on the disk, if an answer to it may have been lost."""
    file = _nonce_file(path)
    with suppress(OSError):
        if len(found := file.read_text()) == 32:
            return found
    nonce = secrets.token_hex(16)
    _write(file, nonce)
    return nonce


def _nonce_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.asking")


def _keep_old(path: Path, old: Place, spool_dir: Path) -> list[str]:
    """Keep the old home's file aside while its spool holds readings that only its key can send."""
    spool_file = spool_dir / f"{old.gateway}.spool"
    if not spool_file.exists():
        return []
    try:
        with Spool(spool_file) as spool:
            waiting = spool.depth()
    except SpoolError:
        waiting = -1  # in use, or not to be read: there may be some
    if not waiting:
        return []
    aside = path.with_name(f"{path.name}.{old.gateway}")
    _write(aside, path.read_text())
    return [
        f"Readings of {old.gateway} may still wait in {spool_file}; they are safe, and only its "
        f"own key can send them. It is kept in {aside}."
    ]


def _write(path: Path, content: str) -> None:
    try:
        replace_file(path, content)
    except OSError as error:
        raise EnrolmentError(
            f"{path} cannot be written: {error.strerror}. What was there is there still; the same "
            "command again is safe."
        ) from error
