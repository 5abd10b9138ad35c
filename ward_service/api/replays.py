"""What a candidate pathway would have changed, over HTTP."""

from fastapi import APIRouter

from ward_service.api.deps import NowDep, SignedIn, WardDep
from ward_service.contract.http.pathways import ReplayRequest, ReplayView
from ward_service.replay.request import ask

router = APIRouter(prefix="/replays", tags=["pathways"], dependencies=[SignedIn])


@router.post("")
def replay(given: ReplayRequest, ward: WardDep, now: NowDep) -> ReplayView:
    """Replay a candidate over stored readings. 400 for too much, 409 while another is under way."""
    return ask(ward, given, now)
