"""`ward-service letter | diary`: what is printed for a person."""

from pathlib import Path
from secrets import token_hex
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from ward_service.cli.common import open_for_command, write_private
from ward_service.errors import WardError


def letter(
    episode: Annotated[UUID, typer.Argument(help="The id of the stay.")],
    carer: Annotated[bool, typer.Option("--carer", help="For somebody who helps.")] = False,
    out: Annotated[
        Path, typer.Option(dir_okay=False, metavar="FILE.pdf", help="Where the letter goes.")
    ] = Path("letter.pdf"),
    page: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the page is (HOMEWARD_PAGE_URL).")
    ] = None,
) -> None:
    """Make a letter with a code for the patient's page. The code is in the file, nowhere else."""
    from ward_service.contract.letters import LetterRequest
    from ward_service.enrolment.enrolment import OPERATOR
    from ward_service.letters.codes import revoke_door
    from ward_service.letters.letter import make_letter

    try:
        asked = LetterRequest(who="carer" if carer else "patient", page_url=page)
    except ValidationError as error:
        raise typer.BadParameter("It must be an address like https://page.example") from error
    with open_for_command() as ward:
        made = make_letter(
            ward, episode, asked.who, OPERATOR, token_hex(16), ward.clock.now(), asked.page_url
        )
        try:
            write_private(out, made.pdf)
        except WardError:  # nobody has its code
            revoke_door(ward, episode, made.door, OPERATOR, ward.clock.now())
            raise
        typer.echo(
            f"{out}: the letter is written (reference {made.reference}, door {made.door}). It "
            "holds a code: print it, then delete it."
        )


def diary(
    stay: Annotated[UUID, typer.Argument(help="The id of the stay, as the patient's page has it.")],
    to: Annotated[Path, typer.Option(dir_okay=False, metavar="FILE", help="The PDF to write.")],
    language: Annotated[
        str | None, typer.Option(help="Another language than the person's, for example en.")
    ] = None,
) -> None:
    """Write somebody's printable diary: how to measure, their own numbers, a table to fill in.

    The stay is named by its id: an NHS number in a command would stay in the shell's history.
    """
    from ward_service.diary.printout import diary_of

    with open_for_command() as ward:
        made = diary_of(ward, stay, language)
        write_private(to, made)
        typer.echo(f"{to}: the diary is written. It holds a name: print it, then delete it.")
