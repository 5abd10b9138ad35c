"""A real browser for whole stories: Debian's Chromium, driven by Playwright."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.services import BIN, free_port, wait_until_answers

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def a_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


class Dashboard:
    """`clinician-dashboard` as a process, over a ward."""

    def __init__(self, folder: Path, ward_port: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "HOMEWARD_API_URL": f"http://127.0.0.1:{ward_port}"}
        with (folder / "dashboard.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(BIN / "clinician-dashboard"), "--port", str(self.port)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        wait_until_answers(self.port, 40)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)


def sign_in(context: BrowserContext, url: str, username: str, password: str) -> Page:
    """Sign in as a clinician does; note every request that leaves this machine."""
    page = context.new_page()
    page.goto(url)
    page.fill("#username", username)
    page.fill("#password", password)
    page.click("button")
    page.wait_for_selector("tbody tr", timeout=30_000)
    return page
