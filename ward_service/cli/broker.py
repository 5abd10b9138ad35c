"""`ward-service broker`: the broker that homes reach."""

from pathlib import Path
from typing import Annotated

import typer

from ward_service.cli.common import read_settings
from ward_service.errors import WardError

app = typer.Typer(no_args_is_help=True, help="The broker that homes reach.")


@app.command("prepare")
def broker_prepare(folder: Annotated[Path, typer.Argument(file_okay=False)]) -> None:
    """Write what Mosquitto begins with: accounts for the ward, and for who makes those of homes."""
    from ward_service.enrolment.broker_files import prepare

    try:
        made = prepare(folder, read_settings().base_topic)
    except WardError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for path in made:
        typer.echo(path)
