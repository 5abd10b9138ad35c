"""What commands share: the ward opened for one command, its settings, a private file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from pydantic import ValidationError

from ward_service.contract.clock import read_clock
from ward_service.errors import StorageDownError, WardError
from ward_service.logs import set_up
from ward_service.settings import Settings
from ward_service.ward import Ward, open_ward


@contextmanager
def open_for_command(*, to_sign: bool = False) -> Iterator[Ward]:
    """Open the ward for one command; say a refusal in one sentence and end with 1.

    `to_sign`: a ward for live use does not start before something is signed; signing does.
    """
    set_up()
    settings = read_settings()
    if to_sign:
        settings = settings.model_copy(update={"use": "shadow"})
    try:
        yield open_ward(settings)
    except WardError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except StorageDownError as error:
        typer.echo("The database cannot be reached. Nothing was changed.", err=True)
        raise typer.Exit(1) from error


def read_settings() -> Settings:
    """Read the environment; name what is wrong with it, never its value: it may be a password."""
    try:
        read_clock()
        return Settings()
    except ValidationError as error:
        names = ", ".join(f"HOMEWARD_{detail['loc'][0]}".upper() for detail in error.errors())
        why = f"The value of {names} cannot be used. Nothing was changed."
    except ValueError as error:
        why = str(error)
    typer.echo(why, err=True)
    raise typer.Exit(2)


def write_private(to: Path, content: bytes) -> None:
    """Write a file for nobody else's eyes.

    Raises:
        WardError: it cannot be written.
    """
    try:
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # it may have been there, open to others
            file.write(content)
    except OSError as error:
        raise WardError(f"{to} cannot be written: {error.strerror}.") from error
