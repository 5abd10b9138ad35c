"""`ward-service roster`: who is called, and how they are reached."""

from itertools import chain
from typing import Annotated

import typer

from ward_service.cli.common import open_for_command
from ward_service.contract.vocabulary import Channel

app = typer.Typer(no_args_is_help=True, help="Who is called, and how they are reached.")


@app.command("add")
def roster_add(
    role: str,
    channel: Annotated[Channel, typer.Option(help="How they are reached.")],
    address: Annotated[
        str, typer.Option(help="Mail address, number or https address; none for the screen.")
    ] = "",
) -> None:
    """Put somebody on the roster for a role; whoever is entered first is called first."""
    from ward_service.notify.roster import add_line

    with open_for_command() as ward:
        id_ = add_line(ward, role, channel, address, ward.clock.now())
        typer.echo(f"Line {id_} is on the roster, untested. Now: ward-service roster test {id_}")


@app.command("test")
def roster_test(
    line: int,
    answered: Annotated[
        bool, typer.Option("--answered", help="By phone or SMS: somebody did.")
    ] = False,
) -> None:
    """Send a test by one line of the roster, and see it arrive. By phone a person rings."""
    from ward_service.notify.roster import try_line

    with open_for_command() as ward:
        try_line(ward, line, ward.clock.now(), answered=answered)
        typer.echo(f"Line {line} is tested.")


@app.command("list")
def roster_list(
    addresses: Annotated[bool, typer.Option("--addresses", help="Say the addresses too.")] = False,
) -> None:
    """Say who is called for each role, in the order in which they are called."""
    with open_for_command() as ward, ward.unit_of_work(read_only=True) as store:
        for row in chain.from_iterable(store.roster.all(ward.clock.now()).values()):
            tested = f"tested {row.tested_at:%d %b %Y %H:%M} UTC" if row.tested_at else "UNTESTED"
            address = [row.address] if addresses and row.address else []
            typer.echo("  ".join([f"{row.id:>4}", row.role, row.channel, *address, tested]))


@app.command("end")
def roster_end(line: int) -> None:
    """Take a line off the roster from now on."""
    from ward_service.notify.roster import end_line

    with open_for_command() as ward:
        end_line(ward, line, ward.clock.now())
        typer.echo(f"Line {line} is off the roster.")
