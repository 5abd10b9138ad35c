"""device-gateway doctor: what is well at home, what is not, and what to do about it."""

from pathlib import Path
from typing import Annotated, Final

import typer

from device_gateway.doctor.check import Check, Verdict
from device_gateway.doctor.doctor import examine
from device_gateway.settings import read_settings
from ward_service.contract.clock import read_clock

NOT_WELL: Final = 1
_WIDTH: Final = 10


def doctor_command(
    homes: Annotated[
        Path | None, typer.Option("--homes", help="homes file from the ward [HOMEWARD_HOMES]")
    ] = None,
    spool_dir: Annotated[
        Path | None,
        typer.Option("--spool-dir", file_okay=False, help="[HOMEWARD_SPOOL_DIR]"),
    ] = None,
) -> None:
    """Look at clock, disk, spool, plan, broker and radio, and say what to do. Changes nothing.

    Exit 1 if something is not well; what only deserves to be known does not count.
    """
    settings = read_settings()
    now, bad = read_clock().now(), 0
    for check in examine(homes or settings.homes, spool_dir or settings.spool_dir, now):
        say(check)
        bad += check.verdict is Verdict.BAD
    typer.echo("")
    typer.echo(_summary(bad))
    if bad:
        raise typer.Exit(NOT_WELL)


def _summary(bad: int) -> str:
    if not bad:
        return "All that was looked at is well."
    return "One thing is not well." if bad == 1 else f"{bad} things are not well."


def say(check: Check) -> None:
    """Print one check: what it found on one line, what to do on the next."""
    typer.echo(f"{check.verdict:<{_WIDTH}}{check.what}: {check.words}")
    if check.todo:
        typer.echo(f"{'':<{_WIDTH}}-> {check.todo}")
