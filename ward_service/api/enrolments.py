"""How homes get their keys: a clinician makes a code, a home uses it, and later asks with its key.

What a home asks needs nobody signed in: the code, or the signature, is the proof.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response, status
from pydantic import AwareDatetime

from ward_service.api.deps import ClinicianDep, WardDep
from ward_service.contract.enrolment import Enrol, Enrolled, Renew
from ward_service.contract.http.session import InvitationView
from ward_service.contract.messages import GATEWAY_ID
from ward_service.enrolment import enrolment

router = APIRouter(tags=["enrolments"])

GatewayIdPath = Annotated[str, Path(pattern=GATEWAY_ID)]


async def _get_body(request: Request) -> bytes:
    """Return the body as it was sent: a signature is over these very bytes."""
    return await request.body()


def _keep_nowhere(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


def _source(request: Request) -> str:
    return request.client.host if request.client else ""


NoStore = Depends(_keep_nowhere)
BodyDep = Annotated[bytes, Depends(_get_body)]
SourceDep = Annotated[str, Depends(_source)]


@router.post(
    "/gateways/{gateway_id}/invitations",
    status_code=status.HTTP_201_CREATED,
    dependencies=[NoStore],
)
def invite(gateway_id: GatewayIdPath, clinician: ClinicianDep, ward: WardDep) -> InvitationView:
    """Make a code for a gateway, known or new. 400 if it was revoked."""
    return enrolment.invite(ward, gateway_id, by=clinician.username)


@router.post("/enrolments", status_code=status.HTTP_201_CREATED, dependencies=[NoStore])
def enrol(given: Enrol, source: SourceDep, ward: WardDep) -> Enrolled:
    """Become a gateway by a code. 403 for a code that does not work, 429 after too many of them.

    503 when the broker cannot be told; the code is then as good as before.
    """
    return enrolment.enrol(ward, given, source)


@router.post(
    "/gateways/{gateway_id}/renewals", status_code=status.HTTP_201_CREATED, dependencies=[NoStore]
)
def renew(
    gateway_id: GatewayIdPath,
    given: Renew,
    body: BodyDep,
    homeward_at: Annotated[AwareDatetime, Header()],
    homeward_mac: Annotated[str, Header(max_length=100)],
    ward: WardDep,
) -> Enrolled:
    """Get the next key, signed with the present one. 403 when it does not count (any more)."""
    return enrolment.renew(ward, gateway_id, given, body, homeward_at, homeward_mac)
