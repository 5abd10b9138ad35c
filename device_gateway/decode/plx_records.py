"""How a pulse oximeter is asked for what it has stored (GATT 0x2A52), and what it answers.

Source: Bluetooth SIG, Pulse Oximeter Service 1.0 [BT-PLXS], Record Access Control Point: all
records or none.
A record whose indication was confirmed is never sent again, so a report is asked for only when
the spot checks are subscribed. There is no request to delete: a gateway never does.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from device_gateway.decode.fields import Fields
from device_gateway.decode.frame import Decoded, FrameError, no_measurement

CONTROL_POINT: Final = 0x2A52
BETWEEN_RECORDS_S: Final = 5.0  # a longer silence means that the procedure has failed

_COUNT_ANSWER, _ANSWER = 0x05, 0x06
_ALL, _NONE = 0x01, 0x00


class Request(IntEnum):
    """What can be asked, by its op code."""

    REPORT = 0x01
    DELETE = 0x02
    ABORT = 0x03
    COUNT = 0x04


class Result(IntEnum):
    """How a request ended."""

    SUCCESS = 1
    OP_CODE_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS_FOUND = 6
    ABORT_UNSUCCESSFUL = 7
    PROCEDURE_NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9


COUNT_STORED: Final = bytes([Request.COUNT, _ALL])
REPORT_STORED: Final = bytes([Request.REPORT, _ALL])
ABORT: Final = bytes([Request.ABORT, _NONE])


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a request. `count`: how many records are stored, where that was asked."""

    request: Request
    result: Result
    count: int | None = None

    @property
    def done(self) -> bool:
        """Whether what was asked for is complete: no records is complete too."""
        return self.result in (Result.SUCCESS, Result.NO_RECORDS_FOUND)


def read(frame: bytes) -> Answer:
    """Return what a 0x2A52 indication answers.

    Raises:
        FrameError: it is no answer that the service knows.
    """
    fields = Fields(frame)
    kind, operator = fields.uint(1), fields.uint(1)
    if operator != _NONE:
        raise FrameError("an answer of the control point with an operator")
    if kind == _COUNT_ANSWER:
        return Answer(Request.COUNT, Result.SUCCESS, fields.uint(2))
    if kind != _ANSWER:
        raise FrameError("not an answer of the control point")
    request, result = fields.uint(1), fields.uint(1)
    try:
        return Answer(Request(request), Result(result))
    except ValueError:
        raise FrameError("an answer with a reserved code") from None


def decode(frame: bytes) -> Decoded:
    """Return what a 0x2A52 indication says.

    Raises:
        FrameError: it is no answer that the service knows.
    """
    answer = read(frame)
    said: dict[str, object] = {
        "request": answer.request.name.lower(),
        "result": answer.result.name.lower().replace("_", " "),
    }
    if answer.count is not None:
        said["stored"] = answer.count
    return no_measurement(said)
