import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from device_gateway.config.devices_file import (
    Devices,
    DevicesError,
    Paired,
    read_devices,
    write_devices,
)

ADDRESS = "A0:B1:C2:D3:E4:F5"


def a_device(address: str = ADDRESS, **more: object) -> Paired:
    return Paired.model_validate({"address": address, "family": "plx", "slots": (1,)} | more)


def test_a_home_that_never_paired_has_no_devices(tmp_path: Path) -> None:
    assert read_devices(tmp_path / "devices.json") == Devices()


def test_what_was_written_is_read_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "devices.json"
    devices = Devices(adapter="hci1").with_(
        a_device(ADDRESS.lower(), slots=(1, 2), users={1: 2}, model="BM54")
    )
    write_devices(path, devices)
    assert read_devices(path) == devices
    assert devices.devices[0].address == ADDRESS
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["devices.json"]


def test_a_device_stands_in_it_once(tmp_path: Path) -> None:
    devices = Devices().with_(a_device()).with_(a_device(ADDRESS.lower(), slots=(2,)))
    assert [device.slots for device in devices.devices] == [(2,)]
    assert devices.without(ADDRESS.lower()).devices == ()
    with pytest.raises(ValidationError, match="twice"):
        Devices(devices=(a_device(), a_device()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "A0:B1"}, "six pairs"),
        ({"address": "A0-B1-C2-D3-E4-F5"}, "six pairs"),
        ({"family": "abacus"}, "no family"),
        ({"slots": ()}, "at least 1"),
        ({"slots": (0,)}, "greater than"),
        ({"users": {1: 2}}, "does not have it"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        a_device(**wrong)  # type: ignore[arg-type]


def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    for text, said in [
        ("{", "not JSON"),
        (json.dumps({"devices": [{"address": ADDRESS}]}), "pair the devices again"),
        (json.dumps({"adapter": "../hci0"}), "pair the devices again"),
    ]:
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(DevicesError, match=said):
            read_devices(path)
        assert path.read_text() == text
    path.chmod(0o640)
    with pytest.raises(DevicesError, match="chmod 600"):
        read_devices(path)


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "devices.json"
    write_devices(path, Devices(adapter="hci0"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DevicesError, match=r"No space left.*stands"):
        write_devices(path, Devices(adapter="hci1"))
    monkeypatch.undo()
    assert read_devices(path).adapter == "hci0"


def test_a_device_is_called_by_its_model_never_by_its_address_or_number() -> None:
    named = a_device(model="BM54", serial="A1-07", name="BM54 of Ann")
    assert named.said == "BM54"
    assert a_device(serial="A1-07", name="Ann's").said == "Pulse oximeter (0x1822)"
