"""Read from the store what explains an alert, and explain it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from ward_service.contract.http.explanation import ExplanationView
from ward_service.contract.messages import Reading, read_payload
from ward_service.contract.vocabulary import Vital
from ward_service.domain.inputs import LimitsChanged
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.pathway import Pathway
from ward_service.errors import NotFoundError
from ward_service.explain.explanation import explain
from ward_service.explain.limits import LimitsChange, limits_history
from ward_service.explain.record import AlertRecord, LedgerLine, ReadingFacts, Timer
from ward_service.pathways.load import PathwayFile, read
from ward_service.store.acts import action_of
from ward_service.store.alerts import alerts_of_ledger
from ward_service.store.stays import person_of
from ward_service.store.tables.alerts import LedgerRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import signed_versions


def explain_alert(store: Store, alert_id: UUID) -> ExplanationView:
    """Return why an alert rang.

    Raises:
        NotFoundError: there is no such alert.
    """
    row = store.alerts.get(alert_id)
    if row is None:
        raise NotFoundError("There is no such alert.")
    lines = store.alerts.ledgers([alert_id])[alert_id]
    alert = alerts_of_ledger((line.alert_id, line.change) for line in lines)[alert_id]
    stay = store.stays.get([row.episode_id], lock=False)[row.episode_id]
    file = _file(store, row.pathway)
    signature = signed_versions(store).get(row.pathway)
    shown = {found.reading_id for found in alert.findings if found.reading_id is not None}
    return explain(
        AlertRecord(
            episode_id=row.episode_id,
            alert=alert,
            ledger=tuple(_line(line) for line in lines),
            timers=tuple(
                Timer(t.round, t.step, t.due_at, t.taken_at, t.stopped_at)
                for t in store.calls.timers(alert_id)
            ),
            readings=_readings(store, row.episode_id, shown),
            limits=_limits(store, stay, file.pathway),
            mode=stay.mode,
            file=file,
            signed_by=f"{signature.lead}, {signature.role}" if signature else "",
        )
    )


def _file(store: Store, name: str) -> PathwayFile:
    """Return the version that an alert quotes, read again from the text that the ward keeps."""
    id_, _, version = name.rpartition("@")
    row = store.pathways.get(id_, int(version))
    assert row is not None  # noqa: S101 - nothing runs under a version that is not kept
    return read(row.text, name)


def _line(row: LedgerRow) -> LedgerLine:
    return LedgerLine(row.at, row.noticed_at, row.by, row.what, row.words, row.change or {})


def _readings(store: Store, episode_id: UUID, ids: Collection[UUID]) -> dict[UUID, ReadingFacts]:
    rows = store.readings.of_stay(episode_id, ids)
    return {row.reading_id: ReadingFacts(row.input_no, _on_oxygen(row.payload)) for row in rows}


def _on_oxygen(payload: str) -> bool | None:
    came = read_payload(payload)
    observations = came.observations if isinstance(came, Reading) else ()
    litres = [o.value for o in observations if o.vital is Vital.SUPPLEMENTAL_OXYGEN]
    return litres[0] > 0 if litres else None


def _limits(store: Store, stay: EpisodeRow, pathway: Pathway) -> tuple[LimitsChange, ...]:
    person = person_of(stay)
    ledger = store.alerts.ledger_of_stay(stay.id)
    by = next((line.by for line in ledger if line.what == "admitted"), "ward")
    limits = person.limits or limits_at_admission(pathway)
    admitted = LimitsChange(limits, stay.admitted_at, f"{by}, at admission")
    acts: list[tuple[datetime, int, LimitsChanged]] = []
    for row in store.history.acts([stay.id]):
        action = action_of(row)
        if isinstance(action, LimitsChanged) and not row.refused:
            acts.append((row.at, row.input_no, action))
    return limits_history(admitted, acts)
