"""Alerts and their ledger, in SQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Table, insert, select

from ward_service.contract.vocabulary import AlertState
from ward_service.domain.alerts import AlertFinding, AlertInPlay
from ward_service.domain.state import Entry
from ward_service.store.repository import Repository
from ward_service.store.tables.alerts import AlertRow, LedgerRow

_ALERTS = cast(Table, AlertRow.__table__)


_LEDGER = cast(Table, LedgerRow.__table__)


_ALERT = TypeAdapter(AlertInPlay)


_FINDINGS = TypeAdapter(tuple[AlertFinding, ...])


# What the fold says of an alert and the row repeats, name for name.
_SAME = (
    "alert_class", "level", "state", "version", "pathway", "opened_at", "noticed_at", "late",
    "review", "limits", "round", "step", "step_at", "respond_by", "owner", "acknowledged_at",
    "contact_by", "contacted_at", "shift_ends_at", "resume_at", "resolved_at", "outcome",
    "response_needed", "response_completed", "management_changed",
)  # fmt: skip


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


class AlertRepository(Repository):
    """Alerts and their ledger."""

    def save(
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

    def get(self, alert_id: UUID) -> AlertRow | None:
        """Return an alert, or None."""
        return self._session.get(AlertRow, alert_id, populate_existing=True)

    def ledgers(self, alert_ids: Iterable[UUID]) -> dict[UUID, list[LedgerRow]]:
        """Return the ledger of alerts, in the order in which it was written."""
        query = select(LedgerRow).where(LedgerRow.alert_id.in_(set(alert_ids)))
        found: dict[UUID, list[LedgerRow]] = {}
        for row in self._session.scalars(query.order_by(LedgerRow.id)):
            if row.alert_id is not None:
                found.setdefault(row.alert_id, []).append(row)
        return found

    def in_play(self, episode_ids: Iterable[UUID]) -> dict[UUID, list[AlertRow]]:
        """Return the alerts that a person may still have to act on, by stay."""
        ended = (AlertState.RESOLVED, AlertState.WITHDRAWN)
        query = select(AlertRow).where(
            AlertRow.episode_id.in_(set(episode_ids)), AlertRow.state.not_in(ended)
        )
        found: dict[UUID, list[AlertRow]] = {}
        for row in self._session.scalars(query.order_by(AlertRow.opened_at)):
            found.setdefault(row.episode_id, []).append(row)
        return found

    def of_stay(self, episode_id: UUID) -> list[AlertRow]:
        """Return every alert of a stay, newest first."""
        query = select(AlertRow).where(AlertRow.episode_id == episode_id)
        return list(self._session.scalars(query.order_by(AlertRow.opened_at.desc())))

    def ledger_of_stay(self, episode_id: UUID) -> list[LedgerRow]:
        """Return the whole ledger of a stay, in the order in which it was written."""
        query = select(LedgerRow).where(LedgerRow.episode_id == episode_id)
        return list(self._session.scalars(query.order_by(LedgerRow.id)))
