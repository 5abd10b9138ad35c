"""What the tests find on a machine, wherever it keeps its programs."""

from pathlib import Path

import pytest

from tests.services import newest_of

DEBIAN = "/usr/lib/postgresql/{}/bin"


@pytest.mark.parametrize(
    ("folders", "newest"),
    [
        ([DEBIAN.format("9.6"), DEBIAN.format("17")], DEBIAN.format("17")),
        ([DEBIAN.format("15"), DEBIAN.format("9.6")], DEBIAN.format("15")),
        (["/usr/bin"], "/usr/bin"),  # as Fedora and Arch have it: no version in its path
        (["/opt/postgresql@16/16.1/bin"], "/opt/postgresql@16/16.1/bin"),
    ],
)
def test_the_newest_server_is_found_wherever_it_lives(folders: list[str], newest: str) -> None:
    assert newest_of([Path(folder) for folder in folders]) == Path(newest)
