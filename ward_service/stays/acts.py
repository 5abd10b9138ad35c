"""What people do about an alert, a stay or a task: folded like a reading, once each."""

from datetime import datetime
from uuid import UUID

from ward_service.contract.vocabulary import TaskKind
from ward_service.domain import alerts
from ward_service.domain.inputs import Acknowledged, Act, AlertAct, Resolved, StayAct
from ward_service.errors import ConflictError, NoteRequiredError, NotFoundError, OutdatedError
from ward_service.stays.stay import load_stays
from ward_service.store.alerts import findings_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.stays import ActRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward


def act(ward: Ward, alert_id: UUID, action: AlertAct, key: str, now: datetime) -> AlertRow:
    """Let a person act on an alert, once per idempotency key and person.

    Raises:
        NotFoundError: there is no such alert.
        OutdatedError: it has changed since this person saw it, or is somebody else's.
        NoteRequiredError: a red was to be resolved without a note.
        ConflictError: the life of the alert does not allow it.
    """
    with ward.unit_of_work() as store:
        alert = store.alerts.get(alert_id)
        if alert is None:
            raise NotFoundError("There is no such alert.")
        before = store.acts.get(key, action.by)
        refused = before.refused if before else ""  # sent again, it is refused again
        if before is None:
            refused = _carry_out(ward, store, alert.episode_id, action, key, now)
            # Both name the version that was seen, and were refused if it was not the newest.
            if not refused and isinstance(action, Acknowledged | Resolved):
                shown = [found.reading_id for found in findings_of(alert) if found.reading_id]
                store.read_receipts.note(alert.episode_id, shown, now, action.by)
        acted = store.alerts.get(alert_id)
    if refused:  # it is in the ledger by now that this person came second
        raise OutdatedError(refused, alert_id)
    assert acted is not None  # noqa: S101 - it was there a moment ago, and nothing deletes alerts
    return acted


def act_on_stay(ward: Ward, episode_id: UUID, action: StayAct, key: str, now: datetime) -> None:
    """Let a person act on a stay, once per idempotency key and person.

    Raises:
        NotFoundError: there is no such stay.
        NoteRequiredError: a reason or a note is missing.
        ConflictError: the stay, or the pathway, does not allow it.
    """
    with ward.unit_of_work() as store:
        if not store.stays.get([episode_id], lock=False):
            raise NotFoundError("There is no such stay.")
        if store.acts.get(key, action.by) is None:
            _carry_out(ward, store, episode_id, action, key, now)


def _carry_out(
    ward: Ward, store: Store, episode_id: UUID, action: Act, key: str, now: datetime
) -> str:
    """Fold a person's act and write it down; return why it was refused, if it was."""
    [stay] = load_stays(ward, store, {episode_id}, now).values()
    alert_id = getattr(action, "alert_id", None)
    try:
        done = stay.fold(action, now)
    except alerts.SeenOldError as refused:
        assert alert_id is not None  # noqa: S101 - only an alert can be seen
        raise OutdatedError(str(refused), alert_id) from refused
    except alerts.NoteNeededError as refused:
        raise NoteRequiredError(str(refused)) from refused
    except alerts.NotAllowedError as refused:
        raise ConflictError(str(refused)) from refused
    stay.save(store, now)
    row = ActRow(
        key=key,
        username=action.by,
        episode_id=episode_id,
        alert_id=alert_id,
        at=done.now,
        input_no=stay.inputs,
        refused=done.refused,
    )
    store.acts.add(row, action)
    return done.refused


def finish_task(
    ward: Ward, which: tuple[UUID, TaskKind, int], by: str, note: str, now: datetime
) -> None:
    """Note that somebody has done a task.

    Raises:
        NotFoundError: there is no such task.
        ConflictError: somebody has done it already.
    """
    with ward.unit_of_work() as store:
        task = store.tasks.get(*which)
        if task is None:
            raise NotFoundError("There is no such task.")
        if task.done_at is not None:
            raise ConflictError(f"{task.done_by} has done this already.")
        store.tasks.finish(task, by, note.strip(), now)
