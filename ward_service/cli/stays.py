"""`ward-service admit`: who comes onto the ward."""

from typing import Annotated

import typer
from pydantic import ValidationError

from ward_service.cli.common import open_for_command
from ward_service.contract.http.stays import Admission


def admit(
    admission: Annotated[
        typer.FileText, typer.Argument(help='One admission as JSON; "-" reads standard input.')
    ],
) -> None:
    """Admit somebody to a place in a home. Identity comes from a file, never from an argument."""
    from ward_service.stays.admission import admit as admit_somebody

    try:
        given = Admission.model_validate_json(admission.read())
    except ValidationError as error:
        wrong = "; ".join(
            ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"])))
            for e in error.errors()
        )
        typer.echo(f"Nobody was admitted. {wrong}", err=True)
        raise typer.Exit(1) from error
    with open_for_command() as ward:
        typer.echo(admit_somebody(ward, given, ward.clock.now()).model_dump_json())
