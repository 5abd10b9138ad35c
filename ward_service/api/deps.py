"""What an endpoint may ask for: the ward, one transaction, who is signed in, the time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request

from ward_service.domain.inputs import AlertAct, StayAct
from ward_service.errors import NotSignedInError
from ward_service.passwords import clinician_of
from ward_service.stays import acts
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.runtime import AccountRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward


def get_ward(request: Request) -> Ward:
    """Return the ward that this process holds."""
    ward: Ward = request.app.state.ward
    return ward


WardDep = Annotated[Ward, Depends(get_ward)]


def get_store(ward: WardDep) -> Iterator[Store]:
    """Open a transaction that only reads."""
    with ward.unit_of_work(read_only=True) as store:
        yield store


# scope="function": the transaction ends before the answer leaves.
StoreDep = Annotated[Store, Depends(get_store, scope="function")]


def get_now(ward: WardDep) -> datetime:
    """Ask the ward's clock, once for this request."""
    return ward.clock.now()


NowDep = Annotated[datetime, Depends(get_now)]


def get_token(authorization: Annotated[str, Header()] = "") -> str:
    """Return the bearer token of a request.

    Raises:
        NotSignedInError: there is none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedInError("You are not signed in. Sign in and try again.")
    return token


TokenDep = Annotated[str, Depends(get_token)]


def get_clinician(
    ward: WardDep, token: TokenDep, x_homeward_background: Annotated[str, Header()] = ""
) -> AccountRow:
    """Return who is signed in. A background poll does not keep a session alive."""
    background = bool(x_homeward_background)
    with ward.unit_of_work(read_only=background) as store:
        return clinician_of(store, token, ward.clock.wall(), background=background)


ClinicianDep = Annotated[AccountRow, Depends(get_clinician)]
SignedIn = Depends(get_clinician)

# An act that is sent again with the same key is not carried out again.
IdempotencyKey = Annotated[str, Header(min_length=8, max_length=200)]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts: who, when, and under which key, so that it is done once."""

    ward: Ward
    by: str
    now: datetime
    key: str

    def on_alert(self, action: AlertAct) -> AlertRow:
        """Act on an alert, and return it as it now stands."""
        return acts.act(self.ward, action.alert_id, action, self.key, self.now)

    def on_stay(self, episode_id: UUID, action: StayAct) -> None:
        """Act on a stay."""
        acts.act_on_stay(self.ward, episode_id, action, self.key, self.now)


def get_actor(
    ward: WardDep, clinician: ClinicianDep, now: NowDep, idempotency_key: IdempotencyKey
) -> Actor:
    """Return who acts with this request."""
    return Actor(ward, clinician.username, now, idempotency_key)


ActorDep = Annotated[Actor, Depends(get_actor)]
