"""What a home's radio says of itself and its devices, for the gateway's status."""

from dataclasses import dataclass

from ward_service.contract.messages import DeviceStatus, Trouble


@dataclass(frozen=True, slots=True)
class HomeReport:
    """`radio`: its state in a word or two, None where there is none. `troubles`: as it sees them.

    A trouble without `since` is dated by when the status first had it.
    """

    radio: str | None = None
    devices: tuple[DeviceStatus, ...] = ()
    troubles: tuple[Trouble, ...] = ()
