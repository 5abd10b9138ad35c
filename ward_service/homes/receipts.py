"""Receipts on their way home: grouped by gateway, small enough for the wire, signed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from ward_service.contract.envelope import Envelope
from ward_service.contract.messages import BASE_TOPIC, MAX_PAYLOAD, Receipt, Receipts, topic
from ward_service.errors import StorageDownError
from ward_service.homes.wire import SignedMessage
from ward_service.logs import log

# Bytes kept free for topic and envelope: brokers count the whole packet against their 64 kB.
ENVELOPE_ROOM: Final = 1_024


def sign_receipts(
    receipts: Iterable[tuple[str, Receipt]],
    key_of: Callable[[str], bytes | None],
    sent_at: datetime,
    base: str = BASE_TOPIC,
) -> Iterator[SignedMessage]:
    """Yield what to send for the receipts (gateway, receipt) of one batch, gateways in order.

    A gateway whose key cannot be had now gets none; it sends again, and is receipted then.
    """
    by_gateway: dict[str, list[Receipt]] = {}
    for gateway_id, receipt in receipts:
        by_gateway.setdefault(gateway_id, []).append(receipt)
    envelope = Envelope(sent_at=sent_at)
    for gateway_id, its_own in by_gateway.items():
        key = _key(gateway_id, key_of)
        if key is None:
            log("receipts.unsent", gateway_id=gateway_id, count=len(its_own))
            continue
        to = topic(gateway_id, "receipts", base=base)
        for payload in _payloads(its_own):
            yield SignedMessage(to, payload, envelope.properties(to, payload, key))


def _key(gateway_id: str, key_of: Callable[[str], bytes | None]) -> bytes | None:
    try:
        return key_of(gateway_id)
    except StorageDownError:
        return None


def _payloads(receipts: Sequence[Receipt]) -> Iterator[bytes]:
    whole = Receipts(receipts=tuple(receipts)).model_dump_json(exclude_defaults=True).encode()
    if len(whole) <= MAX_PAYLOAD - ENVELOPE_ROOM or len(receipts) == 1:
        yield whole
        return
    middle = len(receipts) // 2
    yield from _payloads(receipts[:middle])
    yield from _payloads(receipts[middle:])
