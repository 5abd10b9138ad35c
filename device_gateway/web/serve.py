"""The page as a server in a thread of the process that holds the homes."""

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

import uvicorn

from device_gateway.home import Home
from device_gateway.web.app import create_app
from device_gateway.web.home_residents import OfHomes
from device_gateway.web.visits import Book
from ward_service.contract.clock import Clock

log = logging.getLogger(__name__)

BOOK: Final = "page.db"
_ENDS_WITHIN_S: Final = 5.0


class PageError(Exception):
    """The page cannot be served. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served.

    `certificate` and `key` are files for https; without them it is http, which is for a box at
    home. `proxies` are the addresses that may say for whom they ask.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    proxies: str = ""


@contextmanager
def serving(homes: Sequence[Home], folder: Path, clock: Clock, address: Address) -> Iterator[None]:
    """Serve the page of these homes while the block lasts.

    Raises:
        PageError: the port is taken, or the certificate cannot be read.
    """
    book = Book(folder / BOOK)
    config = uvicorn.Config(
        create_app(OfHomes(homes), book, clock),
        host=address.host,
        port=address.port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
        proxy_headers=bool(address.proxies),
        forwarded_allow_ips=address.proxies or None,
        timeout_keep_alive=30,
        limit_concurrency=500,
    )
    try:
        config.load()
        listening = socket.create_server(
            (address.host, address.port), reuse_port=False, backlog=200
        )
    except OSError as error:
        book.close()
        reason = error.strerror or type(error).__name__
        raise PageError(
            f"the page cannot be served on {address.host}:{address.port} ({reason})"
        ) from error
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listening],), name="page", daemon=True)
    thread.start()
    log.info(
        "page.opened", extra={"port": address.port, "encrypted": address.certificate is not None}
    )
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_ENDS_WITHIN_S)
        listening.close()
        book.close()
        log.info("page.closed")
