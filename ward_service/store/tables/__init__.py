"""The tables of the ward, by noun. All are loaded together: a foreign key names another's table."""

from ward_service.store.tables import alerts, homes, messages, readings, runtime, stays

__all__ = ["alerts", "homes", "messages", "readings", "runtime", "stays"]
