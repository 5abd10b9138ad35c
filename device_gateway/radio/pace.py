"""How long the radio waits for what, in real seconds, each with its source."""

from dataclasses import dataclass

from device_gateway.decode.plx_records import BETWEEN_RECORDS_S


@dataclass(frozen=True, slots=True)
class RadioPace:
    """Every wait of the radio. Tests make them short.

    Source: docs/reference/device-layouts.md#radio-states, #radio-faults, where nothing else stands.
    """

    connect_s: float = 20.0
    subscribe_s: float = 5.0
    call_s: float = 5.0  # a read, a write, a call to BlueZ: `InProgress` has no end by itself
    pair_s: float = 60.0  # a Beurer BM54 and its owner took 8.4 s; the specification gives up at 30
    leave_s: float = 10.0  # real BlueZ takes 2.6 s to disconnect; bleak waits 10
    settle_s: float = 1.0  # ours: what was told to stop may still tidy up for so long
    between_records_s: float = BETWEEN_RECORDS_S
    find_s: float = 30.0  # ours: for a person who switches a device on
    look_s: float = 10.0  # the watchdog of 5.5: a lost link without a word is noticed after it
    fresh_s: float = 5.0  # ours: an advert that old is not connected from (stale after 40 s: 5.1)
    double_s: float = 0.05  # ours: BlueZ's doubles come at once, a cuff's records 106 ms apart

    backoff_first_s: float = 0.25
    backoff_max_s: float = 30.0
    forget_after: int = 5  # failures in a row: BlueZ forgets the device
    power_cycle_after: int = 15  # the adapter goes off and on
    restart_after: int = 25  # only a restart of bluetoothd may help: we say so

    adapter_look_s: float = 5.0  # ours: how often a radio that is away is looked for
    power_off_s: float = 1.0  # ours
    scan_start_s: float = 15.0  # habluetooth: four times fifteen seconds
    scan_tries: int = 4
    scan_silence_s: float = 90.0  # habluetooth: no advert of anybody; the scan begins anew

    stretch: float = 1.0  # of the times in the profiles of the families
