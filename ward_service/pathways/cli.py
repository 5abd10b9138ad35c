"""`ward-service pathway check | show | diff`: the clinical numbers, read and compared.

Exit codes: 0 done, 1 refused (each reason is a sentence on stderr), 2 wrong usage.
"""

from pathlib import Path
from typing import Annotated

import typer

from ward_service.errors import PathwayRefusedError
from ward_service.pathways import diff as comparing
from ward_service.pathways import show as showing
from ward_service.pathways.check import unsignable
from ward_service.pathways.checks.texts import sms_costs
from ward_service.pathways.load import PathwayFile, load

app = typer.Typer(no_args_is_help=True, help="The clinical numbers: check, show, diff.")

AFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Prove that pathway files are whole; exit 1 and say every field that is wrong if not."""
    refused = False
    for path in files:
        file = _read(path)
        if file is None:
            refused = True
            continue
        stops = unsignable(file.written)
        typer.echo(f"{path.name}: {file.pathway.name} is whole. sha256 {file.sha256}")
        if stops:
            typer.echo("  It cannot be signed yet:")
        for stop in stops:
            typer.echo(f"  {stop}")
        for cost in sms_costs(file.written):
            typer.echo(f"  {cost}")
    if refused:
        raise typer.Exit(1)


@app.command()
def show(
    file: AFile,
    words: Annotated[bool, typer.Option(help="With every text and the list of sources.")] = True,
    brief: Annotated[
        bool, typer.Option("--brief", help="Every number on about one screen.")
    ] = False,
) -> None:
    """Print a pathway as a table to read and to sign."""
    found = _read(file)
    if found is None:
        raise typer.Exit(1)
    lines = showing.brief(found.written) if brief else showing.show(found.written, words=words)
    typer.echo("\n".join(lines))
    typer.echo(f"sha256 {found.sha256}")


@app.command()
def diff(before: AFile, after: AFile) -> None:
    """Say in words what changed from one pathway file to another."""
    files = [_read(before), _read(after)]
    old, new = files
    if old is None or new is None:
        raise typer.Exit(1)
    typer.echo("\n".join(comparing.diff(old.written, new.written)) or "Nothing changed.")


def _read(path: Path) -> PathwayFile | None:
    """Read a file; say every reason on stderr and return None if it is refused."""
    try:
        return load(path)
    except PathwayRefusedError as error:
        typer.echo(f"{path.name} is not a whole pathway, so nothing of it runs.", err=True)
        for problem in error.problems:
            typer.echo(f"  {problem}", err=True)
        return None
