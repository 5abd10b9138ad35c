from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House
from tests.services import Broker


@pytest.fixture
def house(tmp_path: Path, broker: Broker) -> Iterator[House]:
    made = House(tmp_path, broker)
    yield made
    made.end()
