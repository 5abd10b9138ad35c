"""`ward-service replay`: what a candidate pathway would have changed."""

from datetime import datetime
from typing import Annotated

import typer

from ward_service.cli.common import open_for_command


def replay(
    pathway: Annotated[
        str, typer.Option(metavar="FILE_OR_ID", help="A file, or a version that ran here.")
    ],
    since: Annotated[
        datetime, typer.Option("--from", metavar="DATE", formats=["%Y-%m-%d"], help="First day.")
    ],
    to: Annotated[
        datetime, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="The day after the last.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="The whole report, as JSON.")] = False,
) -> None:
    """Say what a candidate pathway would have changed: alerts, calls, and whom it would miss."""
    from ward_service.replay.report import say
    from ward_service.replay.request import ask_file

    with open_for_command() as ward:
        report = ask_file(ward, pathway, since.date(), to.date(), ward.clock.now())
    typer.echo(report.model_dump_json(indent=2) if as_json else "\n".join(say(report)))
