"""What was kept, doubted and quarantined, counted. No payload and no value is shown."""

from typing import Final

from fastapi import APIRouter

from ward_service.api.deps import SignedIn, StoreDep
from ward_service.contract.http.readings import DataQualityView, QuarantineView

router = APIRouter(prefix="/data-quality", tags=["data quality"], dependencies=[SignedIn])

SHOWN: Final = 100


@router.get("")
def get_data_quality(store: StoreDep) -> DataQualityView:
    """Return the counts, and the latest that could not be read."""
    by_reason = store.quarantine.by_reason()
    return DataQualityView(
        **store.readings.counts(),
        quarantined=sum(by_reason.values()),
        quarantined_by_reason=by_reason,
        doubts=store.readings.doubts(),
        statuses_ignored=store.homes.statuses_ignored(),
        latest=tuple(
            QuarantineView(
                id=row.id,
                received_at=row.received_at,
                last_at=row.last_at,
                times=row.times,
                gateway=row.gateway_id,
                slot=row.slot,
                episode_id=row.episode_id,
                reason=row.reason,
            )
            for row in store.quarantine.latest(SHOWN)
        ),
    )
