"""The ward as one process holds it: its settings, clock, database, keys and pathways."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from ward_service.contract.clock import Clock, read_clock
from ward_service.domain.pathway import Pathway
from ward_service.errors import WardError
from ward_service.keys import KeyRing, Keys
from ward_service.pathways.load import SHIPPED, PathwayFile, load_all, read
from ward_service.settings import Settings
from ward_service.store.connect import Sessions, connect, engine_of
from ward_service.store.migrate import migrate
from ward_service.store.tables.stays import PathwayVersionRow, SignatureRow
from ward_service.store.unit_of_work import Store, unit_of_work


@dataclass(slots=True)
class Ward:
    """What every role of the ward needs. Opened once per process, by `open_ward`.

    `pathways` holds every version that ever ran here, by `id@version`; `current` the version that
    an admission gets, by id.
    """

    settings: Settings
    clock: Clock
    sessions: Sessions
    secret: bytes
    pathways: dict[str, Pathway]
    current: dict[str, Pathway]
    keys: KeyRing = field(init=False)

    def __post_init__(self) -> None:
        self.keys = KeyRing(
            self.secret, lambda: self.unit_of_work(read_only=True), lambda: self.clock.wall()
        )

    def unit_of_work(self, *, read_only: bool = False) -> AbstractContextManager[Store]:
        """Open one transaction."""
        return unit_of_work(self.sessions, read_only=read_only)

    def key_of(self, gateway_id: str) -> bytes | None:
        """Return the key to sign with for a gateway; None if it is not known here, or was revoked.

        Raises:
            StorageDownError: the database went away.
        """
        keys = self.keys.of(gateway_id)
        return keys[0] if keys else None

    def keys_of(self, gateway_id: str) -> Keys:
        """Return every key that opens what a gateway sends, newest first.

        Raises:
            StorageDownError: the database went away.
        """
        return self.keys.of(gateway_id)


def open_ward(settings: Settings, now: Callable[[], datetime] | None = None) -> Ward:
    """Open the ward: migrate the database, load the pathways, read the clock.

    Raises:
        WardError: a pathway is not whole, has changed without a new version, or may not be used;
            or the data folder cannot be made.
        StorageDownError: the database does not answer.
    """
    clock = read_clock()
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # identity
    except OSError as error:
        raise WardError(f"{settings.data_dir} cannot be made: {error.strerror}.") from error
    sessions = connect(settings.database)
    try:
        return _opened(settings, clock, sessions, (now or clock.now)())
    except BaseException:
        engine_of(sessions).dispose()  # whoever is refused holds no connection
        raise


def _opened(settings: Settings, clock: Clock, sessions: Sessions, now: datetime) -> Ward:
    with unit_of_work(sessions, read_only=True):
        pass  # it answers: what goes wrong from here on is not its absence
    migrate(sessions)
    files = load_all(settings.pathways_dir or SHIPPED)
    with unit_of_work(sessions) as store:
        _note_versions(store, files, now)
        rows = store.pathways.all()
        _may_be_used(settings, store, files)
    return Ward(
        settings=settings,
        clock=clock,
        sessions=sessions,
        secret=settings.secret(),
        pathways={file.name: file for file in (_read(row) for row in rows)},
        current={id_: file.pathway for id_, file in files.items()},
    )


def signed_versions(store: Store) -> dict[str, SignatureRow]:
    """Return the pathway versions (`id@version`) whose very text a clinical lead has signed."""
    texts = {(row.id, row.version): row.sha256 for row in store.pathways.all()}
    return {
        f"{row.pathway_id}@{row.version}": row
        for row in store.pathways.signatures()
        if texts.get((row.pathway_id, row.version)) == row.sha256
    }


def _may_be_used(settings: Settings, store: Store, files: dict[str, PathwayFile]) -> None:
    """Refuse live use while no pathway is signed: unsigned ones run in demo or shadow use."""
    signed = signed_versions(store)
    if settings.use == "live" and not any(f.pathway.name in signed for f in files.values()):
        raise WardError(
            "No pathway here is signed by a clinical lead, so this ward does not start for live "
            "use. Sign one (ward-service pathway sign), or set HOMEWARD_USE to demo or shadow."
        )


def _note_versions(store: Store, files: dict[str, PathwayFile], now: datetime) -> None:
    for file in files.values():
        pathway = file.pathway
        row = store.pathways.get(pathway.id, pathway.version)
        if row is None:
            store.add(version_row(file, now))
        elif row.sha256 != file.sha256:
            raise WardError(
                f"The file of {pathway.name} has changed, but its version has not. Alerts quote "
                "the version, so give it a new number. The ward did not start."
            )


def version_row(file: PathwayFile, now: datetime) -> PathwayVersionRow:
    """Return a pathway version as the store keeps it, word for word."""
    return PathwayVersionRow(
        id=file.pathway.id,
        version=file.pathway.version,
        sha256=file.sha256,
        text=file.text,
        loaded_at=now,
    )


def _read(row: PathwayVersionRow) -> Pathway:
    return read(row.text, f"{row.id}@{row.version}").pathway
