"""scan, pair, devices, unpair and run, as real processes in a room with invented devices."""

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGTERM

import pytest

from device_gateway.cli.common import NO_INPUT, NO_RADIO, WRONG_USAGE
from device_gateway.config.devices_file import FILE_NAME, read_devices
from tests.conftest import missing
from tests.device_gateway.conftest import COMMAND
from tests.fakes.bluez import HAS_DBUS, VARIABLE, BluezProcess
from tests.fakes.peripherals import A_CODE, cuff
from tests.services import free_port

SPOT, STREAM, NONIN, RING, CUFF, EAR, CODED_CUFF = (f"A0:00:00:00:00:{n:02}" for n in range(1, 8))
LOUDSPEAKER, UNREAD = "B0:00:00:00:00:01", "B0:00:00:00:00:02"


@pytest.fixture
def fake() -> Iterator[BluezProcess]:
    if not HAS_DBUS:
        missing("dbus-daemon", "install it, for example: apt-get install dbus")
    with BluezProcess() as process:
        yield process


class Box:
    """A gateway's box: its homes file, and its commands."""

    def __init__(self, folder: Path, address: str, homes: int = 1) -> None:
        self.homes, self.devices = folder / "homes.json", folder / FILE_NAME
        self.spools, self.log = folder / "spools", folder / "log"
        named = [{"gateway": f"home-{n}", "key": "00" * 32, "slot": 1} for n in range(homes)]
        broker = {"host": "127.0.0.1", "port": free_port()}
        self.homes.write_text(json.dumps({"broker": broker, "homes": named}))
        self.homes.chmod(0o600)
        self.environment = {**os.environ, VARIABLE: address, "HOMEWARD_HOMES": str(self.homes)}
        self.environment["HOMEWARD_SPOOL_DIR"] = str(self.spools)
        self.environment["COLUMNS"] = "200"

    def __call__(
        self, *arguments: str, given: str = "", code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *arguments], env=self.environment, input=given, text=True,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """`run`, until the block ends; then it has ended well."""
        with self.log.open("wb") as log:
            gateway = subprocess.Popen([*COMMAND, "run"], env=self.environment, stderr=log)
        try:
            yield gateway
        finally:
            gateway.send_signal(SIGTERM)
            code = gateway.wait(30)
        assert code == 0, self.log.read_text()


@pytest.fixture
def box(fake: BluezProcess, tmp_path: Path) -> Box:
    return Box(tmp_path, fake.address)


def test_scan_says_what_can_be_read_and_why_the_rest_is_not(box: Box) -> None:
    box("pair", SPOT, "--slot", "1")
    lines = box("scan", "--seconds", "1").stdout.splitlines()
    said = {line.split()[0]: line for line in lines}
    assert "of this home, slot 1" in said[SPOT]
    assert "captured from a real device" in said[RING]
    assert "unproven on a device" in said[NONIN]
    assert "speaks another protocol" in said[UNREAD]
    assert LOUDSPEAKER not in said
    assert lines[-1] == "1 other devices, which are none of ours"


def test_pair_writes_down_what_a_device_is_and_whose(box: Box) -> None:
    told = box("pair", CUFF.lower(), "--slot", "1", "--slot", "2", "--user", "1=1", "--user", "2=2")
    assert "BM54, Blood pressure (0x1810), battery 80 %." in told.stdout
    box("pair", RING, "--slot", "1")
    box("pair", NONIN, "--slot", "3")
    cuff, ring, nonin = read_devices(box.devices).devices
    assert (cuff.address, cuff.family, cuff.model, cuff.serial) == (
        CUFF,
        "blood_pressure",
        "BM54",
        "S-5",
    )
    assert (cuff.slots, cuff.users) == ((1, 2), {1: 1, 2: 2})
    assert (ring.family, ring.model, ring.serial) == ("viatom", "O2Ring", "S-4")
    assert nonin.slots == (3,)
    assert box.devices.stat().st_mode & 0o777 == 0o600
    listed = box("devices").stdout
    assert "its user 1 is slot 1" in listed
    assert "unproven on a device" in listed
    assert "S-5" not in listed


def test_pairing_keeps_every_measurement_in_the_device(box: Box) -> None:
    """A spot check that nobody keeps must not be confirmed: it would never come again."""
    box("pair", SPOT, "--slot", "1")
    with box.running():
        _until(_depth, box, 3)
    assert SPOT not in box.log.read_text()
    assert "S-1" not in box.log.read_text()


def _until(count: Callable[[Box], int], box: Box, least: int) -> None:
    end = time.monotonic() + 20
    while count(box) < least:
        assert time.monotonic() < end, f"never {least} in the spool"
        time.sleep(0.05)


def _depth(box: Box) -> int:
    """How many readings wait in the spool, while another process fills it."""
    return _counted(box, "select count(*) from outbox")


def _stored(box: Box) -> int:
    query = "select count(*) from outbox where cast(payload as text) like '%stored%'"
    return _counted(box, query)


