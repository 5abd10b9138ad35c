"""`device-gateway advice`: the last reading of somebody at home, its age, and what to do."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from device_gateway.advise.adviser import Adviser, Told
from device_gateway.advise.safety_net import safety_net
from device_gateway.config.homes_file import HomesError, Place, read_homes
from device_gateway.settings import read_settings
from device_gateway.spool.file import SpoolError
from device_gateway.spool.spool import Spool
from ward_service.contract.clock import read_clock
from ward_service.contract.plan import Plan
from ward_service.contract.vocabulary import UNITS, Level
from ward_service.domain.advice import Whom

WRONG_USAGE: Final = 2  # the exit codes of `device-gateway --help`
NO_HOMES: Final = 3
NO_SPOOL: Final = 4
TO_CALL: Final = {
    Whom.EMERGENCY: "Call 999.",
    Whom.NHS_111: "Ring 111.",
    Whom.WARD: "Ring the ward.",
}


def advice_command(
    slot: Annotated[int | None, typer.Option(help="whose; everybody at home if left out")] = None,
    homes: Annotated[
        Path | None, typer.Option("--homes", help="homes file from the ward [HOMEWARD_HOMES]")
    ] = None,
    spool_dir: Annotated[
        Path | None,
        typer.Option(
            "--spool-dir", file_okay=False, help="one spool per home [HOMEWARD_SPOOL_DIR]"
        ),
    ] = None,
) -> None:
    """Print the last reading of each person at home, how old it is, and what to do.

    Reads what the home holds, also while a gateway is running, and needs no network.
    """
    try:
        settings, now = read_settings(), read_clock().now()
    except ValidationError as error:
        names = ", ".join(f"HOMEWARD_{str(detail['loc'][0]).upper()}" for detail in error.errors())
        typer.echo(f"cannot use the value of {names}", err=True)
        raise typer.Exit(WRONG_USAGE) from error
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USAGE) from error
    try:
        places = read_homes(homes or settings.homes).homes
    except HomesError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(NO_HOMES) from error
    broken = False
    for place in places:
        try:
            for line in lines(place, spool_dir or settings.spool_dir, slot, now):
                typer.echo(line)
        except SpoolError as error:
            typer.echo(str(error), err=True)
            broken = True
    if broken:
        raise typer.Exit(NO_SPOOL)


def lines(place: Place, spool_dir: Path, slot: int | None, now: datetime) -> Iterator[str]:
    """Yield what to print about a home; of one slot only, if one is given.

    Raises:
        SpoolError: what the home holds cannot be read.
    """
    with Spool(spool_dir / f"{place.gateway}.spool", look_only=True) as spool:
        adviser = Adviser(spool)
        for one in sorted({place.slot, *adviser.numbers()} if slot is None else {slot}):
            yield f"{place.gateway}, slot {one}: {_plan(adviser.plan(one))}"
            told = adviser.told(one, now)
            yield from _told(told, now) if told else ("No reading is known.", *safety_net())
            yield ""


def _told(told: Told, now: datetime) -> Iterator[str]:
    """Yield a reading with its age, how worrying it is, and what to do."""
    values = ", ".join(UNITS[vital].say(value) for vital, value in told.values.items())
    when = _ago(now - told.at) if told.at <= now else "before the clock was put back"
    yield f"{values or 'nothing measured'}, {when}"
    if told.stale:
        yield "This is too old to tell how you are now. Please measure."
    advice = told.advice
    if advice.level is not None:
        yield str(advice.level).upper()
    if advice.call is not None:
        yield TO_CALL[advice.call]
    if advice.retake_after is not None and not told.stale:
        again_at = told.at + advice.retake_after
        how = "within" if advice.level is Level.AMBER else "in"
        wait = f"{how} {_long(again_at - now)}" if again_at > now else "now"
        yield f"Measure again {wait}."
    yield from told.words


def _plan(plan: Plan | None) -> str:
    """Say which plan is held; an unsigned one says so, and what it may be used for.

    docs/understand/design.md#promise-14.
    """
    if plan is None:
        return "no plan is held"
    if plan.care is None:
        return f"the plan has ended (plan {plan.number})"
    care = plan.care
    signed = "" if care.signed else f", UNSIGNED, for {care.use} use only"
    return f"{care.title}, {care.pathway}, plan {plan.number}{signed}"


def _ago(age: timedelta) -> str:
    return f"{_long(age)} ago" if age >= timedelta(seconds=1) else "just now"


def _long(length: timedelta) -> str:
    """Say a length as people do: 40 s, 3 min, 5 h, 2 days."""
    seconds = round(length.total_seconds())
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit or (name != "days" and seconds >= unit):
            return f"{seconds // unit} {name}"
    return f"{max(seconds, 1)} s"
