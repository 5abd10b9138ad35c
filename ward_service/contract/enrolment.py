"""How a home gets its key over HTTP: by a code that works once, and later by the key it has.

The code is read to somebody at the home, so it is short; what it opens is one gateway's key and
broker account. A request to renew is signed with the key that is to be replaced.
Source: docs/reference/brokers-and-databases.md#controls, C5, C6.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from ward_service.contract.messages import BASE_TOPIC, GatewayId

# Crockford's alphabet: nothing in it is mistaken for something else, and it spells no words.
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Of 5 bits each: 40 bits, docs/reference/brokers-and-databases.md#controls, C5
CODE_LENGTH: Final = 8
_MISREAD: Final = str.maketrans("OIL", "011", "- ")

AT_HEADER: Final = "Homeward-At"
MAC_HEADER: Final = "Homeward-Mac"
# How far the clock of a home that asks may be off: Kerberos' usual limit, RFC 4120 section 8.2.
CLOCK_SLACK: Final = timedelta(minutes=5)

# Printable: whoever operates a ward sees it in a terminal.
Software = Annotated[str, Field(max_length=100, pattern=r"^[\x20-\x7e]*$")]
# Random, made at the home before it asks: whoever asks again with it gets the same answer.
Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{32,64}$", repr=False)]


class Enrol(BaseModel):
    """What a home sends with a code that it was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    code: str = Field(min_length=1, max_length=40, repr=False)
    nonce: Nonce
    software: Software = ""


class Renew(BaseModel):
    """What a home sends, signed, to get its next key. `generation` is that of the key it has."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    generation: int = Field(ge=1)
    nonce: Nonce
    software: Software = ""


class BrokerAccess(BaseModel):
    """Where the broker listens for homes, and how this one signs in.

    `tls_ca` is the authority of its certificate, as PEM; None for a broker on the same machine.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: str
    port: int = Field(ge=1, le=65_535)
    tls_ca: str | None = None
    username: str | None = None
    password: str | None = Field(default=None, repr=False)


class Enrolled(BaseModel):
    """The answer to both: everything that a gateway needs, and nobody else has. `key` is hex."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    gateway: GatewayId
    key: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)
    generation: int = Field(ge=1)
    base: str = BASE_TOPIC
    broker: BrokerAccess


def new_code() -> str:
    """Return a code as it is read out: `7K3M-9QXW`."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"{code[:4]}-{code[4:]}"


def read_code(said: str) -> str | None:
    """Return a code as it was meant: O is 0, I and L are 1, hyphens and small letters are no error.

    None for what cannot be a code.
    """
    code = said.upper().translate(_MISREAD)
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else None


def renewal_path(gateway_id: str) -> str:
    """Return where a gateway asks for its next key: what it signs, whatever a proxy adds."""
    return f"/gateways/{gateway_id}/renewals"


def request_mac(key: bytes, method: str, path: str, at: datetime, body: bytes) -> str:
    """Sign a request: each part with its length, so that no two have the same bytes to sign."""
    parts = (method.encode(), path.encode(), at.isoformat().encode(), body)
    signed = b"".join(b"%d:%b" % (len(part), part) for part in (b"homeward-request", *parts))
    return hmac.digest(key, signed, hashlib.sha256).hex()
