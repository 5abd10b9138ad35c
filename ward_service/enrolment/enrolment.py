"""A home gets its key: by a code that works once, and later by the key that it has.

Keys and passwords at the broker are derived from the ward's secret and a generation. So the same
question has the same answer, none is stored, and a step that was cut short is simply done again.
The order of each: look, make the account at the broker, then use the code up. A broker that cannot
be reached costs nobody their code.
Moments here are real time (`Clock.wall`).
Source: docs/reference/brokers-and-databases.md#controls, C5, C6.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

from ward_service.contract.enrolment import (
    ALPHABET,
    CLOCK_SLACK,
    BrokerAccess,
    Enrol,
    Enrolled,
    Renew,
    new_code,
    read_code,
    renewal_path,
    request_mac,
)
from ward_service.contract.envelope import broker_password, gateway_key
from ward_service.contract.http.session import InvitationView
from ward_service.contract.messages import GATEWAY_ID
from ward_service.enrolment.broker_accounts import BrokerAccounts
from ward_service.enrolment.rate_limit import count_wrong, must_have_tries
from ward_service.errors import (
    BrokerAccountsError,
    CodeRefusedError,
    NoAccountsError,
    NotFoundError,
    RenewalRefusedError,
    WardError,
)
from ward_service.logs import log
from ward_service.store.tables.homes import GatewayRow, InvitationRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

CODE_LASTS: Final = timedelta(hours=24)  # see docs/reference/brokers-and-databases.md#controls, C5
NAME_LENGTH: Final = 6  # letters and digits of a name that we make up
OPERATOR: Final = "operator"  # who made a code at the command line


@dataclass(frozen=True, slots=True)
class GatewayLine:
    """A gateway as whoever operates the ward sees it; `people` have a place at it now."""

    id: str
    state: str
    generation: int
    people: int
    software: str


# --- who runs the ward ------------------------------------------------------------------------


def invite(
    ward: Ward, gateway_id: str | None, by: str = OPERATOR, *, known: bool = False
) -> InvitationView:
    """Make a code by which one home can become this gateway, once, within a day.

    A gateway that is new is made known, and named if no name is given; with `known` it must be
    known already. One that is enrolled gets a new key with it; until then nothing changes for it.
    A code that was made before and not used opens nothing any more.

    Raises:
        WardError: the name cannot be used, the gateway was revoked, or this ward is not set up to
            let a home reach its broker.
    """
    access_for(ward, "home-00", 1)  # not only when somebody stands in a home with a code
    name = gateway_id or f"home-{_made_up()}"
    if not re.fullmatch(GATEWAY_ID, name):
        raise WardError(
            "A gateway's name is 3 to 40 small letters, digits and hyphens, like home-01. "
            "Nothing was changed."
        )
    wall, code = ward.clock.wall(), new_code()
    with ward.unit_of_work() as store:
        row = store.gateways.lock(name)
        if row is None and known:
            raise NotFoundError(f"There is no gateway {name}. Nothing was changed.")
        if row is None:
            row = GatewayRow(id=name, generation=1, added_at=ward.clock.now())
            store.add(row)
        _must_not_be_revoked(row)
        store.gateways.void_invitations(name)
        invitation = InvitationRow(
            code_hmac=_kept(ward, "code", read_code(code) or ""),
            gateway_id=name,
            made_at=wall,
            made_by=by,
            expires_at=wall + CODE_LASTS,
        )
        store.add(invitation)
    log("gateway.invited", gateway_id=name)
    return InvitationView(gateway=name, code=code, expires_at=wall + CODE_LASTS)


def revoke(ward: Ward, gateway_id: str) -> int:
    """Refuse a gateway from now on and for good; return how many people have a place at it.

    What it sends is kept in quarantine, its connection to the broker ends, the broker is made to
    forget its plans, and nobody can become this gateway again. The same again is safe, and ends the
    account if that failed the first time.

    Raises:
        NotFoundError: there is no such gateway.
        BrokerAccountsError: it is revoked here, but the broker may still let it connect.
    """
    wall = ward.clock.wall()
    with ward.unit_of_work() as store:
        row = store.gateways.lock(gateway_id)
        if row is None:
            raise NotFoundError(f"There is no gateway {gateway_id}. Nothing was changed.")
        row.revoked_at = row.revoked_at or wall
        row.previous_until = None
        store.gateways.void_invitations(gateway_id)
        store.plans.want_again(gateway_id, {})  # which clears them
        people = next(
            count for each, count in store.gateways.with_people() if each.id == gateway_id
        )
    ward.keys.look_again()
    log("gateway.revoked", gateway_id=gateway_id)
    if ward.settings.broker_admin_username:
        try:
            BrokerAccounts(ward.settings).end(gateway_id)
        except BrokerAccountsError as error:
            raise BrokerAccountsError(
                f"{gateway_id} is revoked, and the ward refuses what it sends. But the broker did "
                "not answer, and may still let it connect: run this again until it says so."
            ) from error
    return people


def gateways(ward: Ward) -> list[GatewayLine]:
    """Return every gateway, by name, with what has become of its enrolment."""
    wall = ward.clock.wall()
    with ward.unit_of_work(read_only=True) as store:
        waiting = store.gateways.open_invitations(wall)
        rows = store.gateways.with_people()
        return [
            GatewayLine(
                row.id, _state(row, waiting.get(row.id)), row.generation, people, row.software
            )
            for row, people in rows
        ]


def _state(row: GatewayRow, code_until: datetime | None) -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%d %b %Y %H:%M} UTC"
    words = [f"has its key since {row.keyed_at:%d %b %Y %H:%M} UTC"] if row.keyed_at else []
    if code_until is not None:
        words.append(f"a code is out until {code_until:%d %b %Y %H:%M} UTC")
    return ", ".join(words) or "never enrolled, and no code is out"


# --- what a home asks -------------------------------------------------------------------------


def enrol(ward: Ward, given: Enrol, source: str) -> Enrolled:
    """Let whoever has a code become its gateway. `source` is the address that asks.

    The same code with the same nonce has the same answer until it expires: an answer can be lost.

    Raises:
        CodeRefusedError: the code is wrong, used, expired, or of another ward: never said which.
        TooManyWrongCodesError: too many wrong ones came; nothing was looked at.
        BrokerAccountsError, NoAccountsError: the code is not used up.
    """
    wall, code = ward.clock.wall(), read_code(given.code)
    code_hmac = _kept(ward, "code", code or given.code)
    nonce_hmac = _kept(ward, "nonce", given.nonce)
    with ward.unit_of_work(read_only=True) as store:
        must_have_tries(store, ward.secret, source, wall, lock=False)
    with ward.unit_of_work() as store:
        must_have_tries(store, ward.secret, source, wall, lock=True)
        found = _gives(store, code_hmac, nonce_hmac, wall)
        if found is None:
            count_wrong(store, ward.secret, source, wall)
    if found is None:
        log("enrolment.refused")
        raise CodeRefusedError
    gateway_id, generation = found
    answer = _answer(ward, gateway_id, generation)
    _make_account(ward, answer)
    with ward.unit_of_work() as store:
        row = store.gateways.lock(gateway_id)
        same = _gives(store, code_hmac, nonce_hmac, wall) == found
        first = same and store.gateways.use_invitation(code_hmac, nonce_hmac, generation, wall)
        if row is not None and first:
            _move(ward, row, generation, wall)
            row.software = given.software
    if not same:  # another box was quicker, or it was revoked
        _end_if_revoked(ward, gateway_id)
        raise CodeRefusedError
    ward.keys.look_again()
    log("gateway.enrolled", gateway_id=gateway_id, generation=generation)
    return answer


def renew(
    ward: Ward, gateway_id: str, given: Renew, body: bytes, at: datetime, mac: str
) -> Enrolled:
    """Give a gateway its next key for a request that it signed with the one it has.

    Each request counts once: the moment that it names must be later than that of the one before.
    The same nonce has the same answer, as with a code.

    Raises:
        RenewalRefusedError: no key that counts has signed it, or it came before.
        WardError: the clock of the home is too far off.
        BrokerAccountsError, NoAccountsError: nothing was changed.
    """
    key = gateway_key(ward.secret, gateway_id, given.generation)
    own = request_mac(key, "POST", renewal_path(gateway_id), at, body)
    if not hmac.compare_digest(own.encode(), mac.encode()):
        return _refuse_renewal(gateway_id)
    wall, nonce_hmac = ward.clock.wall(), _kept(ward, "nonce", given.nonce)
    if abs(wall - at) > CLOCK_SLACK:
        raise WardError(
            "The clock of this box is more than five minutes off the ward's. Nothing was changed. "
            "Set the clock, and try again."
        )
    with ward.unit_of_work(read_only=True) as store:
        row = store.gateways.get(gateway_id)
        generation = _follows(row, given.generation, nonce_hmac, at, wall)
    if generation is None:
        return _refuse_renewal(gateway_id)
    answer = _answer(ward, gateway_id, generation)
    _make_account(ward, answer)
    with ward.unit_of_work() as store:
        row = store.gateways.lock(gateway_id)
        same = _follows(row, given.generation, nonce_hmac, at, wall) == generation
        if row is not None and same:
            row.asked_at, row.software = at, given.software
            if row.generation != generation:
                _move(ward, row, generation, wall)
                row.nonce_hmac = nonce_hmac
    if not same:  # a code, or a revocation, was quicker
        _end_if_revoked(ward, gateway_id)
        return _refuse_renewal(gateway_id)
    ward.keys.look_again()
    log("gateway.renewed", gateway_id=gateway_id, generation=generation)
    return answer


# --- how it is decided ------------------------------------------------------------------------


def _gives(store: Store, code_hmac: str, nonce_hmac: str, wall: datetime) -> tuple[str, int] | None:
    """Return which gateway a code gives, and which generation of its key; None if it gives none.

    The key of a new gateway is the first that anybody gets. One that somebody has is replaced.
    """
    invitation = store.gateways.invitation(code_hmac)
    if invitation is None or wall >= invitation.expires_at:
        return None
    row = store.gateways.get(invitation.gateway_id)
    if row is None or row.revoked_at is not None:
        return None
    if invitation.used_at is None:
        return row.id, row.generation + (row.keyed_at is not None)
    again = hmac.compare_digest(invitation.nonce_hmac or "", nonce_hmac)
    return (row.id, row.generation) if again and invitation.generation == row.generation else None


def _follows(
    row: GatewayRow | None, generation: int, nonce_hmac: str, at: datetime, wall: datetime
) -> int | None:
    """Return which generation follows for a request that this generation's key has signed.

    The key before the newest gets the newest only for whoever asked for it: they did not hear the
    answer. Else a key that leaked would get its successor, and a new code would help nobody.
    """
    if row is None or row.revoked_at is not None or row.keyed_at is None:
        return None
    if row.asked_at is not None and at <= row.asked_at:
        return None
    if generation == row.generation:
        return generation + 1
    again = hmac.compare_digest(row.nonce_hmac or "", nonce_hmac)
    late = row.previous_until is None or wall >= row.previous_until
    return row.generation if again and not late and generation == row.generation - 1 else None


def _move(ward: Ward, row: GatewayRow, generation: int, wall: datetime) -> None:
    """Let another generation count; what the one before it signed is taken for a while."""
    if row.keyed_at is not None:
        row.previous_until = wall + timedelta(hours=ward.settings.key_overlap_h)
    row.generation, row.keyed_at, row.nonce_hmac = generation, wall, None


def _must_not_be_revoked(row: GatewayRow) -> None:
    if row.revoked_at is not None:
        raise WardError(
            f"Gateway {row.id} was revoked and cannot be used again. Nothing was changed. "
            "Give the box another name."
        )


def _refuse_renewal(gateway_id: str) -> NoReturn:
    log("renewal.refused", gateway_id=gateway_id)
    raise RenewalRefusedError


# --- what a home is told ----------------------------------------------------------------------


def _answer(ward: Ward, gateway_id: str, generation: int) -> Enrolled:
    return Enrolled(
        gateway=gateway_id,
        key=gateway_key(ward.secret, gateway_id, generation).hex(),
        generation=generation,
        base=ward.settings.base_topic,
        broker=access_for(ward, gateway_id, generation),
    )


def access_for(ward: Ward, gateway_id: str, generation: int) -> BrokerAccess:
    """Return how a gateway reaches the broker; the embedded one, on loopback, knows no accounts.

    Raises:
        NoAccountsError: others can reach the broker, and it is not set up for that.
    """
    settings = ward.settings
    host = settings.public_broker_host or settings.broker_host
    port = settings.public_broker_port or settings.broker_port
    tls_ca = None if settings.broker_tls_ca is None else _read(settings.broker_tls_ca)
    accounts = bool(settings.broker_admin_username)
    if not is_loopback(host) and (tls_ca is None or not accounts):
        raise NoAccountsError(
            "This ward cannot let a home reach its broker yet: it needs TLS and accounts "
            "(HOMEWARD_BROKER_TLS_CA, HOMEWARD_BROKER_ADMIN_USERNAME; docs/do/operate.md). "
            "Nothing was changed, and a code is as good as before."
        )
    if not accounts:
        return BrokerAccess(host=host, port=port, tls_ca=tls_ca)
    return BrokerAccess(
        host=host,
        port=port,
        tls_ca=tls_ca,
        username=gateway_id,
        password=broker_password(ward.secret, gateway_id, generation),
    )


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can be meant."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _make_account(ward: Ward, answer: Enrolled) -> None:
    if answer.broker.password is not None:
        BrokerAccounts(ward.settings).make(answer.gateway, answer.broker.password)


def _end_if_revoked(ward: Ward, gateway_id: str) -> None:
    """End an account that was made in the moment in which its gateway was revoked."""
    with ward.unit_of_work(read_only=True) as store:
        row = store.gateways.get(gateway_id)
    if row is not None and row.revoked_at is not None and ward.settings.broker_admin_username:
        BrokerAccounts(ward.settings).end(gateway_id)


def _read(tls_ca: Path) -> str:
    try:
        return tls_ca.read_text()
    except OSError as error:
        raise NoAccountsError(f"{tls_ca} cannot be read: {error.strerror}.") from error


def _kept(ward: Ward, what: str, secret: str) -> str:
    """Return what is kept of a code or a nonce: worth nothing without the ward's secret."""
    return hmac.digest(ward.secret, f"{what}|{secret}".encode(), hashlib.sha256).hex()


def _made_up() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(NAME_LENGTH)).lower()


def add_gateway(ward: Ward, gateway_id: str, now: datetime) -> str:
    """Make a gateway known and return its key (hex). The same gateway has the same key.

    Raises:
        WardError: its name is none that a topic can carry, or the gateway was revoked.
    """
    if not re.fullmatch(GATEWAY_ID, gateway_id):
        raise WardError(
            "A gateway's name is 3 to 40 small letters, digits and hyphens, like home-01. "
            "Nothing was changed."
        )
    with ward.unit_of_work() as store:
        row = store.gateways.get(gateway_id)
        if row is None:
            row = GatewayRow(id=gateway_id, generation=1, added_at=now)
            store.add(row)
        row.keyed_at = row.keyed_at or ward.clock.wall()
        if row.revoked_at is not None:
            raise WardError(f"Gateway {gateway_id} was revoked and cannot be used again.")
        return gateway_key(ward.secret, gateway_id, row.generation).hex()
