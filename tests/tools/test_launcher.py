"""`./homeward` before anything is installed: what it says, and that it leaves nothing half done.

A stand-in for python3 plays the installer; the shell script is the real one.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
echo "$*" >>"{folder}/asked.txt"
case "$*" in
*"import venv"*) exit {no_venv} ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip "*"-r "*) echo $$ >"{folder}/pip.pid"; exec sleep {installs_s} ;;
"-m pip "*) printf '#!/bin/sh\\necho "ran $0"\\n' >"${{0%/*}}/ward-service" && chmod +x "${{0%/*}}/ward-service" ;;
esac
"""  # noqa: E501


class Checkout:
    """The launcher and what it reads, in a folder of its own."""

    def __init__(self, folder: Path, *, installs_s: int = 0, no_venv: int = 0) -> None:
        self.folder = folder / "a checkout"
        (self.folder / "locks").mkdir(parents=True)
        for name in ("homeward", "pyproject.toml", "locks/run.txt"):
            shutil.copy(ROOT / name, self.folder / name)
        self.python = folder / "python3"
        self.python.write_text(PYTHON.format(folder=folder, installs_s=installs_s, no_venv=no_venv))
        self.python.chmod(0o755)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(self.folder / "homeward"), *arguments],
            env={"PATH": os.defpath, "HOMEWARD_PYTHON": str(self.python)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def says(self, *arguments: str) -> str:
        with self.start(*arguments) as process:
            said, _ = process.communicate(timeout=30)
            return said

    def asked(self) -> list[str]:
        return (self.python.parent / "asked.txt").read_text().splitlines()


def test_a_command_that_does_not_exist_is_named() -> None:
    done = subprocess.run(
        [str(ROOT / "homeward"), "dmeo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "There is no command 'dmeo'." in done.stderr
    assert "./homeward demo" in done.stderr


def test_a_python_without_venv_is_said_in_a_sentence_with_the_cure(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, no_venv=1)
    assert checkout.says("ward-service") == (
        f"{checkout.python} has no venv module. "
        "Install it (on Debian: apt-get install python3-venv), then try again.\n"
    )


def test_no_python_is_said_in_a_sentence(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "cksum", "dirname", "mkdir", "rm", "sleep"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    done = subprocess.run(
        [str(checkout.folder / "homeward"), "demo"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Homeward needs python3, 3.11 or newer, and found none. Install it, then try again.\n"
    )


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    assert "Installing" in checkout.says("ward-service")
    before = len(checkout.asked())
    assert checkout.says("ward-service").startswith("ran ")
    assert len(checkout.asked()) == before


def test_ctrl_c_while_installing_ends_the_installer_too(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, installs_s=60)
    with checkout.start("demo") as process:
        until = monotonic() + 20
        while not (tmp_path / "pip.pid").exists() and monotonic() < until:
            sleep(0.05)
        sleep(0.2)
        installer = int((tmp_path / "pip.pid").read_text())
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
        with pytest.raises(ProcessLookupError):
            os.kill(installer, 0)
    assert not (checkout.folder / ".venv.lock").exists()


def test_a_checkout_that_was_moved_installs_itself_anew(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.says("ward-service")
    checkout.folder = checkout.folder.rename(tmp_path / "moved")
    assert "Making .venv" in checkout.says("ward-service")


def test_a_venv_whose_python_has_gone_is_made_anew(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.says("ward-service")
    (checkout.folder / ".venv/bin/python").unlink()
    assert "Making .venv" in checkout.says("ward-service")


def test_a_lock_that_its_owner_never_signed_is_nobodys(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    (checkout.folder / ".venv.lock").mkdir()
    assert "ran " in checkout.says("ward-service")
