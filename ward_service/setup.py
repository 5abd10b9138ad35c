"""What is done before anybody is watched: accounts, gateways, signatures."""

import re
from datetime import datetime

from ward_service.contract.envelope import gateway_key
from ward_service.contract.messages import GATEWAY_ID
from ward_service.errors import WardError
from ward_service.passwords import new_account
from ward_service.store.tables import GatewayRow
from ward_service.ward import Ward


def add_account(ward: Ward, username: str, name: str, password: str) -> None:
    """Make a clinician's account, or reset it.

    Raises:
        WardError: the password is too short.
    """
    with ward.unit_of_work() as store:
        new_account(store, username, name, password)


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
        row = store.gateway(gateway_id)
        if row is None:
            row = GatewayRow(id=gateway_id, generation=1, added_at=now)
            store.add(row)
        if row.revoked_at is not None:
            raise WardError(f"Gateway {gateway_id} was revoked and cannot be used again.")
        return gateway_key(ward.secret, gateway_id, row.generation).hex()
