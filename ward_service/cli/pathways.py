"""`ward-service pathway sign`, beside the commands of ward_service/pathways."""

from pathlib import Path
from typing import Annotated

import typer

from ward_service.cli.common import open_for_command
from ward_service.pathways.cli import app as pathway_app

app = pathway_app  # check, show and diff stand there


@app.command("sign")
def pathway_sign(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    lead: Annotated[str, typer.Option(help="The clinical lead who signs, by name.")],
    role: Annotated[str, typer.Option(help="In which role.")],
) -> None:
    """Sign exactly this text, as a named clinical lead of this ward: it may then run live."""
    from ward_service.bootstrap import sign_pathway
    from ward_service.pathways.load import load

    with open_for_command(to_sign=True) as ward:
        found = load(file)
        sign_pathway(ward, found, lead, role, ward.clock.now())
        typer.echo(f"{found.pathway.name} is signed by {lead.strip()}. sha256 {found.sha256}")
