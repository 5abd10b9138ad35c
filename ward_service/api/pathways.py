"""Which pathway versions run here, and which of them a clinical lead has signed."""

from fastapi import APIRouter

from ward_service.api.deps import SignedIn, StoreDep, WardDep
from ward_service.contract.http.pathways import PathwayView
from ward_service.ward import signed_versions

router = APIRouter(prefix="/pathways", tags=["pathways"], dependencies=[SignedIn])


@router.get("")
def list_pathways(ward: WardDep, store: StoreDep) -> list[PathwayView]:
    """Return every version that ever ran here; `current` is what an admission gets."""
    signed = signed_versions(store)
    current = {pathway.name for pathway in ward.current.values()}
    views = []
    for row in store.pathways.all():
        name = f"{row.id}@{row.version}"
        signature = signed.get(name)
        views.append(
            PathwayView(
                id=row.id,
                version=row.version,
                title=ward.pathways[name].title,
                current=name in current,
                sha256=row.sha256,
                signed_by=f"{signature.lead}, {signature.role}" if signature else None,
                signed_at=signature.signed_at if signature else None,
            )
        )
    return views
