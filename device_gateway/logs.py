"""Log lines: JSON on stderr, one name `noun.verb` and ids of things; never a value or a payload."""

import json
import logging
import sys
from datetime import UTC, datetime

_ITS_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """One JSON object a line: when, how bad, which name, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _ITS_OWN}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__  # its text can repeat a payload
        return json.dumps(line, default=str)


def log_to_stderr(level: str = "INFO") -> None:
    """Send every log line of this process to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
