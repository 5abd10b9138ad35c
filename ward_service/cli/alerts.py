"""`ward-service explain`: why an alert rang."""

from typing import Annotated
from uuid import UUID

import typer

from ward_service.cli.common import open_for_command


def explain(
    alert: Annotated[UUID, typer.Argument(help="The id of the alert, as the ward list has it.")],
    notes: Annotated[
        bool, typer.Option("--notes", help="With what people typed: it may hold a name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same, as JSON.")] = False,
) -> None:
    """Say why an alert rang: rule, line and source, whose limits, what confirmed it, who is next.

    Names nobody; what people typed is left out, for it may hold a name.
    """
    from ward_service.explain.load import explain_alert
    from ward_service.explain.text import without_notes, write

    with open_for_command() as ward, ward.unit_of_work(read_only=True) as store:
        whole = explain_alert(store, alert)
    answer = whole if notes else without_notes(whole)
    typer.echo(answer.model_dump_json(indent=2) if as_json else "\n".join(write(answer)))
