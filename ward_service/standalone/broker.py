"""The embedded broker: the installed Mosquitto, else the rumqttd wheel, on loopback only.

Neither is trusted to keep anything: receipts carry the promise. A listener that others can reach
needs a broker with access rules, set up by the operator (docs/do/operate.md).
Source: docs/understand/design.md#processes; docs/reference/brokers-and-databases.md#brokers,
#broker-traps, #mosquitto-settings.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
MAX_PACKET: Final = 66_560  # the payload limit of the contract, and room for its envelope
IN_FLIGHT: Final = 1_000  # two batches of the ward

# What the ward needs of Mosquitto: no silent drop of a queue (its default is 1,000), no Nagle.
_MOSQUITTO: Final = """listener {port} {host}
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages {in_flight}
max_packet_size {packet}
persistence false
log_type error
log_type warning
"""

_RUMQTTD: Final = """id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "homeward"
listen = "{host}:{port}"
next_connection_delay_ms = 1
    [v5.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {packet}
    max_inflight_count = {in_flight}
    dynamic_filters = true
"""


@dataclass(frozen=True, slots=True)
class EmbeddedBroker:
    """How to start a broker here: `command` in a child process, after `config` was written."""

    name: str
    command: tuple[str, ...]
    warning: str = ""


def embedded_broker(port: int, folder: Path, mosquitto: str | None = None) -> EmbeddedBroker:
    """Write a broker's configuration into a folder and say how to start it.

    Args:
        port: where it will listen, on loopback.
        folder: where its configuration goes.
        mosquitto: the program, if another than the installed one is meant; "" for none.
    """
    program = installed_mosquitto() if mosquitto is None else mosquitto
    fields = {"host": LOOPBACK, "port": port, "in_flight": IN_FLIGHT, "packet": MAX_PACKET}
    if program:
        config = folder / "mosquitto.conf"
        config.write_text(_MOSQUITTO.format(**fields))
        version = _version(program)
        return EmbeddedBroker(
            f"Mosquitto {version}", (program, "-c", str(config)), _warning(version)
        )
    config = folder / "rumqttd.toml"
    config.write_text(_RUMQTTD.format(**fields))
    run = f"from iotcore import IotCoreBroker; IotCoreBroker(config_path={str(config)!r})"
    return EmbeddedBroker("rumqttd", (sys.executable, "-c", f"{run}.run_forever()"))


def installed_mosquitto() -> str | None:
    """Return the installed Mosquitto; Debian keeps it where only root looks."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which("mosquitto", path=path)


def _version(program: str) -> str:
    said = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r"version (\d+(?:\.\d+)*)", said.stdout + said.stderr)
    return found[1] if found else "of unknown version"


def _warning(version: str) -> str:
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    if not numbers or numbers >= (2, 0, 13):
        return ""
    return (
        f"Mosquitto {version} ignores the ward's receive limit once a backlog drains; nothing is "
        "lost, but use 2.0.13 or later beyond this machine."
    )
