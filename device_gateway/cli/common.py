"""What commands of a gateway share: their exit codes, and how each begins and ends."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated, Final, NoReturn

import typer
from pydantic import ValidationError

from device_gateway.config.homes_file import HomesError, HomesFile, Place, read_homes
from device_gateway.logs import log_to_stderr
from device_gateway.publish.connection import Pace
from device_gateway.publish.report import HomeReport
from device_gateway.settings import Settings, read_settings
from device_gateway.spool.file import SpoolError
from device_gateway.street import Street
from ward_service.contract.clock import Clock, read_clock

# Exit codes stand in --help and do not change: schedulers and the launcher rely on them.
UNREADABLE: Final = 1
WRONG_USAGE: Final = 2
NO_INPUT: Final = 3
NO_SPOOL: Final = 4
NO_RADIO: Final = 6

HomesOption = Annotated[
    Path | None, typer.Option("--homes", help="homes file from the ward [HOMEWARD_HOMES]")
]
SpoolDirOption = Annotated[
    Path | None,
    typer.Option("--spool-dir", file_okay=False, help="one spool per home [HOMEWARD_SPOOL_DIR]"),
]


def begin() -> tuple[Settings, Clock]:
    """Return the settings and the clock; the log goes to stderr. Exits when they are unusable."""
    try:
        settings = read_settings()
        clock = read_clock()
    except ValidationError as error:
        names = ", ".join(f"HOMEWARD_{str(detail['loc'][0]).upper()}" for detail in error.errors())
        refuse(f"cannot use the value of {names}", WRONG_USAGE)
    except ValueError as error:
        refuse(str(error), WRONG_USAGE)
    log_to_stderr(settings.log_level)
    return settings, clock


@contextmanager
def open_street(
    homes_file: HomesFile,
    places: tuple[Place, ...],
    spool_dir: Path,
    clock: Clock,
    settings: Settings,
    pace: Pace | None = None,
    *,
    on_damage: Callable[[], object] | None = None,
    radio_report: Callable[[], HomeReport] = HomeReport,
) -> Iterator[Street]:
    """Carry these homes while the block lasts. Exits with its reason if a spool cannot be used."""
    pace = pace or settings.pace()
    try:
        street = Street(
            places,
            homes_file.broker,
            spool_dir,
            clock,
            pace,
            settings.bounds(),
            on_damage=on_damage,
            radio_report=radio_report,
        )
    except (SpoolError, OSError) as error:
        refuse(str(error), NO_SPOOL)
    try:
        with street:
            yield street
    except SpoolError as error:
        refuse(str(error), NO_SPOOL)
    if damage := street.damage():  # the next start puts it aside, and goes on
        refuse(str(damage), NO_SPOOL)


def homes_or_refuse(path: Path) -> HomesFile:
    """Return a homes file. Exits with its reason when it cannot be used."""
    try:
        return read_homes(path)
    except HomesError as error:
        refuse(str(error), NO_INPUT)


def stop_on_signals() -> Event:
    """Return an event that SIGTERM and SIGINT set: the end is asked for, and comes in order."""
    stop = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    return stop


def refuse(why: str, code: int) -> NoReturn:
    """Say why on stderr, and exit with this code."""
    typer.echo(why, err=True)
    raise typer.Exit(code)
