"""`ward-service gateway`: the boxes in people's homes, and their keys."""

import json
from typing import Annotated

import typer

from ward_service.cli.common import open_for_command
from ward_service.contract.http.session import InvitationView

app = typer.Typer(no_args_is_help=True, help="The boxes in people's homes.")


@app.command("add")
def gateway_add(gateway_id: str) -> None:
    """Make a gateway known; print its key as JSON. Keep it as you would a password."""
    from ward_service.enrolment.enrolment import add_gateway

    with open_for_command() as ward:
        key = add_gateway(ward, gateway_id, ward.clock.now())
        typer.echo(json.dumps({"gateway": gateway_id, "key": key}))


@app.command("invite")
def gateway_invite(
    gateway_id: Annotated[
        str | None, typer.Argument(metavar="[GATEWAY]", help="Known or new; without it, named.")
    ] = None,
) -> None:
    """Make a code by which one home becomes this gateway, once, within a day. Shown only here."""
    from ward_service.enrolment.enrolment import invite

    with open_for_command() as ward:
        _say_code(invite(ward, gateway_id))


@app.command("rotate")
def gateway_rotate(gateway_id: str) -> None:
    """Make a code by which a gateway gets a new key; until it is used, the old one counts."""
    from ward_service.enrolment.enrolment import invite

    with open_for_command() as ward:
        _say_code(invite(ward, gateway_id, known=True))


def _say_code(made: InvitationView) -> None:
    typer.echo(made.code)
    typer.echo(
        f"Good once, until {made.expires_at:%d %b %Y %H:%M} UTC, to become {made.gateway}. There: "
        f"device-gateway enrol {made.code} --ward https://ADDRESS-OF-THE-WARD"
    )


@app.command("revoke")
def gateway_revoke(gateway_id: str) -> None:
    """Refuse a gateway from now on and for good: a box that was lost, stolen or given back."""
    from ward_service.enrolment.enrolment import revoke

    with open_for_command() as ward:
        people = revoke(ward, gateway_id)
        typer.echo(f"{gateway_id} is revoked. People with a place at it: {people}.")


@app.command("list")
def gateway_list() -> None:
    """Say of every gateway what became of its enrolment, and how many people have a place at it."""
    from ward_service.enrolment.enrolment import gateways

    with open_for_command() as ward:
        for line in gateways(ward):
            people = f"{line.people} people"
            typer.echo("  ".join(filter(None, (line.id, people, line.state, line.software))))
