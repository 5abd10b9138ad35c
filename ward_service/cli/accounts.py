"""`ward-service account`: clinicians who may sign in."""

import sys
from typing import Annotated

import typer

from ward_service.cli.common import open_for_command

app = typer.Typer(no_args_is_help=True, help="Clinicians who may sign in.")


@app.command("add")
def account_add(
    username: str,
    name: Annotated[str, typer.Option(help="How the screens call this person.")],
) -> None:
    """Make a clinician's account, or reset it. The password is read from standard input."""
    from ward_service.bootstrap import add_account

    prompted = typer.prompt("Password", hide_input=True) if sys.stdin.isatty() else ""
    password = prompted or sys.stdin.readline().rstrip("\n")
    with open_for_command() as ward:
        add_account(ward, username, name, password)
        typer.echo(f"{username} may sign in.")