def _seconds(box: Box) -> int:
    """How many seconds of a stream are kept, in a minute or not yet in one."""
    in_minutes = "sum(json_array_length(cast(payload as text), '$.samples.spo2'))"
    query = f"select count(*) + coalesce((select {in_minutes} from outbox), 0) from sample"  # noqa: S608 - our own
    return _counted(box, query)


def _counted(box: Box, query: str) -> int:
    spool = box.spools / "home-0.spool"
    if not spool.exists():
        return 0
    with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True)) as db:
        try:
            return int(db.execute(query).fetchone()[0])
        except sqlite3.OperationalError:
            return 0  # it is being made


def test_a_device_with_a_code_asks_the_person_for_it(box: Box) -> None:
    refused = box("pair", CODED_CUFF, "--slot", "1", given="999999\n", code=NO_RADIO)
    assert "Was the code right?" in refused.stderr
    assert not box.devices.exists()
    told = box("pair", CODED_CUFF, "--slot", "1", given=f"{A_CODE}\n")
    assert "Type the code that the device shows" in told.stdout
    assert "paired with this box" in told.stdout
    with box.running():
        _until(_depth, box, len(cuff().frames))
    assert "no longer a device" in box("unpair", CODED_CUFF).stdout
    assert read_devices(box.devices).devices == ()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([UNREAD, "--slot", "1"], NO_RADIO, "speaks another protocol"),
        ([LOUDSPEAKER, "--slot", "1"], NO_RADIO, "no family has its services"),
        (["C0:FF", "--slot", "1"], WRONG_USAGE, "six pairs"),
        ([SPOT, "--slot", "1", "--user", "1=7"], WRONG_USAGE, "does not have it"),
        ([SPOT, "--slot", "1", "--user", "me"], WRONG_USAGE, "--user 1=2"),
        ([SPOT, "--slot", "1", "--adapter", "hci7"], NO_RADIO, "absent"),
    ],
)
def test_pair_refuses_with_the_reason(box: Box, arguments: list[str], code: int, said: str) -> None:
    assert said in box("pair", *arguments, code=code).stderr
    assert not box.devices.exists()


def test_a_device_that_run_has_is_paired_again_all_the_same(box: Box) -> None:
    box("pair", STREAM, "--slot", "1")
    with box.running():
        _until(_seconds, box, 1)
        box("pair", STREAM, "--slot", "2")
        assert [device.slots for device in read_devices(box.devices).devices] == [(2,)]
        _until(_seconds, box, _seconds(box) + 1)


def test_a_pairing_that_fails_leaves_the_file_as_it_was(box: Box) -> None:
    box("pair", CODED_CUFF, "--slot", "1", given=f"{A_CODE}\n")
    before = box.devices.read_text()
    box("pair", CODED_CUFF, "--slot", "2", "--adapter", "hci7", code=NO_RADIO)
    assert box.devices.read_text() == before


def test_run_hears_what_is_paired_and_unpaired_meanwhile(box: Box) -> None:
    box("pair", STREAM, "--slot", "1")
    with box.running():
        _until(_seconds, box, 1)
        box("pair", SPOT, "--slot", "1")
        _until(_stored, box, 3)
        box("unpair", STREAM)
        time.sleep(1)
        before = _seconds(box)
        time.sleep(1.5)  # it sends once a second
        assert _seconds(box) == before


def test_run_carries_one_home(fake: BluezProcess, tmp_path: Path) -> None:
    box = Box(tmp_path, fake.address, homes=2)
    assert "has 2 homes; a box in a home carries one" in box("run", code=NO_INPUT).stderr


def test_run_without_bluetooth_keeps_the_home_open(tmp_path: Path) -> None:
    box = Box(tmp_path, "unix:path=/nowhere/at/all")
    with box.running() as gateway:
        end = time.monotonic() + 20
        while "bluetoothd away" not in box.log.read_text():
            assert time.monotonic() < end
            time.sleep(0.1)
        time.sleep(0.5)
        assert gateway.poll() is None
    events = [json.loads(line) for line in box.log.read_text().splitlines()]
    assert ("radio.away", "bluetoothd away") in [(e["name"], e.get("why")) for e in events]
    assert events[-1]["name"] == "street.closed"


@pytest.mark.parametrize("arguments", [["scan"], ["pair", SPOT, "--slot", "1"]])
def test_without_bluetooth_nothing_is_scanned_or_paired(
    tmp_path: Path, arguments: list[str]
) -> None:
    box = Box(tmp_path, "unix:path=/nowhere/at/all")
    assert "Is Bluetooth on" in box(*arguments, code=NO_RADIO).stderr


def test_a_devices_file_that_others_can_read_or_that_is_none_is_refused(
    tmp_path: Path,
) -> None:
    box = Box(tmp_path, "unix:path=/nowhere/at/all")
    box.devices.write_text("{}")
    box.devices.chmod(0o644)
    assert "chmod 600" in box("run", code=NO_INPUT).stderr
    box.devices.chmod(0o600)
    box.devices.write_text('{"devices": [{"address": "A0:00:00:00:00:01"}]}')
    assert "pair the devices again" in box("devices", code=NO_INPUT).stderr
