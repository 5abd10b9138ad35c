"""What people were told at home, in words: by the plan that their home held, with its numbers."""

from collections.abc import Sequence

from ward_service.contract.http.readings import ToldView
from ward_service.contract.messages import AdviceGiven, read_payload
from ward_service.domain.texts import texts_for
from ward_service.store.plans import limits_then
from ward_service.store.tables.homes import PlanSentRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward


def told_at_home(ward: Ward, store: Store, rows: Sequence[ReadingRow]) -> dict[int, ToldView]:
    """Return what was told about readings, by `received_no`; nobody was told about the others."""
    given = {row.received_no: (row, advice) for row in rows if (advice := _given(row)) is not None}
    plans = store.plans.sent(
        (row.gateway_id, row.slot or 0, advice.plan_number)
        for row, advice in given.values()
        if advice.plan_number is not None
    )
    return {
        number: ToldView(
            level=advice.level,
            plan_number=advice.plan_number,
            text_ids=advice.text_ids,
            words=_words(ward, advice, plans.get((row.gateway_id, row.slot, advice.plan_number))),
        )
        for number, (row, advice) in given.items()
    }


def _given(row: ReadingRow) -> AdviceGiven | None:
    if '"advice"' not in row.payload:  # most of a page of phoned readings: not worth parsing
        return None
    return read_payload(row.payload).advice


def _words(ward: Ward, advice: AdviceGiven, plan: PlanSentRow | None) -> tuple[str, ...]:
    """Return the texts; none when the plan is not known here, or has no such text."""
    if plan is None or plan.limits is None:
        return ()
    try:
        return texts_for(advice.text_ids, ward.pathways[plan.pathway], limits_then(plan))
    except KeyError:
        return ()
