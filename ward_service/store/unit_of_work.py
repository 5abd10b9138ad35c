"""One block, one transaction: `with unit_of_work(sessions) as store`. Nothing else ever commits."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError

from ward_service.errors import StorageDownError
from ward_service.store.accounts import AccountsStore
from ward_service.store.board import BoardStore
from ward_service.store.calls import CallsStore
from ward_service.store.codes import DoorsStore
from ward_service.store.connect import Sessions
from ward_service.store.entry import TypedStore
from ward_service.store.gateways import GatewaysStore
from ward_service.store.history import HistoryStore
from ward_service.store.homes import HomesStore
from ward_service.store.intake import IntakeStore
from ward_service.store.outbox import OutboxStore
from ward_service.store.plans import PlansStore
from ward_service.store.stays import StaysStore


class Store(
    IntakeStore,
    HomesStore,
    StaysStore,
    CallsStore,
    OutboxStore,
    BoardStore,
    AccountsStore,
    GatewaysStore,
    HistoryStore,
    PlansStore,
    TypedStore,
    DoorsStore,
):
    """The ward's memory inside one transaction. All SQL of the service is in its parts.

    intake: what arrives; homes: how homes are, and what came of their streams; stays: episodes,
    alerts and places; calls: ladders and who is to be called; outbox: sending, and the roster;
    board: what screens ask; accounts: who may sign in; gateways: how homes get their keys;
    history: what replay asks; plans: what homes advise by; typed: what staff typed; doors: who
    may come in at the patient's page, and what clinicians have seen.
    """


@contextmanager
def unit_of_work(sessions: Sessions, *, read_only: bool = False) -> Iterator[Store]:
    """Commit when the block ends well; roll back on any exception.

    `read_only` takes no write lock on SQLite, so that screens never wait for readings.

    Raises:
        StorageDownError: the database went away; nothing of the block was kept.
    """
    try:
        with sessions.begin() as session:
            session.connection(execution_options={"read_only": read_only})
            yield Store(session)
    except (OperationalError, InterfaceError) as error:
        raise StorageDownError("storage is down") from error
