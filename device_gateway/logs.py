"""Sets up the log of a gateway: every line of the process, in the format of the fleet."""

from ward_service.contract.log_lines import log_to_stderr

__all__ = ["log_to_stderr"]
