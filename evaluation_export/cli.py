"""`evaluation-export`: the extract, from the views without identity.

Exit codes, for schedulers: 0 written or well, 1 refused, 2 wrong usage, 3 nothing to export,
4 the check found something.
"""

import shutil
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from evaluation_export.disclosure.policies import POLICIES
from evaluation_export.package.build import build
from evaluation_export.package.check import check
from evaluation_export.package.receipt import REGISTER, note_release
from evaluation_export.package.release import (
    NothingToExportError,
    Release,
    TrialsOnlyError,
    must_be_trial,
)
from evaluation_export.source.views import ExtractError, database_url, read_views

REFUSED: Final = 1
NOTHING_TO_EXPORT: Final = 3
CHECK_FAILED: Final = 4

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)


@app.command("build")
def build_command(
    out: Annotated[Path, typer.Option(help="A folder that is not there yet.")],
    policy: Annotated[str, typer.Option(help=f"One of {', '.join(POLICIES)}.")] = (
        "nhsd_secondary_care"
    ),
    requested_by: Annotated[str, typer.Option(help="Who asked for it.")] = "",
    purpose: Annotated[str, typer.Option("--for", help="What for.")] = "",
    agreed_by: Annotated[
        str, typer.Option(help="Who agreed that it leaves: refused for now.")
    ] = "",
) -> None:
    """Write alerts and completeness per week as a trial, which stays inside the ward.

    A release, which names who asked, what for and who agreed, is refused in this version.
    """
    if policy not in POLICIES:
        raise typer.BadParameter(f"there is no policy {policy}; there is {', '.join(POLICIES)}")
    rule = POLICIES[policy]
    release = Release(requested_by, purpose, agreed_by)
    try:
        must_be_trial(release)
        withheld = build(read_views(database_url()), out, rule, release)
    except TrialsOnlyError as error:
        _stop(str(error), REFUSED)
    except NothingToExportError as error:
        _stop(f"{error} Nothing was written.", NOTHING_TO_EXPORT)
    except ExtractError as error:
        _stop(str(error), REFUSED)
    except FileExistsError:
        _stop(f"{out} is not empty, so nothing was written. Name a new folder.", REFUSED)
    except OSError as error:
        _stop(f"{out} cannot be written: {error.strerror}. Nothing was written.", REFUSED)
    except SQLAlchemyError:
        _stop("The database cannot be read. Nothing was written.", REFUSED)
    register = out.parent / REGISTER
    try:
        note_release(register, out, rule, release)
    except OSError as error:
        shutil.rmtree(out)  # what is not in the register must not leave
        _stop(f"{register} cannot be written: {error.strerror}. Nothing was kept.", REFUSED)
    rows = sum(withheld.values())
    typer.echo(
        f"Wrote {out} under {rule.name}: a trial, not for release; {rows} rows withheld "
        "(see SDC.md)."
    )


@app.command("check")
def check_command(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
) -> None:
    """Say whether a package is whole and holds nothing that must not leave."""
    wrong = check(folder)
    if wrong:
        _stop("\n".join(wrong), CHECK_FAILED)
    typer.echo("Whole, and nothing in it that must not leave.")


def _stop(words: str, code: int) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(code)
