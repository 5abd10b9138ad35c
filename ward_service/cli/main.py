"""The ward's commands: run, api, ingest, worker, watchdog, account, roster, admit, replay, demo.

Exit codes: 0 done, 1 refused (the reason is one sentence on stderr), 2 wrong usage.
"""

import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from ward_service.cli import (
    accounts,
    alerts,
    broker,
    doors,
    gateways,
    letters,
    pathways,
    replays,
    roster,
    stays,
)
from ward_service.cli.common import open_for_command, read_settings
from ward_service.contract.clock import read_clock
from ward_service.errors import WardError
from ward_service.logs import set_up

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__, rich_markup_mode=None
)
app.add_typer(accounts.app, name="account")
app.add_typer(doors.app, name="door")
app.add_typer(roster.app, name="roster")
app.add_typer(gateways.app, name="gateway")
app.add_typer(broker.app, name="broker")
app.add_typer(pathways.app, name="pathway")


@app.command()
def run() -> None:
    """Run api, ingest and worker in one process: the way on SQLite."""
    _run("api", "ingest", "worker")


@app.command()
def api() -> None:
    """Run the HTTP door alone (PostgreSQL)."""
    _run("api")


@app.command()
def ingest() -> None:
    """Run what receives readings from the broker alone (PostgreSQL)."""
    _run("ingest")


@app.command()
def worker() -> None:
    """Run what watches for silence, climbs ladders and sends messages, alone (PostgreSQL)."""
    _run("worker")


def _run(*roles: str) -> None:
    from ward_service.run import run as run_roles  # uvicorn and paho only where they are needed

    with open_for_command() as ward:
        run_roles(ward, roles)


@app.command()
def watchdog() -> None:
    """Watch the ward from outside, and ring whoever operates it when it is not well."""
    from ward_service.watchdog.watch import run_watchdog

    set_up()
    settings, stop = read_settings(), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_watchdog(settings, read_clock(), stop)
    except WardError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema; every other command does so too."""
    with open_for_command():
        typer.echo("The database is at the newest schema.")


app.command()(replays.replay)


app.command()(alerts.explain)


@app.command()
def demo(
    recordings: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Replay real recordings of this folder."),
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=3600, help="How many times faster than life.")
    ] = None,
    people: Annotated[int, typer.Option(min=8, max=999, help="How many live in the street.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed, the same street.")] = 1,
) -> None:
    """Start everything on this machine with a street of invented people, until Ctrl-C."""
    from ward_service.standalone.launch import demo as start_demo

    sys.exit(start_demo(recordings=recordings, speed=speed, people=people, seed=seed))


@app.command()
def up() -> None:
    """Start everything on this machine, empty, for a small ward, until Ctrl-C."""
    from ward_service.standalone.launch import up as start_up

    sys.exit(start_up())


app.command()(stays.admit)
app.command()(letters.letter)
app.command()(letters.diary)
