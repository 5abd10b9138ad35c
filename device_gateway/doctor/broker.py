"""Can this home reach the broker, and does the broker let it in?"""

import socket
import ssl
from queue import Empty, SimpleQueue
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from device_gateway.config.homes_file import Broker, Place
from device_gateway.doctor.check import Check, Verdict

PATIENCE_S: Final = 10.0  # for one answer of the broker; a rural line answers in 2


def check_broker(broker: Broker, place: Place, *, runs: bool) -> Check:
    """Visit the broker as this gateway, and leave again.

    While the gateway `runs`, only under another client id: its own would throw it off. A broker
    whose accounts are bound to their client id lets no other in, which then says nothing.
    """
    where = f"{broker.host}:{broker.port}"
    try:
        socket.create_connection((broker.host, broker.port), PATIENCE_S).close()
    except socket.gaierror:
        todo = "Look whether this machine is on the network, then ask the ward for the address."
        return Check("broker", Verdict.BAD, f"Nobody here knows where {broker.host} is.", todo)
    except OSError as error:
        todo = "Look whether this machine is on the network. What is measured waits in the spool."
        reason = error.strerror or "no answer"
        return Check("broker", Verdict.BAD, f"{where} does not answer ({reason}).", todo)
    try:
        refused = _visit(broker, f"{place.gateway}-doctor" if runs else place.gateway)
    except ssl.SSLCertVerificationError as error:
        todo = "If the clock above is right, ask the ward for a new code and enrol again."
        words = f"{where} has no certificate that we trust ({error.verify_message})."
        return Check("broker", Verdict.BAD, words, todo)
    except (OSError, ValueError):
        todo = "Ask the ward whether their broker speaks TLS, and on which port."
        return Check("broker", Verdict.BAD, f"{where} answers, but not as a broker does.", todo)
    if refused and runs and broker.username is not None:
        words = f"{where} is there. A gateway is running, so nobody else is let in to look."
        todo = "If readings wait and do not get fewer, stop the gateway and run this again."
        return Check("broker", Verdict.MIND, words, todo)
    if refused:
        todo = "Ask the ward for a new code and enrol again; this gateway may have been revoked."
        return Check("broker", Verdict.BAD, f"{where} refuses this gateway ({refused}).", todo)
    how = "encrypted" if broker.tls_ca else "NOT encrypted"
    words = f"{where} lets this gateway in; the line is {how}."
    if broker.tls_ca is None and broker.host not in ("127.0.0.1", "localhost", "::1"):
        todo = "Ask the ward for an address with TLS: others on this line can read along."
        return Check("broker", Verdict.MIND, words, todo)
    return Check("broker", Verdict.FINE, words)


def _visit(broker: Broker, client_id: str) -> str:
    """Sign in and leave; return why we were refused, empty when we were not.

    Raises:
        OSError: the connection broke before there was an answer.
    """
    answers: SimpleQueue[str] = SimpleQueue()

    def hear(_: Client, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        answers.put(str(reason) if reason.is_failure else "")

    client = Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5
    )
    client.connect_timeout = PATIENCE_S
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.tls_ca is not None:
        client.tls_set(ca_certs=str(broker.tls_ca))
    client.on_connect = hear
    client.connect(broker.host, broker.port, keepalive=10)
    client.loop_start()
    try:
        return answers.get(timeout=PATIENCE_S)
    except Empty:
        raise OSError("no answer") from None
    finally:
        client.disconnect()
        client.loop_stop()
