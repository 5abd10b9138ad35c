"""Calls to people, in SQL: steps of ladders as rows, and the messages that they write.

A message is written in the transaction of what it is about, and sent afterwards (store/outbox.py).
Source: docs/reference/brokers-and-databases.md#deadlines-as-rows.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, and_, or_, select, update

from ward_service.contract.vocabulary import OWNER, AlertState
from ward_service.domain.alerts import AlertInPlay
from ward_service.domain.state import Message, StepTaken
from ward_service.store.repository import Repository
from ward_service.store.tables.alerts import TimerRow
from ward_service.store.tables.messages import MessageRow

_TIMERS = cast(Table, TimerRow.__table__)


_MESSAGES = cast(Table, MessageRow.__table__)


RINGING = (AlertState.PROVISIONAL, AlertState.OPEN)  # nobody has answered yet


WAITING = and_(
    MessageRow.sent_at.is_(None),
    MessageRow.stopped_at.is_(None),
    MessageRow.given_up_at.is_(None),
)


def _timer(
    alert_id: UUID, round_: int, step: int, due_at: datetime, taken_at: datetime | None
) -> dict[str, Any]:
    return {
        "alert_id": alert_id,
        "round": round_,
        "step": step,
        "due_at": due_at,
        "taken_at": taken_at,
    }


class CallRepository(Repository):
    """Steps of ladders, and the calls that they make."""

    def save_timers(
        self, alerts: Sequence[AlertInPlay], taken: Iterable[StepTaken], now: datetime
    ) -> None:
        """Write which steps were taken, which is due next, and which nobody waits for any more."""
        timers = [_timer(t.alert_id, t.round, t.step, t.due_at, now) for t in taken]
        for alert in alerts:
            row = TimerRow
            others = (row.alert_id == alert.id) & row.taken_at.is_(None) & row.stopped_at.is_(None)
            if alert.step_at is not None:
                others &= or_(row.round != alert.round, row.step != alert.step)
                timers.append(_timer(alert.id, alert.round, alert.step, alert.step_at, None))
            self._session.execute(update(row).where(others).values(stopped_at=now))
        self._put(_TIMERS, ("alert_id", "round", "step"), timers)

    def timers(self, alert_id: UUID) -> list[TimerRow]:
        """Return the steps of an alert's ladder, in the order of their turn."""
        row = TimerRow
        query = select(row).where(row.alert_id == alert_id).order_by(row.round, row.step)
        return list(self._session.scalars(query))

    def stop_of_alerts(self, alerts: Iterable[AlertInPlay], now: datetime) -> None:
        """Stop what is still to be said about alerts that somebody has answered.

        The owner of an acknowledged alert is still reminded; of an ended one, nobody is.
        """
        for alert in alerts:
            if alert.state in RINGING:
                continue
            about = WAITING & (MessageRow.alert_id == alert.id)
            if alert.in_play:
                about &= MessageRow.to.not_like(f"{OWNER}:%")
            self._session.execute(
                update(MessageRow).where(about).values(stopped_at=now, problem="answered")
            )

    def stop_of_stay(
        self,
        episode_id: UUID,
        now: datetime,
        why: str,
        *,
        to: str | None = None,
        reminders_only: bool = False,
    ) -> None:
        """Stop what is still to be said about a stay: to one or to all, of alerts too or not."""
        about = WAITING & (MessageRow.episode_id == episode_id)
        if to is not None:
            about &= MessageRow.to == to
        if reminders_only:
            about &= MessageRow.alert_id.is_(None)
        self._session.execute(update(MessageRow).where(about).values(stopped_at=now, problem=why))

    def add(self, episode_id: UUID, messages: Sequence[Message], now: datetime) -> None:
        """Write calls to be made; the same key again changes nothing.

        Of several to one person about one thing only the latest is still worth making: a ward that
        comes back after a night must not flood whom it calls.
        """
        latest = {(m.alert_id, m.to): m.key for m in messages}
        rows: list[dict[str, Any]] = []
        for message in messages:
            stopped = None
            if message.not_after is not None and message.not_after < now:
                stopped = "too late to be of use"
            elif latest[message.alert_id, message.to] != message.key:
                stopped = "a later one says the same"
            row = {
                "key": message.key,
                "episode_id": episode_id,
                "alert_id": message.alert_id,
                "to": message.to,
                "by": [str(channel) for channel in message.by],
                "text_id": message.text,
                "level": message.level,
                "due_at": message.at,
                "not_after": message.not_after,
                "written_at": now,
                "attempts": 0,
                "asked": 0,
                "tried": [],
                "stopped_at": now if stopped else None,
                "problem": stopped,
            }
            rows.append(row)
        if rows:
            kept = self._upsert(_MESSAGES).on_conflict_do_nothing(index_elements=["key"])
            self._session.execute(kept, rows)

    def of_alert(self, alert_id: UUID) -> list[MessageRow]:
        """Return every call about an alert, oldest first."""
        query = select(MessageRow).where(MessageRow.alert_id == alert_id)
        return list(self._session.scalars(query.order_by(MessageRow.due_at, MessageRow.key)))
