"""device-gateway enrol and renew: how a home gets its key, and its next one."""

from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from pydantic import ValidationError

from device_gateway.config.homes_file import HomesError
from device_gateway.enrol.enrolment import EnrolmentError, enrol, renew
from device_gateway.enrol.ward_http import DoorError
from device_gateway.settings import Settings, read_settings
from ward_service.contract.clock import real_clock

WRONG_USAGE: Final = 2
NOT_ENROLLED: Final = 5  # stands in the help of the program, and does not change

HomesOption = Annotated[
    Path | None, typer.Option("--homes", help="homes file to write [HOMEWARD_HOMES]")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("enrol")(enrol_command)
    app.command("renew")(renew_command)


def enrol_command(
    code: Annotated[str, typer.Argument(metavar="CODE", help="from the ward: 7K3M-9QXW")],
    ward: Annotated[str, typer.Option(metavar="URL", help="the ward's address, https://...")],
    homes: HomesOption = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="the authority that the ward's certificate comes from, if it is its own",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="replace the home that the homes file holds")
    ] = False,
) -> None:
    """Become a gateway of a ward with a code that works once. Safe to repeat.

    What is written names nobody: it holds the gateway's name, its key, and where the broker is.
    """
    settings = _settings()
    try:
        said = enrol(
            homes or settings.homes, code, ward, ca, again=again, spool_dir=settings.spool_dir
        )
    except (EnrolmentError, DoorError, HomesError) as error:
        _refuse(error)
    typer.echo("\n".join(said))


def renew_command(homes: HomesOption = None) -> None:
    """Get the next key, and the next password at the broker, with the key of now. Safe to repeat.

    Then start the gateway anew. Readings that wait in its spool stay there.
    """
    try:
        said = renew(homes or _settings().homes, real_clock().wall)
    except (EnrolmentError, DoorError, HomesError) as error:
        _refuse(error)
    typer.echo("\n".join(said))


def _settings() -> Settings:
    try:
        return read_settings()
    except ValidationError as error:
        names = ", ".join(f"HOMEWARD_{str(detail['loc'][0]).upper()}" for detail in error.errors())
        typer.echo(f"cannot use the value of {names}", err=True)
        raise typer.Exit(WRONG_USAGE) from error


def _refuse(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(NOT_ENROLLED) from error
