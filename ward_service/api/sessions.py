"""Signing in and out. The session lives here, in the ward; a browser only holds its token."""

from fastapi import APIRouter, status

from ward_service.api.deps import ClinicianDep, TokenDep, WardDep
from ward_service.contract.http.session import ClinicianView, SessionView, SignIn
from ward_service.errors import NotSignedInError
from ward_service.passwords import account_to_try, begin_session, hash_of, is_right, note_try

router = APIRouter(prefix="/session", tags=["session"])


@router.post("", status_code=status.HTTP_201_CREATED)
def sign_in(given: SignIn, ward: WardDep) -> SessionView:
    """Begin a session. 401 for a wrong name or password, 429 after too many of them."""
    wall = ward.clock.wall()
    with ward.unit_of_work(read_only=True) as store:
        account = account_to_try(store, given.username, wall)
    right = is_right(account, given.password)
    if account is not None:
        with ward.unit_of_work() as store:
            note_try(store, given.username, right, wall)
    if account is None or not right:
        raise NotSignedInError("That name and password do not belong together.")
    with ward.unit_of_work() as store:
        token, ends = begin_session(store, account.username, wall)
    clinician = ClinicianView(username=account.username, name=account.name)
    return SessionView(token=token, expires_at=ends, clinician=clinician)


@router.get("")
def who_am_i(clinician: ClinicianDep) -> ClinicianView:
    """Return who is signed in. 401 when nobody is."""
    return ClinicianView(username=clinician.username, name=clinician.name)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
def sign_out(token: TokenDep, clinician: ClinicianDep, ward: WardDep) -> None:  # noqa: ARG001
    """End the session everywhere, at once."""
    with ward.unit_of_work() as store:
        store.accounts.end_session(hash_of(token))
