"""The other side of the channels that the watchdog rings by, as the tests of notify have it."""

from tests.ward_service.notify.conftest import desk, logged, mail, receiver, secret_file

__all__ = ["desk", "logged", "mail", "receiver", "secret_file"]
