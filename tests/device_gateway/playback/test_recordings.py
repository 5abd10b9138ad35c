import csv
import gzip
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from device_gateway.decode import plx
from device_gateway.decode.plx import CONTINUOUS, SPOT_CHECK, Pair, PlxFrame
from device_gateway.playback.recordings import (
    BadLine,
    RecordingError,
    find_files,
    read_all,
    read_file,
)

HEADER = "Time,SpO2 1,SpO2 2,SpO2 3,Pulse 1,Pulse 2,Pulse 3,PI 1,PI 2,PI 3,Rig FiO2,,\n"


def a_file(folder: Path, text: str, name: str = "300001.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def independent_counts(folder: Path) -> Counter[str]:
    """Count samples without our reader: lines that begin with a time, times four devices."""
    counts: Counter[str] = Counter()
    for path in folder.glob("*.csv"):
        text = path.read_bytes().decode("utf-8-sig")
        times = [line for line in text.splitlines() if line.strip()[:2].isdigit()]
        for device in (1, 2, 4, 5):
            counts[f"{path.stem}/{device}"] = len(times)
    return counts


@pytest.mark.recordings
def test_every_published_sample_is_read_once(recordings_dir: Path) -> None:
    files = read_all([recordings_dir / "uw_raw"])
    counts = {r.name: len(r.samples) for file in files for r in file.recordings}
    assert counts == independent_counts(recordings_dir / "uw_raw")
    assert sum(counts.values()) == 17_172
    assert [counts[f"10000{n}/1"] for n in (1, 2, 3, 4)] == [1090, 1122, 1066, 1015]
    assert not any(file.bad_lines for file in files)


@pytest.mark.recordings
def test_the_values_are_those_of_the_file(recordings_dir: Path) -> None:
    with gzip.open(recordings_dir / "uw_hypoxia_oximeters.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    for read in read_all([recordings_dir / "uw_raw"]):
        for recording in read.recordings:
            subject, device = recording.name.split("/")
            theirs = [
                tuple(Decimal(row[f"{what}_{device}"]) for what in ("spo2", "pulse", "pi"))
                for row in rows
                if row["subject"] == subject
            ]
            ours = [(s.spo2, s.pulse_rate, s.perfusion_index) for s in recording.samples]
            assert ours == theirs, recording.name
            assert [s.since_start for s in recording.samples] == [
                timedelta(seconds=n) for n in range(len(theirs))
            ]


@pytest.mark.recordings
def test_raw_and_tidy_are_the_same_recordings_and_are_read_once(recordings_dir: Path) -> None:
    raw = read_all([recordings_dir / "uw_raw"])
    tidy = read_all([recordings_dir / "uw_hypoxia_oximeters.csv.gz"])
    both = read_all([recordings_dir])
    keys = [r.key for file in raw for r in file.recordings]
    assert keys == [r.key for file in tidy for r in file.recordings]
    assert keys == [r.key for file in both for r in file.recordings]
    assert len(keys) == 16


@pytest.mark.recordings
def test_every_distinct_value_of_the_recordings_survives_the_frame(recordings_dir: Path) -> None:
    samples = {
        (s.spo2, s.pulse_rate, s.perfusion_index)
        for file in read_all([recordings_dir / "uw_raw"])
        for recording in file.recordings
        for s in recording.samples
    }
    assert len(samples) > 1_000
    for spo2, pulse_rate, index in samples:
        assert spo2 is not None
        assert pulse_rate is not None
        assert index is not None
        frame = PlxFrame(Pair(spo2, pulse_rate), pulse_amplitude=index)
        for characteristic, decode in (
            (CONTINUOUS, plx.decode_continuous),
            (SPOT_CHECK, plx.decode_spot_check),
        ):
            decoded = decode(plx.encode(characteristic, frame)).observations
            printed = tuple(Decimal(str(value)) for value in decoded.values())
            assert printed == (spo2, pulse_rate, index)


def test_the_faults_of_the_published_files(tmp_path: Path) -> None:
    path = a_file(
        tmp_path,
        "\ufeff"
        + HEADER.replace("Time", "", 1)
        + " 09:25:02,97.4,97,0,57,58,0,1.54,39,0,,,-327.67,20.8\r\n"
        + " 09:25:03,-327.67,96,0,57,58,0,1.54,39,0,,,600000,20.8\r\n"
        + "\n"
        + "Collection Halted,,,\n",
    )
    read = read_file(path)
    assert read.bad_lines == ()
    assert [recording.name for recording in read.recordings] == ["300001/1", "300001/2"]
    first, second = read.recordings
    assert [s.spo2 for s in first.samples] == [Decimal("97.4"), None]
    assert [s.spo2 for s in second.samples] == [97, 96]
    assert second.samples[1].since_start == timedelta(seconds=1)


def test_a_bad_line_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "300001.csv"
    path.write_bytes(
        HEADER.encode()
        + b" 09:25:02,97,97,0,57,58,0,1,39,0\n"
        + b" 9h25,97,97,0,57,58,0,1,39,0\n"
        + b" 09:25:04,97\n"
        + b" 09:25:05,ninety,96,0,57,58,0,1,39,0\n"
        + b" 09:25:06,97.125,95,0,57,58,0,1,39,0\n"
        + b" 09:25:01,97,97,0,57,58,0,1,39,0\n"
        + b" 09:25:08,\xff,97,0,57,58,0,1,39,0\n"
        + b' 09:25:09,"97,97,0,57,58,0,1,39,0\n'
        + b" 09:25:10,94,94,0,57,58,0,1,39,0\n"
        + b"Collection Halted,,\n"
        + b" 09:25:11,93,93,0,57,58,0,1,39,0\n"
    )
    read = read_file(path)
    first, second = read.recordings
    assert [s.spo2 for s in first.samples] == [97, 94]
    assert [s.spo2 for s in second.samples] == [97, 96, 95, 94]
    named = {bad.number: bad.reason for bad in read.bad_lines}
    assert named[3] == "the time is not HH:MM:SS"
    assert named[4] == "device 3: only 2 cells"
    assert named[5] == "device 1: cell 2 is not a number"
    assert named[6] == "device 1: cell 2: no oximeter can send this number exactly"
    assert named[7] == "the time runs backwards"
    assert named[8] == "not UTF-8 text"
    assert named[9] == "not a line of a CSV file"
    assert named[12] == "after the end of the recording (Collection Halted)"
    assert set(named) == {3, 4, 5, 6, 7, 8, 9, 12}


def test_a_recording_passes_midnight(tmp_path: Path) -> None:
    lines = [f" {time},97,0,0,57,0,0,1,0,0\n" for time in ("23:59:59", "00:00:00", "00:00:01")]
    [recording] = read_file(a_file(tmp_path, HEADER + "".join(lines))).recordings
    assert [s.since_start.total_seconds() for s in recording.samples] == [0, 1, 2]


def test_a_plain_csv_keeps_its_times(tmp_path: Path) -> None:
    path = a_file(
        tmp_path,
        "pulse_rate, spo2 ,measured_at,note\n"
        "72,97.4,2026-03-29T00:59:00+00:00,\n"
        ",101,2026-03-29T02:01:00+01:00,too high is for the ward to judge\n"
        "70,-3,2026-03-29T01:02:00Z,\n"
        "70,97,2026-03-29 01:03:00,\n"
        "70,97,yesterday,\n"
        "70\n",
        "night.csv",
    )
    read = read_file(path)
    [recording] = read.recordings
    assert recording.name == "night"
    assert [s.spo2 for s in recording.samples] == [Decimal("97.4"), 101, -3]
    assert [s.pulse_rate for s in recording.samples] == [72, None, 70]
    assert recording.samples[1].measured_at == datetime.fromisoformat("2026-03-29T01:01:00+00:00")
    assert [s.since_start.total_seconds() for s in recording.samples] == [0, 120, 180]
    assert read.bad_lines == (
        BadLine(5, "measured_at has no offset; write it like 2026-01-31T08:00:00+00:00"),
        BadLine(6, "measured_at is not a time like 2026-01-31T08:00:00+00:00"),
        BadLine(7, "measured_at is not a time like 2026-01-31T08:00:00+00:00"),
    )


def test_what_is_no_recording_is_refused_by_name(tmp_path: Path) -> None:
    ward_list = a_file(tmp_path, "date,region_code\n2024-01-01,E40\n", "ward.csv")
    with pytest.raises(RecordingError, match=r"ward\.csv is not a recording that we know"):
        read_file(ward_list)
    with pytest.raises(RecordingError, match="no readable first line"):
        read_file(a_file(tmp_path, "", "empty.csv"))
    with pytest.raises(RecordingError, match="cannot be read"):
        read_file(tmp_path / "missing.csv")
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(HEADER.encode() * 100)[:-20])
    with pytest.raises(RecordingError, match="cannot be read"):
        read_file(cut)


def test_a_folder_gives_its_recordings_and_passes_over_the_rest(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no recording in the folder"):
        find_files(tmp_path)
    a_file(tmp_path, "date,region_code\n2024-01-01,E40\n", "ward.csv")
    night = a_file(tmp_path, "measured_at,spo2\n2026-03-29T00:59:00Z,97\n", "night.csv")
    assert find_files(tmp_path) == [night]
