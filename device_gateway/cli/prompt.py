"""Asking the person at the terminal, while the radio goes on."""

import asyncio
import sys
from threading import Thread
from typing import Final

import typer

_LARGEST_CODE: Final = 999_999  # a passkey has six digits (Bluetooth Core, Vol 3, Part H, 2.3.5.3)


async def ask_code() -> int | None:
    """Return the code that a person reads off a device's display; None: it is none."""
    typer.echo("Type the code that the device shows, and Enter: ", nl=False)
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def tell(line: str) -> None:
        if not typed.done():
            typed.set_result(line)

    def read() -> None:
        line = sys.stdin.readline()
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, line)

    # A thread of its own, which the process need not wait for: a terminal can wait for ever.
    Thread(target=read, daemon=True).start()
    code = (await typed).strip()
    return int(code) if code.isdecimal() and int(code) <= _LARGEST_CODE else None
