"""device-gateway web: the patient's page, for one home or for all homes of a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from device_gateway.cli.common import (
    HomesOption,
    SpoolDirOption,
    begin,
    homes_or_refuse,
    open_street,
    refuse,
    stop_on_signals,
)
from device_gateway.street import Street
from ward_service.contract.clock import Clock

NO_PAGE: Final = 7

PortOption = Annotated[
    int | None,
    typer.Option("--page-port", min=1, max=65_535, help="serve the patient's page here too"),
]
HostOption = Annotated[
    str, typer.Option("--page-host", help="0.0.0.0 lets phones in the home reach it")
]


def web_command(
    homes: HomesOption = None,
    spool_dir: SpoolDirOption = None,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines reach it")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8080,
    certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", exists=True, dir_okay=False)
    ] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", exists=True, dir_okay=False)] = None,
    proxies: Annotated[
        str, typer.Option("--proxy", help="addresses whose X-Forwarded-For is believed")
    ] = "",
) -> None:
    """Serve the patient's page and send what is typed, until told to end.

    For a whole ward by one instance (homes file with all its gateways, behind https), or for one
    home without a radio; `device-gateway run --page-port` is for a home with one. Exit 7 if the
    page cannot be served.
    """
    settings, clock = begin()
    homes_file = homes_or_refuse(homes or settings.homes)
    folder = spool_dir or settings.spool_dir
    ended = stop_on_signals()
    with (
        open_street(
            homes_file, homes_file.homes, folder, clock, settings, on_damage=ended.set
        ) as street,
        page(street, folder, clock, host, port, certificate, key, proxies),
    ):
        ended.wait()


@contextmanager
def page(
    street: Street,
    folder: Path,
    clock: Clock,
    host: str,
    port: int | None,
    certificate: Path | None = None,
    key: Path | None = None,
    proxies: str = "",
) -> Iterator[None]:
    """Serve the page of these homes while the block lasts; without a port, nothing.

    Exits with its reason when it cannot be served.
    """
    if port is None:
        yield
        return
    try:
        from device_gateway.web.serve import Address, PageError, serving
    except ImportError as error:
        refuse(
            f"the page needs more than is installed ({error.name}): install homeward[page]", NO_PAGE
        )
    try:
        with serving(street.homes, folder, clock, Address(host, port, certificate, key, proxies)):
            yield
    except PageError as error:
        refuse(str(error), NO_PAGE)
