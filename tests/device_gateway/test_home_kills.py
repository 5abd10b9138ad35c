"""Quick form of `tests/benchmarks/home_kills.py`: the ledger and the ward must agree."""

from pathlib import Path

from tests.benchmarks.home_kills import survive
from tests.device_gateway.conftest import BrokerProcess


def test_fifteen_kills_of_a_home_lose_nothing_and_double_nothing(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    found = survive(tmp_path, broker.port, kills=15, seed=3)
    assert len(found.said_saved) > 100
    assert (found.lost(), found.twice(), found.gaps(), found.left_in_spool) == (set(), [], 0, 0)
    # What was saved and not yet said when the kill came: one take of a life, three at most.
    assert len(found.at_the_ward) - len(found.said_saved) <= 15 * 3
