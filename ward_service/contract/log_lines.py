"""One log format for the whole fleet: JSON lines with a name `noun.verb` and ids of things.

Never a person, a value, free text or a payload: an error is named by its type, for its text can
repeat one.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

_OWN_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    *("message", "asctime"),
    "color_message",  # uvicorn's text once more
}
# Field names that the standard library keeps to itself are handed over under this one.
FIELDS: Final = "homeward_fields"


class JsonLines(logging.Formatter):
    """Formats one JSON object a line: when, how bad, its name, and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "name": record.getMessage(),
        }
        extra = {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS}
        line |= extra.pop(FIELDS, None) or {}
        line |= extra
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


def log_to_stderr(level: int | str = logging.INFO) -> None:
    """Send every log line of this process to stderr. Called once, where a process begins."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
