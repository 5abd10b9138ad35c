"""Log lines: JSON on stderr, a name `noun.verb`, and ids of things. Never a person or a value."""

import json
import logging
import sys
from datetime import UTC, datetime

_FIELDS = "homeward_fields"
_logger = logging.getLogger("homeward")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "name": record.getMessage()}
        line |= getattr(record, _FIELDS, {})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__  # its text could repeat the payload
        return json.dumps(line, default=str)


def set_up() -> None:
    """Send log lines to stderr. Called once, at the door of a process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _logger.setLevel(logging.INFO)


def log(name: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Write one line: what happened (`noun.verb`) and the ids, counts and durations of it."""
    _logger.log(level, name, extra={_FIELDS: fields})
