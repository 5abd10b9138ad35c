"""What people did is stored under names that no renaming of a class may change."""

from typing import get_args

from ward_service.domain.inputs import Act
from ward_service.store.acts import KINDS


def test_every_act_has_its_stored_name_and_no_stored_name_is_lost() -> None:
    assert set(KINDS.values()) == set(get_args(Act))
    assert list(KINDS) == [
        "Acknowledged",
        "ContactMade",
        "Resolved",
        "LimitsChanged",
        "ZoneChanged",
        "Paused",
        "Unpaused",
        "Ended",
    ]
