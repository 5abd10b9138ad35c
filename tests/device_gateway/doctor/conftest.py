"""The bus that the radio's tests use, for the doctor that asks it."""

from tests.device_gateway.radio.conftest import bus

__all__ = ["bus"]
