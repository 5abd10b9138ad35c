"""`ward-service door`: who may come in at the patient's page."""

from typing import Annotated
from uuid import UUID

import typer

from ward_service.cli.common import open_for_command

app = typer.Typer(no_args_is_help=True, help="Who may come in at the patient's page.")


@app.command("revoke")
def door_revoke(
    episode: Annotated[UUID, typer.Argument(help="The id of the stay.")],
    door: Annotated[str, typer.Argument(help="The first four characters of the code.")],
) -> None:
    """Shut a door: its code opens nothing any more, and whoever came in by it is out."""
    from ward_service.enrolment.enrolment import OPERATOR
    from ward_service.letters.codes import revoke_door

    with open_for_command() as ward:
        revoke_door(ward, episode, door, OPERATOR, ward.clock.now())
        typer.echo(f"Door {door} of this stay is shut.")


@app.command("list")
def door_list(episode: Annotated[UUID, typer.Argument(help="The id of the stay.")]) -> None:
    """Say which doors a stay has or had, the newest first."""
    with open_for_command() as ward, ward.unit_of_work(read_only=True) as store:
        for row in store.codes.of_stay(episode):
            state = "open"
            if row.revoked_at is not None:
                state = f"shut {row.revoked_at:%d %b %Y %H:%M} UTC by {row.revoked_by}"
            made = f"made {row.made_at:%d %b %Y %H:%M} UTC by {row.made_by}"
            typer.echo("  ".join((row.door, row.who, made, state)))
