"""Real services for tests: a broker and a PostgreSQL, started on free ports and ended by pid."""

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

NOT_HERE = "is not here; "  # how a skip for something that this machine lacks is said
BIN = Path(sys.executable).parent
WARD, GATEWAY = BIN / "ward-service", BIN / "device-gateway"

# Loopback and anonymous; the rest as docs/reference/brokers-and-databases.md#mosquitto-settings
# says.
MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 1000
max_packet_size 65536
persistence true
persistence_location {folder}/
autosave_interval 1
"""

# No test kills the server or the machine, so nothing that is committed has to reach the disk.
QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_answers(port: int, seconds: float = 20, host: str = "127.0.0.1") -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port} after {seconds} s")


class Broker:
    """A real Mosquitto that can be killed, wiped and started again on the same port."""

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)  # started by root, mosquitto gives its rights up
        self._config = folder / "mosquitto.conf"
        self._config.write_text(MOSQUITTO.format(port=self.port, folder=folder))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        mosquitto = shutil.which("mosquitto", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
        assert mosquitto, "mosquitto"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [mosquitto, "-c", str(self._config)], stdout=log, stderr=log
            )
        wait_until_answers(self.port)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def wipe(self) -> None:
        """Forget everything: the disk of a dead broker is not to be trusted."""
        for file in self.folder.glob("mosquitto.db*"):
            file.unlink()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None


def has_mosquitto() -> bool:
    return shutil.which("mosquitto", path=os.defpath + ":/usr/sbin:/usr/local/sbin") is not None


class PostgreSQL:
    """One server for a test session, run by an unprivileged user; a fresh database per test."""

    def __init__(self) -> None:
        self._tools = newest_postgresql()
        assert self._tools, "PostgreSQL"
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = Path(tempfile.mkdtemp(prefix="homeward-pg-"))
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self.folder, self._user)
        self._run(
            "initdb", "-D", str(self.folder / "data"), "-A", "trust", "-U", "ward", "-E", "UTF8",
            "--no-sync",
        )  # fmt: skip
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {QUICK}"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-o", options, "-l",
            str(self.folder / "log"), "-w", "start",
        )  # fmt: skip

    def new_database(self, like: str | None = None) -> str:
        """Return the URL of a new database: empty, or a copy of one that no session is in."""
        import psycopg  # slow to import, and few runs need it

        name = f"t{secrets.token_hex(6)}"
        template = f" TEMPLATE {like.rpartition('/')[2]}" if like else ""
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}{template}".encode())
        return self._url(name)

    def drop_database(self, url: str) -> None:
        import psycopg

        name = url.rpartition("/")[2]
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _url(self, database: str) -> str:
        return f"postgresql://ward@127.0.0.1:{self.port}/{database}"

    def _run(self, tool: str, *arguments: str) -> None:
        assert self._tools
        command = [str(self._tools / tool), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._user, "--", *command]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        if done.returncode:
            sys.stderr.write(done.stderr.decode())
            raise RuntimeError(f"{tool} failed")


def newest_postgresql() -> Path | None:
    """Return the folder of the newest installed server's programs, or None."""
    found = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).resolve().parent]
    may_run = os.geteuid() != 0 or any(user.pw_name == "postgres" for user in pwd.getpwall())
    return newest_of(found) if found and may_run else None


def newest_of(folders: Sequence[Path]) -> Path:
    """Return the folder of the highest version; not every system has a version in its path."""
    return max(folders, key=lambda p: [int(n) for n in re.findall(r"\d+", p.parent.name)])


class WardProcess:
    """`ward-service run` as an operator starts it."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        *command: str,
        more: dict[str, str] | None = None,
        program: Sequence[str] = (str(WARD),),
    ) -> None:
        self.port = free_port()
        self.log = folder / "ward.log"
        environment = {
            **os.environ,
            "HOMEWARD_DATA_DIR": str(folder / "ward"),
            "HOMEWARD_BROKER_PORT": str(broker.port),
            "HOMEWARD_API_PORT": str(self.port),
            "HOMEWARD_USE": "demo",
            **(more or {}),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, *(command or ("run",))], env=environment, stdout=log, stderr=log
            )

    def answers(self) -> "WardProcess":
        wait_until_answers(self.port)
        return self

    def health(self) -> dict[str, object]:
        import httpx2 as httpx  # slow to import, and few runs need it

        found: dict[str, object] = httpx.get(f"http://127.0.0.1:{self.port}/health").json()
        return found

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(15)
