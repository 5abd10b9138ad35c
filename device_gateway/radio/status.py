"""What the status of a home says of its radio: models, ages and troubles, never an address."""

from collections.abc import Iterator

from device_gateway.publish.report import HomeReport
from device_gateway.radio.state import DeviceState, RadioState, Trouble
from ward_service.contract.messages import DeviceStatus
from ward_service.contract.messages import Trouble as Told
from ward_service.contract.vocabulary import TroubleCode


def report(state: RadioState) -> HomeReport:
    """Return the radio as the ward is told of it."""
    devices = state.snapshot().devices.values()
    troubles = tuple(told for trouble in state.troubles() for told in _told(trouble))
    return HomeReport(state.line(), tuple(_status(device) for device in devices), troubles)


def _status(device: DeviceState) -> DeviceStatus:
    return DeviceStatus(
        model=device.said,
        slots=device.slots,
        seen_at=device.last_seen_at,
        frame_at=device.last_frame_at,
        battery=device.battery,
    )


def _told(trouble: Trouble) -> Iterator[Told]:
    """Yield a trouble for each person whom it concerns; once where it concerns the whole home."""
    slots = (None,) if trouble.code is TroubleCode.RADIO_OFF else trouble.slots
    for slot in slots:
        yield Told(code=trouble.code, slot=slot, device=trouble.device, count=trouble.count)
