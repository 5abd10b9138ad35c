"""Contec's oximeters and those that speak alike: CMS50D-BT (`SpO208`), EMAY SleepO2.

Source: chenders/emay-sleepo2 (611f198) [EMAY-SLEEPO2] for commands, layout and "no finger" of an
EMAY; frames that the owner of a CMS50D-BT published (tobiasisenberg/OxiVis, issue 2) [OXIVIS-2];
for the same commands and frames over USB, with thousands of captured ones, the notes of pulseoxdl
(a CMS50E) [PULSEOXDL].

    EB 01 | status | pulse | SpO2 | 7F 00 | sum    eight bytes, once a second
    EB 00 | status | wave | bar | sum              six bytes, 60 times a second
    EB 7F | sum                                    an acknowledgement

The sources do not agree about the status byte, so only what all allow is told without a doubt. An
EMAY sends 05. pulseoxdl: 04, and 06 when 128 must be added to the pulse, which has seven bits. The
owner: 04 without a finger and 06 with one, although his 04 carries 99 %. So 128 is added for bit 1,
and whatever is not 05 is questionable. A pulse byte over 127 was never seen, and is questionable.
The sum does not cover the highest bit of any byte: one that flipped is told by these doubts alone.
"""

from typing import Final

from device_gateway.decode import uuids
from device_gateway.decode.checksum import sum7
from device_gateway.decode.family import Evidence, Family, Marks, Profile, Repeat, Write
from device_gateway.decode.frame import Decoded, NoValue, no_measurement
from device_gateway.decode.oximetry import measured, reading
from device_gateway.decode.stream import (
    BEGINS_INSIDE,
    WRONG_CHECKSUM,
    Framing,
    refuse_broken,
)
from ward_service.contract.vocabulary import Quality

SERVICE: Final = uuids.number("FF12")
COMMANDS: Final = uuids.number("FF01")
FRAMES: Final = uuids.number("FF02")

_FIRST: Final = 0xEB
_WAVE, _VALUES, _ACKNOWLEDGEMENT = 0x00, 0x01, 0x7F
_LENGTHS: Final = {_WAVE: 6, _VALUES: 8, _ACKNOWLEDGEMENT: 3}
_KNOWN_STATUS: Final = 0x05
_PULSE_OVER_127: Final = 1 << 1
_BEAT: Final = 1 << 6
_AFTER_THE_VALUES: Final = bytes([0x7F, 0x00])


def _length(held: bytes) -> int | None:
    if held[0] != _FIRST:
        return 0
    return _LENGTHS.get(held[1], 0) if len(held) > 1 else None


def _fault(frame: bytes) -> str:
    if sum7(frame[:-1]) != frame[-1]:
        return WRONG_CHECKSUM
    # One half of a frame and another's beginning can have the right sum.
    return BEGINS_INSIDE if _FIRST in frame[1:] else ""


FRAMING: Final = Framing(_length, _fault)


def decode(frame: bytes) -> Decoded:
    """Return what a whole frame says.

    Raises:
        FrameError: it is not whole.
    """
    refuse_broken(FRAMING, frame)
    kind = frame[1]
    if kind == _ACKNOWLEDGEMENT:
        return no_measurement({"answer": "done"})
    if kind == _WAVE:
        status, wave, bar = frame[2:5]
        return no_measurement({"wave": wave, "bar": bar, "beat": bool(status & _BEAT)})
    return _values(frame)


def _values(frame: bytes) -> Decoded:
    status, pulse, spo2 = frame[2:5]
    after = frame[5:7]
    certain = status == _KNOWN_STATUS and pulse < 128 and after == _AFTER_THE_VALUES
    if status & _PULSE_OVER_127 and pulse < 128:
        pulse += 128
    oxygen, rate = measured(spo2, 127, 255), measured(pulse, 255)
    if (oxygen is None) is not (rate is None):
        certain = False  # half a finger, as the EMAY's source says
    return reading(
        oxygen,
        rate,
        withheld=NoValue.FINGER_OFF if oxygen is None and rate is None else None,
        doubts=[] if certain else [Quality.QUESTIONABLE],
        said={"status": status, "after_the_values": after.hex()},
    )


FAMILY: Final = Family(
    key="contec",
    label="Contec (CMS50D-BT) and EMAY (SleepO2)",
    evidence=Evidence.CAPTURED,
    marks=Marks(services=frozenset({SERVICE}), names=("SpO208", "SleepO2"), not_names=("PO60",)),
    profile=Profile(
        subscribe=(FRAMES,),
        decoders={FRAMES: decode},
        start=(
            Write(COMMANDS, bytes.fromhex("8909"), response=True),
            Write(COMMANDS, bytes.fromhex("8e0513"), response=True),
            Write(COMMANDS, bytes.fromhex("9b011c"), response=True),
        ),
        # Three or four seconds without it, and the stream stops. Before `stop` it must have ended.
        repeat=Repeat(Write(COMMANDS, bytes.fromhex("9a1a"), response=True), every_s=1.5),
        stop=(Write(COMMANDS, bytes.fromhex("9b7f1a"), response=True),),
        silence_s=10,
        framing=FRAMING,
        live=frozenset({FRAMES}),
    ),
)
