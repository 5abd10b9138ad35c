"""Whether what was sent has arrived: asked of a channel that can say so, until it says.

A message that did not arrive must not look sent: it waits again, and goes its next way like any
other that failed. Its channel is not blamed for it.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Event
from typing import Final

from ward_service.contract.vocabulary import Channel
from ward_service.errors import MessageLostError, NotifyError, StorageDownError
from ward_service.logs import log
from ward_service.notify.notifier import Notifier, Reporting
from ward_service.notify.relevance import muted, why_not
from ward_service.store.tables.messages import MessageRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

POLL_S: Final = 0.5  # real seconds between two looks
AT_ONCE: Final = 50  # messages asked about between two looks
# Real time from one question to the next. Notify's networks try for up to 72 hours.
ASK_AFTER: Final = tuple(timedelta(seconds=s) for s in (5, 10, 20, 60, 300))


def ask_until(ward: Ward, channels: Mapping[Channel, Notifier], stop: Event) -> None:
    """Ask what became of messages until told to stop; a database that is away is waited for."""
    while not stop.wait(POLL_S):
        try:
            look(ward, channels, ward.clock.now(), ward.clock.wall())
        except StorageDownError:
            pass  # the sender says so
        except Exception as error:  # noqa: BLE001 - the outermost frame of this thread
            log("message.broke_us", logging.ERROR, error=type(error).__name__)


def look(ward: Ward, channels: Mapping[Channel, Notifier], now: datetime, wall: datetime) -> int:
    """Ask about every message whose turn it is; return how many that was.

    What nobody needs to know any more is not asked about. When it is asked next is written first:
    whoever dies while asking, or asks beside another, asks nobody twice.
    """
    with ward.unit_of_work(read_only=True) as store:
        if not store.outbox.anything_to_ask(wall):
            return 0
    asked: list[tuple[MessageRow, Reporting]] = []
    with ward.unit_of_work() as store:
        rows = store.outbox.to_ask(wall, AT_ONCE)
        about = store.outbox.about(rows)
        for row in rows:
            channel = channels.get(row.channel) if row.channel is not None else None
            if why_not(row, about[row.key], now) or not isinstance(channel, Reporting):
                store.outbox.ask_again(row, None)
                continue
            store.outbox.ask_again(row, wall + ASK_AFTER[min(row.asked + 1, len(ASK_AFTER) - 1)])
            asked.append((row, channel))
    for row, reporting in asked:
        _ask(ward, row, reporting, now, wall)
    return len(asked)


def _ask(ward: Ward, row: MessageRow, channel: Reporting, now: datetime, wall: datetime) -> None:
    try:
        if channel.arrived(row.key, row.way or ""):
            with ward.unit_of_work() as store:
                store.outbox.mark_arrived(row.key, row.way or "", now)
            log("message.arrived", alert_id=row.alert_id, channel=row.channel)
    except MessageLostError as lost:
        with ward.unit_of_work() as store:
            _lose(store, row, str(lost), now, wall)
        log(
            "message.lost",
            logging.WARNING,
            alert_id=row.alert_id,
            channel=row.channel,
            problem=str(lost),
        )
    except NotifyError:
        pass  # nobody can say now; it is asked again


def _lose(store: Store, seen: MessageRow, problem: str, now: datetime, wall: datetime) -> None:
    """Let a message wait again, for its next way, unless nobody needs it any more."""
    # First of all: whoever folds a stay locks it first, and its messages after it.
    store.stays.show_again(seen.episode_id)
    row = store.outbox.sent_by(seen.key, seen.way or "")
    if row is None or row.sent_at is None:
        return
    about = store.outbox.about([row])[row.key]
    came = row.alert_id is None and store.readings.filled_since(row.episode_id, row.sent_at)
    if why_not(row, about, now) or muted(row, about) or came:
        row.ask_at, row.problem = None, problem
    else:
        store.outbox.unsend(row, wall, problem)
