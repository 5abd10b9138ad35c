"""What a home says of itself, once it is proven; or why it is ignored."""

from dataclasses import dataclass
from datetime import datetime

from ward_service.contract.messages import Status


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """A proven status of a gateway. `sent_at` is by its clock; of a will: when it connected.

    `will`: the broker says this for a gateway whose connection it has lost.
    """

    gateway_id: str
    sent_at: datetime
    status: Status

    @property
    def will(self) -> bool:
        """Whether this is a last will: nothing but that the gateway is offline."""
        return not self.status.online and self.status.sent_at is None


@dataclass(frozen=True, slots=True)
class IgnoredStatus:
    """A status that is not believed, or not understood. Nothing in the ward rests on it.

    `gateway_id` is empty when this ward knows no such gateway.
    """

    gateway_id: str
    reason: str
