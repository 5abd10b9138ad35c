"""Stays, their alerts with the ledger, gateways and slots, in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast, get_args
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Table, insert, select, update

from ward_service.contract.vocabulary import AlertState, EndReason, TaskKind
from ward_service.domain.alerts import AlertFinding, AlertInPlay
from ward_service.domain.episode import Person
from ward_service.domain.inputs import Act
from ward_service.domain.state import Entry, EpisodeState, TaskOpened
from ward_service.store.intake import PartStore
from ward_service.store.tables.alerts import AlertRow, LedgerRow
from ward_service.store.tables.homes import GatewayRow, SlotRow
from ward_service.store.tables.stays import (
    ActRow,
    DueRow,
    EpisodeRow,
    PathwayVersionRow,
    PatientRow,
    SignatureRow,
    TaskRow,
)

_ALERTS = cast(Table, AlertRow.__table__)
_LEDGER = cast(Table, LedgerRow.__table__)
_STATE = TypeAdapter(EpisodeState)
_PERSON = TypeAdapter(Person)
_ALERT = TypeAdapter(AlertInPlay)
_DEEDS = {kind.__name__: TypeAdapter(kind) for kind in get_args(Act)}
_FINDINGS = TypeAdapter(tuple[AlertFinding, ...])

# What the fold says of an alert and the row repeats, name for name.
_SAME = (
    "alert_class", "level", "state", "version", "pathway", "opened_at", "noticed_at", "late",
    "review", "limits", "round", "step", "step_at", "respond_by", "owner", "acknowledged_at",
    "contact_by", "contacted_at", "shift_ends_at", "resume_at", "resolved_at", "outcome",
    "response_needed", "response_completed", "management_changed",
)  # fmt: skip


def state_of(row: EpisodeRow) -> EpisodeState:
    """Return what the fold remembers of a stay."""
    return _STATE.validate_python(row.state)


def stored(state: EpisodeState) -> dict[str, Any]:
    """Return a state as the episode keeps it."""
    dumped: dict[str, Any] = _STATE.dump_python(state, mode="json")
    return dumped


def person_of(row: EpisodeRow) -> Person:
    """Return what the rules were told of somebody when they were admitted."""
    return _PERSON.validate_python(row.admitted_as)


def as_admitted(person: Person) -> dict[str, Any]:
    """Return what the rules are told of somebody at admission, as the episode keeps it."""
    dumped: dict[str, Any] = _PERSON.dump_python(person, mode="json")
    return dumped


def deed_of(row: ActRow) -> Act:
    """Return an act as the rules took it."""
    deed: Act = _DEEDS[row.kind].validate_python(row.deed)
    return deed


def findings_of(row: AlertRow) -> tuple[AlertFinding, ...]:
    """Return the findings of an alert as the rules made them."""
    return _FINDINGS.validate_python(row.findings)


def change_of(entry: Entry) -> dict[str, Any] | None:
    """Return what a ledger entry made different of its alert; of findings, those that joined.

    None for a line about the stay itself.
    """
    if entry.after is None:
        return None
    after = _ALERT.dump_python(entry.after, mode="json")
    before = _ALERT.dump_python(entry.before, mode="json") if entry.before else {}
    change = {name: value for name, value in after.items() if before.get(name, ...) != value}
    if "findings" in change:
        change["findings"] = after["findings"][len(before.get("findings", ())) :]
    return change


def alerts_of_ledger(
    changes: Iterable[tuple[UUID | None, Mapping[str, Any] | None]],
) -> dict[UUID, AlertInPlay]:
    """Work out every alert again from a ledger alone: (alert, change) in its order.

    Returns:
        The alerts by id, as they now stand, in the order in which they opened.
    """
    standing: dict[UUID, dict[str, Any]] = {}
    for alert_id, change in changes:
        if alert_id is None or change is None:
            continue
        alert = standing.setdefault(alert_id, {"findings": []})
        joined = [*alert["findings"], *change.get("findings", ())]
        alert |= {**change, "findings": joined}
    return {id_: _ALERT.validate_python(alert) for id_, alert in standing.items()}


class StaysStore(PartStore):
    """What the pipeline and the worker ask of stays."""

    def add(self, *rows: object) -> None:
        """Write new rows, in the order given."""
        for row in rows:
            self._session.add(row)
            self._session.flush()

    def episodes(self, ids: Iterable[UUID], *, lock: bool) -> dict[UUID, EpisodeRow]:
        """Return stays by id; locked for this transaction, in one order so that none waits twice.

        SQLite has locked the whole database already.
        """
        query = select(EpisodeRow).where(EpisodeRow.id.in_(set(ids))).order_by(EpisodeRow.id)
        if lock:
            query = query.with_for_update()
        return {row.id: row for row in self._session.scalars(query)}

    def episodes_due(self, now: datetime, limit: int) -> list[EpisodeRow]:
        """Return stays whose deadline has passed, longest waiting first, locked for this worker."""
        row = EpisodeRow
        query = (
            select(row)
            .where(row.ended_at.is_(None), row.next_deadline_at <= now)
            .order_by(row.next_deadline_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return list(self._session.scalars(query))

    def save_episode(self, row: EpisodeRow, state: EpisodeState) -> None:
        """Write what the fold remembers now."""
        row.state = stored(state)
        row.version += 1
        row.next_deadline_at = state.next_at

    def end_stay(self, row: EpisodeRow, at: datetime, reason: EndReason | None) -> None:
        """Note that a stay has ended, and free its places: who measures there now is another."""
        row.ended_at, row.end_reason = at, reason
        mine = (SlotRow.episode_id == row.id) & SlotRow.until.is_(None)
        self._session.execute(update(SlotRow).where(mine).values(until=at))

    def look_again(self, row: EpisodeRow, at: datetime) -> None:
        """Put off looking at a stay for which nothing has changed."""
        row.next_deadline_at = at

    def save_alerts(
        self, episode_id: UUID, alerts: Iterable[AlertInPlay], entries: Sequence[Entry]
    ) -> None:
        """Write alerts as they now stand, with their ledger entries: never one without the other.

        Ends come before beginnings, so that a class never has two in play, not for a moment.
        """
        values = []
        for alert in sorted(alerts, key=lambda a: a.in_play):
            row = {name: getattr(alert, name) for name in _SAME}
            row["findings"] = _FINDINGS.dump_python(alert.findings, mode="json")
            values.append({"id": alert.id, "episode_id": episode_id, **row})
        self._put(_ALERTS, ("id",), values)
        if entries:
            rows = [
                {
                    "episode_id": episode_id,
                    "alert_id": e.alert_id,
                    "at": e.at,
                    "noticed_at": e.noticed_at,
                    "by": e.by,
                    "what": e.what,
                    "words": e.words,
                    "change": change_of(e),
                }
                for e in entries
            ]
            self._session.execute(insert(_LEDGER), rows)

    def alert(self, alert_id: UUID) -> AlertRow | None:
        """Return an alert, or None."""
        return self._session.get(AlertRow, alert_id, populate_existing=True)

    def ledger(self, alert_ids: Iterable[UUID]) -> dict[UUID, list[LedgerRow]]:
        """Return the ledger of alerts, in the order in which it was written."""
        query = select(LedgerRow).where(LedgerRow.alert_id.in_(set(alert_ids)))
        found: dict[UUID, list[LedgerRow]] = {}
        for row in self._session.scalars(query.order_by(LedgerRow.id)):
            if row.alert_id is not None:
                found.setdefault(row.alert_id, []).append(row)
        return found

    def alerts_in_play(self, episode_ids: Iterable[UUID]) -> dict[UUID, list[AlertRow]]:
        """Return the alerts that a person may still have to act on, by stay."""
        ended = (AlertState.RESOLVED, AlertState.WITHDRAWN)
        query = select(AlertRow).where(
            AlertRow.episode_id.in_(set(episode_ids)), AlertRow.state.not_in(ended)
        )
        found: dict[UUID, list[AlertRow]] = {}
        for row in self._session.scalars(query.order_by(AlertRow.opened_at)):
            found.setdefault(row.episode_id, []).append(row)
        return found

    def alerts_of(self, episode_id: UUID) -> list[AlertRow]:
        """Return every alert of a stay, newest first."""
        query = select(AlertRow).where(AlertRow.episode_id == episode_id)
        return list(self._session.scalars(query.order_by(AlertRow.opened_at.desc())))

    def ledger_of(self, episode_id: UUID) -> list[LedgerRow]:
        """Return the whole ledger of a stay, in the order in which it was written."""
        query = select(LedgerRow).where(LedgerRow.episode_id == episode_id)
        return list(self._session.scalars(query.order_by(LedgerRow.id)))

    def act(self, key: str, username: str) -> ActRow | None:
        """Return an act of this person that the rules have taken in already."""
        return self._session.get(ActRow, (key, username))

    def add_act(self, row: ActRow, deed: Act) -> None:
        """Write an act as the rules took it, so that they do not take it twice."""
        row.kind = type(deed).__name__
        row.deed = _DEEDS[row.kind].dump_python(deed, mode="json")
        self._session.add(row)

    def gateway(self, gateway_id: str) -> GatewayRow | None:
        """Return a gateway, or None."""
        return self._session.get(GatewayRow, gateway_id)

    def slot_holder(self, gateway_id: str, slot: int) -> SlotRow | None:
        """Return who has a slot now."""
        row = SlotRow
        query = select(row).where(
            row.gateway_id == gateway_id, row.slot == slot, row.until.is_(None)
        )
        return self._session.scalars(query).first()

    def staying(self, nhs_number: str) -> EpisodeRow | None:
        """Return the stay that somebody with this NHS number has now."""
        query = (
            select(EpisodeRow)
            .join(PatientRow, PatientRow.id == EpisodeRow.patient_id)
            .where(PatientRow.nhs_number == nhs_number, EpisodeRow.ended_at.is_(None))
        )
        return self._session.scalars(query).first()

    def open_tasks(self) -> list[TaskRow]:
        """Return what is to do, longest due first, for those who are on the ward."""
        query = (
            select(TaskRow)
            .join(EpisodeRow, EpisodeRow.id == TaskRow.episode_id)
            .where(TaskRow.done_at.is_(None), EpisodeRow.ended_at.is_(None))
            .order_by(TaskRow.due_at)
        )
        return list(self._session.scalars(query))

    def task(self, episode_id: UUID, kind: TaskKind, number: int) -> TaskRow | None:
        """Return one task, or None."""
        return self._session.get(TaskRow, (episode_id, kind, number))

    def finish_task(self, row: TaskRow, by: str, note: str, at: datetime) -> None:
        """Note that a task is done, in the ledger of the stay too."""
        row.done_at, row.done_by, row.note = at, by, note or None
        words = f"{row.words}: {note}" if note else row.words
        entry = LedgerRow(
            episode_id=row.episode_id, at=at, noticed_at=at, by=by, what="task done", words=words
        )
        self._session.add(entry)

    def add_tasks(self, episode_id: UUID, tasks: Iterable[TaskOpened]) -> None:
        """Write what has fallen to somebody to do."""
        for task in tasks:
            self._session.add(
                TaskRow(
                    episode_id=episode_id,
                    kind=task.kind,
                    number=task.number,
                    due_at=task.due_at,
                    words=task.words,
                )
            )

    def pathway_version(self, id_: str, version: int) -> PathwayVersionRow | None:
        """Return a pathway version as it was first loaded."""
        return self._session.get(PathwayVersionRow, (id_, version))

    def signatures(self) -> list[SignatureRow]:
        """Return every signature, oldest first."""
        return list(self._session.scalars(select(SignatureRow).order_by(SignatureRow.signed_at)))

    def pathway_versions(self) -> list[PathwayVersionRow]:
        """Return every pathway version that ever ran here."""
        return list(self._session.scalars(select(PathwayVersionRow)))

    def episodes_without_due(self, before: datetime) -> list[EpisodeRow]:
        """Return stays whose expected readings were written only up to before this moment."""
        row = EpisodeRow
        query = select(row).where(row.ended_at.is_(None), row.due_written_until < before)
        return list(self._session.scalars(query.with_for_update(skip_locked=True)))

    def write_due(self, row: EpisodeRow, dues: Sequence[DueRow], until: datetime) -> None:
        """Write the readings that the plan expected of a stay, up to a moment."""
        self._session.add_all(dues)
        change = update(EpisodeRow).where(EpisodeRow.id == row.id)
        self._session.execute(change.values(due_written_until=until))
