import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from device_gateway.cli.common import NO_INPUT, NO_SPOOL, UNREADABLE, WRONG_USAGE
from device_gateway.cli.main import app
from device_gateway.spool.spool import Spool
from tests.device_gateway.conftest import COMMAND, BrokerProcess
from tests.device_gateway.decode.test_viatom_file import A_NIGHT
from tests.fakes.ward_peer import WardPeer, eventually

WriteHomes = Callable[[int, int], tuple[Path, dict[str, bytes]]]
NIGHT = "measured_at,spo2,pulse_rate\n2026-11-24T01:00:00Z,97,60\n2026-11-24T02:00:00Z,91,70\n"


def run(*arguments: object, given: str | None = None) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_exit_codes_stand_in_help() -> None:
    said = " ".join(run("--help").output.split())
    for promise in (
        "0 done",
        "1 something could not be read",
        "2 wrong usage",
        "3 homes",
        "4 spool",
    ):
        assert promise in said


def test_decode_prints_a_line_a_frame() -> None:
    result = run("decode", "--characteristic", "2A5F", "14 6100 4800 8000 0be2", "0x00ff07ff07")
    assert result.exit_code == 0
    first, second = lines(result.stdout)
    assert first["observations"] == {"spo2": 97, "pulse_rate": 72, "perfusion_index": 5.23}
    assert (first["no_value"], first["quality"]) == (None, [])
    assert second["observations"] == {}
    assert second["no_value"] == "the sensor sent no number"
    assert second["fields"]["spo2"] == "not a number"


def test_decode_names_what_it_cannot_read_and_reads_the_rest() -> None:
    frames = "00 61 00 48\n\nsix\n0061004800\n"
    result = run("decode", "--characteristic", "2a5e", given=frames)
    assert result.exit_code == UNREADABLE
    short, no_hex, good = lines(result.stdout)
    reason = "too short: 4 bytes, but what it announces reaches byte 5"
    assert short["error"] == reason
    assert no_hex["error"] == "not hexadecimal"
    assert good["observations"]["spo2"] == 97
    assert result.stderr.splitlines() == [f"00610048: {reason}", "six: not hexadecimal"]


@pytest.mark.parametrize("characteristic", ["2A37", "oxygen"])
def test_decode_of_an_unknown_characteristic_is_wrong_usage(characteristic: str) -> None:
    result = run("decode", "--characteristic", characteristic, "00")
    assert result.exit_code == WRONG_USAGE
    assert "2A5E, 2A5F" in result.stderr


def test_decode_puts_a_vendors_notifications_together() -> None:
    result = run("decode", "--family", "contec", "eb 01 05", "445e7f0012eb0003", "48093f")
    assert result.exit_code == 0
    values, wave = lines(result.stdout)
    assert values["frame"] == "eb0105445e7f0012"
    assert values["characteristic"] == "FF02"
    assert values["observations"] == {"spo2": 94, "pulse_rate": 68}
    assert (wave["measures"], wave["fields"]["wave"]) == (False, 72)


def test_decode_says_what_it_threw_away_and_why() -> None:
    flipped = "5500ff00000d00624200000000006100920a01002e"
    result = run("decode", "--family", "viatom", flipped, "55 00 ff 00")
    assert result.exit_code == UNREADABLE
    wrong, cut = lines(result.stdout)
    assert (wrong["frame"], wrong["error"]) == (flipped, "its checksum is wrong")
    assert (cut["frame"], cut["error"]) == ("5500ff00", "cut off")
    assert result.stderr.splitlines()[0] == f"{flipped}: its checksum is wrong"


def test_decode_says_what_is_unproven() -> None:
    [line] = lines(run("decode", "--family", "jumper", "81386344").stdout)
    assert line["evidence"] == "published only: unproven on a device"
    assert line["observations"]["spo2"] == 99


def test_decode_reads_about_the_device_under_any_family() -> None:
    [line] = lines(run("decode", "--family", "viatom", "--characteristic", "2A19", "48").stdout)
    assert line["fields"] == {"battery": 72}


def test_decode_reads_a_file_that_a_device_stored() -> None:
    result = run("decode", "--family", "viatom", "--file", A_NIGHT.hex(), A_NIGHT[:-1].hex())
    assert result.exit_code == UNREADABLE
    night, short = lines(result.stdout)
    assert night["fields"]["samples"] == 2
    assert short["error"] == "49 bytes, but its header says 50"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--family", "oxygen", "00"), "known: plx, thermometer, blood_pressure, viatom"),
        (("--family", "plx", "00"), "no decoder for characteristic None; known: 2A08"),
        (("00",), "no decoder for characteristic None; known: 2A08"),
        (("--characteristic", "FF02", "eb7f6a"), "no decoder for characteristic 'FF02'"),
        (("--family", "jumper", "--file", "00"), "--file needs a --family of: viatom"),
        (("--file", "00"), "--file needs a --family of: viatom"),
    ],
)
def test_decode_refuses_what_it_cannot_choose(arguments: tuple[str, ...], why: str) -> None:
    result = run("decode", *arguments)
    assert result.exit_code == WRONG_USAGE
    assert why in result.stderr


