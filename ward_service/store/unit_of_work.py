"""One block, one transaction: `with unit_of_work(sessions) as store`. Nothing else ever commits."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from ward_service.errors import StorageDownError
from ward_service.store.accounts import AccountRepository
from ward_service.store.acts import ActRepository
from ward_service.store.alerts import AlertRepository
from ward_service.store.board import BoardRepository
from ward_service.store.calls import CallRepository
from ward_service.store.channels import ChannelRepository
from ward_service.store.codes import CodeRepository
from ward_service.store.connect import Sessions
from ward_service.store.gateways import GatewayRepository
from ward_service.store.history import HistoryRepository
from ward_service.store.homes import HomeRepository
from ward_service.store.outbox import OutboxRepository
from ward_service.store.pathways import PathwayRepository
from ward_service.store.plans import PlanRepository
from ward_service.store.quarantine import QuarantineRepository
from ward_service.store.read_receipts import ReadReceiptRepository
from ward_service.store.readings import ReadingRepository
from ward_service.store.roster import RosterRepository
from ward_service.store.runtime import RuntimeRepository
from ward_service.store.slots import SlotRepository
from ward_service.store.stays import StayRepository
from ward_service.store.streams import StreamRepository
from ward_service.store.tasks import TaskRepository


class Store:
    """The memory of the ward inside one transaction, a part for each noun."""

    def __init__(self, session: Session) -> None:
        """Share one session among all parts."""
        self._session = session
        self.accounts = AccountRepository(session)
        self.runtime = RuntimeRepository(session)
        self.board = BoardRepository(session)
        self.readings = ReadingRepository(session)
        self.quarantine = QuarantineRepository(session)
        self.slots = SlotRepository(session)
        self.gateways = GatewayRepository(session)
        self.streams = StreamRepository(session)
        self.homes = HomeRepository(session)
        self.stays = StayRepository(session)
        self.alerts = AlertRepository(session)
        self.acts = ActRepository(session)
        self.tasks = TaskRepository(session)
        self.pathways = PathwayRepository(session)
        self.calls = CallRepository(session)
        self.outbox = OutboxRepository(session)
        self.roster = RosterRepository(session)
        self.channels = ChannelRepository(session)
        self.history = HistoryRepository(session)
        self.plans = PlanRepository(session)
        self.codes = CodeRepository(session)
        self.read_receipts = ReadReceiptRepository(session)

    def add(self, *rows: object) -> None:
        """Write new rows, in the order given."""
        for row in rows:
            self._session.add(row)
            self._session.flush()


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
