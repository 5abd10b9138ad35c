"""Sets up the log of a ward process, and writes its lines: a name `noun.verb` and ids of things."""

import logging

from ward_service.contract.log_lines import FIELDS, log_to_stderr

_logger = logging.getLogger("homeward")


def set_up() -> None:
    """Send log lines to stderr. Called once, at the door of a process."""
    log_to_stderr(logging.WARNING)
    _logger.setLevel(logging.INFO)


def log(name: str, level: int = logging.INFO, /, **fields: object) -> None:
    """Write one line: what happened (`noun.verb`) and the ids, counts and durations of it."""
    _logger.log(level, name, extra={FIELDS: fields})