def test_recordings_lists_what_needs_a_home_and_what_is_broken(tmp_path: Path) -> None:
    (tmp_path / "night.csv").write_text(NIGHT + "yesterday,97,60\n")
    result = run("recordings", tmp_path)
    assert result.exit_code == UNREADABLE
    [line] = lines(result.stdout)
    assert (line["recording"], line["samples"], line["lasts_s"]) == ("night", 2, 3600)
    assert "night.csv, line 4: measured_at is not a time" in result.stderr
    assert "1 lines could not be read, 2 samples could" in result.stderr


def test_homes_and_recordings_that_cannot_be_used_are_refused_with_a_sentence(
    tmp_path: Path, write_homes: WriteHomes
) -> None:
    homes, _ = write_homes(1, 1)
    night = tmp_path / "night.csv"
    night.write_text(NIGHT)
    day = tmp_path / "day.csv"
    day.write_text(NIGHT.replace("97", "96"))
    spools = ("--spool-dir", tmp_path / "spools")
    result = run("replay", night, "--homes", tmp_path / "none.json", *spools)
    assert (result.exit_code, "No such file" in result.stderr) == (NO_INPUT, True)
    result = run("replay", homes, "--homes", homes, *spools)
    assert (result.exit_code, "not a recording that we know" in result.stderr) == (NO_INPUT, True)
    result = run("replay", night, day, "--homes", homes, *spools)
    assert (result.exit_code, "2 recordings, but only 1 homes" in result.stderr) == (NO_INPUT, True)
    result = run("simulate", "--seed", 1, "--people", 2, "--homes", homes, *spools)
    assert (result.exit_code, "2 people, but only 1 homes" in result.stderr) == (NO_INPUT, True)
    result = run("replay", tmp_path / "nothing.csv", "--homes", homes, *spools)
    assert result.exit_code == WRONG_USAGE


def test_times_are_not_made_up_for_a_recording_without_a_date(
    tmp_path: Path, write_homes: WriteHomes
) -> None:
    homes, _ = write_homes(1, 1)
    raw = tmp_path / "300001.csv"
    raw.write_text("Time,SpO2 1,Pulse 1,PI 1\n 09:25:02,97,57,1\n")
    result = run(
        "replay", raw, "--as-recorded", "--homes", homes, "--spool-dir", tmp_path / "spools"
    )
    assert result.exit_code == NO_INPUT
    assert "no date in 300001/1: --as-recorded needs one" in result.stderr


def test_a_spool_in_use_is_its_own_exit_code(tmp_path: Path, write_homes: WriteHomes) -> None:
    homes, _ = write_homes(1, 1)
    night = tmp_path / "night.csv"
    night.write_text(NIGHT)
    with Spool(tmp_path / "spools" / "home-01.spool"):
        result = run("replay", night, "--homes", homes, "--spool-dir", tmp_path / "spools")
    assert result.exit_code == NO_SPOOL
    assert "is open in another device-gateway" in result.stderr


def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = tmp_path / "night.csv"
    night.write_text(NIGHT)
    monkeypatch.setenv("HOMEWARD_RESEND_AFTER_S", "soon")
    result = run("replay", night)
    assert (result.exit_code, "HOMEWARD_RESEND_AFTER_S" in result.stderr) == (WRONG_USAGE, True)
    monkeypatch.delenv("HOMEWARD_RESEND_AFTER_S")
    monkeypatch.setenv("HOMEWARD_DEMO_CLOCK", "noon")
    result = run("replay", night)
    assert (result.exit_code, "HOMEWARD_DEMO_CLOCK" in result.stderr) == (WRONG_USAGE, True)


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_street_ends_cleanly_when_told(
    broker: BrokerProcess, tmp_path: Path, write_homes: WriteHomes, name: signal.Signals
) -> None:
    homes, keys = write_homes(broker.port, 5)
    command = [*COMMAND, "simulate", "--seed", "3", "--people", "5", "--homes", str(homes)]
    with WardPeer(broker.port, keys) as ward:
        street = subprocess.Popen(
            [*command, "--spool-dir", str(tmp_path / "spools")],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert eventually(lambda: len({gateway for gateway, _ in ward.statuses}) == 5)
            began = time.monotonic()
            street.send_signal(name)
            _, logged = street.communicate(timeout=20)
        finally:
            street.kill()
            street.wait()
        assert street.returncode == 0
        assert time.monotonic() - began < 10
        assert eventually(lambda: [s.online for _, s in ward.statuses[-5:]] == [False] * 5)
    events = [line["name"] for line in lines(logged)]
    assert events[-1] == "street.closed"
    for gateway in keys:
        Spool(tmp_path / "spools" / f"{gateway}.spool").close()  # every lock was let go


def test_a_street_with_no_broker_ends_cleanly_too(tmp_path: Path, write_homes: WriteHomes) -> None:
    homes, _ = write_homes(1, 3)
    command = [*COMMAND, "simulate", "--seed", "3", "--people", "3", "--homes", str(homes)]
    street = subprocess.Popen(
        [*command, "--spool-dir", str(tmp_path / "spools")], stderr=subprocess.PIPE, text=True
    )
    try:
        spools = tmp_path / "spools"
        assert eventually(lambda: len(list(spools.glob("*.spool"))) == 3, 30), "it never began"
        street.terminate()
        street.communicate(timeout=20)
    finally:
        street.kill()
        street.wait()
    assert street.returncode == 0
