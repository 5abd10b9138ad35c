import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from device_gateway.config.homes_file import Broker
from device_gateway.home import Home, open_home
from device_gateway.playback import replay
from device_gateway.playback.recordings import Recording, RecordingError, read_all
from device_gateway.playback.replay import Manner
from device_gateway.playback.scheduler import OXIMETER, play
from device_gateway.spool.records import Progress
from device_gateway.spool.spool import Spool
from tests.device_gateway.conftest import COMMAND, BrokerProcess, a_place
from tests.device_gateway.streams import values_at
from tests.fakes.ward_peer import WardPeer, eventually
from ward_service.contract.clock import VARIABLE, demo_clock, real_clock
from ward_service.contract.messages import Reading, Trace
from ward_service.contract.vocabulary import Vital

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WriteHomes = Callable[[int, int], tuple[Path, dict[str, bytes]]]


@pytest.fixture
def film(tmp_path: Path) -> Recording:
    """Ten samples, ten seconds apart, one of them without a finger."""
    path = tmp_path / "film.csv"
    rows = [
        f"2026-03-01T08:{10 * n // 60:02}:{10 * n % 60:02}Z,{'' if n == 4 else 97 - n},{60 + n}"
        for n in range(10)
    ]
    path.write_text("measured_at,spo2,pulse_rate\n" + "\n".join(rows) + "\n")
    return read_all([path])[0].recordings[0]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(a_place(), Broker(host="127.0.0.1", port=1), tmp_path, real_clock(), Event())


def held(home: Home) -> list[Reading]:
    return [Reading.model_validate_json(row.payload) for row in home.spool.after(0, 100_000)]


def offsets_s(readings: list[Reading]) -> list[float]:
    return [(r.measured_at - readings[0].measured_at).total_seconds() for r in readings]


def spo2(reading: Reading) -> float | None:
    return next((o.value for o in reading.observations if o.vital is Vital.SPO2), None)


def test_every_sample_is_a_reading_with_its_values_and_spacing(film: Recording, home: Home) -> None:
    parts = replay.parts([film], [home], NOON, Manner(hurry=True))
    play(parts, real_clock(), Event(), hurry=True)
    readings = held(home)
    assert [spo2(r) for r in readings] == [97, 96, 95, 94, None, 92, 91, 90, 89, 88]
    assert offsets_s(readings) == [10.0 * n for n in range(10)]
    assert readings[-1].measured_at == NOON
    assert len({r.reading_id for r in readings}) == 10


def test_spot_checks_say_the_same(film: Recording, home: Home) -> None:
    manner = Manner(spot_check=True, hurry=True)
    play(replay.parts([film], [home], NOON, manner), real_clock(), Event(), hurry=True)
    assert [spo2(r) for r in held(home)] == [97, 96, 95, 94, None, 92, 91, 90, 89, 88]
    assert all(r.quality == () for r in held(home))


def test_recorded_times_are_kept_when_asked(film: Recording, home: Home) -> None:
    manner = Manner(hurry=True, as_recorded=True)
    play(replay.parts([film], [home], NOON, manner), real_clock(), Event(), hurry=True)
    assert [r.measured_at for r in held(home)] == [s.measured_at for s in film.samples]


def test_it_is_paced_by_the_shared_clock(film: Recording, home: Home) -> None:
    clock = demo_clock(real_clock().now(), NOON, 60)  # 90 s of film in 1.5 s
    began = time.monotonic()
    [part] = replay.parts([film], [home], clock.now(), Manner())
    play([part], clock, Event())
    assert 1.3 < time.monotonic() - began < 4
    assert offsets_s(held(home)) == [10.0 * n for n in range(10)]
    assert NOON <= held(home)[0].measured_at < NOON + timedelta(minutes=1)


def test_nothing_is_measured_in_the_future(film: Recording, home: Home) -> None:
    [part] = replay.parts([film], [home], NOON, Manner())
    assert part.take_due(NOON + timedelta(seconds=25)) == 3
    assert part.take_due(NOON + timedelta(seconds=29)) == 0
    assert part.next_at() == NOON + timedelta(seconds=30)


def test_it_goes_on_where_it_was_with_the_moments_it_had(film: Recording, home: Home) -> None:
    [part] = replay.parts([film], [home], NOON, Manner())
    part.take_due(NOON + timedelta(seconds=25))
    [again] = replay.parts([film], [home], NOON + timedelta(seconds=55), Manner())
    assert again.take_due(NOON + timedelta(seconds=55)) == 3
    assert offsets_s(held(home)) == [0, 10, 20, 30, 40, 50]
    [done] = replay.parts([film], [home], NOON + timedelta(hours=1), Manner())
    assert done.take_due(NOON + timedelta(hours=1)) == 4
    [over] = replay.parts([film], [home], NOON + timedelta(hours=2), Manner())
    assert over.take_due(None) == 0
    assert len(held(home)) == 10


def test_a_clock_that_went_back_does_not_make_it_wait(film: Recording, home: Home) -> None:
    home.spool.add([], Progress(film.key, NOON + timedelta(days=3), 4))
    [part] = replay.parts([film], [home], NOON, Manner())
    assert part.next_at() == NOON


def test_too_few_homes_is_said(film: Recording, home: Home) -> None:
    with pytest.raises(RecordingError, match="2 recordings, but only 1 homes"):
        replay.parts([film, film], [home], NOON, Manner())


def launch(arguments: list[str], clock_word: str) -> subprocess.Popen[bytes]:
    environ = os.environ | {VARIABLE: clock_word, "HOMEWARD_RESEND_AFTER_S": "1"}
    return subprocess.Popen([*COMMAND, *arguments], env=environ, stderr=subprocess.DEVNULL)


@pytest.mark.recordings
def test_killed_again_and_again_no_sample_is_lost_or_taken_twice(
    broker: BrokerProcess, tmp_path: Path, write_homes: WriteHomes, recordings_dir: Path
) -> None:
    raw = recordings_dir / "uw_raw" / "100003.csv"
    homes, keys = write_homes(broker.port, 4)
    spools = tmp_path / "spools"
    arguments = ["replay", str(raw), "--homes", str(homes), "--spool-dir", str(spools)]
    word = demo_clock(real_clock().now(), NOON, 150).word()  # 1065 s of recording in 7.1 s
    dice = random.Random(4)
    killed_midway = 0
    with WardPeer(broker.port, keys) as ward:
        for life in range(6):
            gateway = launch(arguments, word)
            time.sleep(dice.uniform(1.0, 2.0))
            if life == 3:
                broker.kill()
                broker.start()
            killed_midway += gateway.poll() is None
            os.kill(gateway.pid, signal.SIGKILL)
            gateway.wait()
        gateway = launch(arguments, word)
        assert gateway.wait(timeout=60) == 0
        assert eventually(lambda: len(ward.kept) == 4 * 1066)
        assert killed_midway >= 3
        assert ward.refused == []
        assert ward.counts() == Counter(dict.fromkeys(keys, 1066))
        for gateway_id, recording in zip(keys, read_all([raw])[0].recordings, strict=True):
            theirs = sorted(
                (reading for id_, reading in ward.kept.values() if id_ == gateway_id),
                key=lambda reading: reading.measured_at,
            )
            assert [spo2(reading) for reading in theirs] == [
                float(sample.spo2 or 0) for sample in recording.samples
            ]
        seqs = sorted((a.gateway, a.envelope.seq) for a in ward.arrived)
        assert set(seqs) == {(gateway_id, n + 1) for gateway_id in keys for n in range(1066)}
    for gateway_id in keys:
        with Spool(spools / f"{gateway_id}.spool") as spool:
            assert (spool.depth(), spool.last_seq) == (0, 1066)


@pytest.mark.recordings
def test_sixteen_homes_replay_every_recording_once(
    broker: BrokerProcess, tmp_path: Path, write_homes: WriteHomes, recordings_dir: Path
) -> None:
    homes, keys = write_homes(broker.port, 16)
    arguments = ["--fast", "--homes", str(homes), "--spool-dir", str(tmp_path / "spools")]
    command = [*COMMAND, "replay", str(recordings_dir), *arguments]
    with WardPeer(broker.port, keys) as ward:
        for _ in range(2):  # the second finds all of it taken
            ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
            assert ran.returncode == 0, ran.stderr
        assert [ward.counts()[gateway] for gateway in sorted(keys)] == (
            [1090] * 4 + [1122] * 4 + [1066] * 4 + [1015] * 4
        )
        assert len(ward.kept) == 17_172
    events = [json.loads(line) for line in ran.stderr.splitlines()]
    assert {"name": "replay.began", "recordings": 16, "taken_before": 17_172}.items() <= next(
        event for event in events if event["name"] == "replay.began"
    ).items()


def test_bad_lines_are_named_and_the_rest_is_sent(
    broker: BrokerProcess, tmp_path: Path, write_homes: WriteHomes
) -> None:
    homes, keys = write_homes(broker.port, 1)
    night = tmp_path / "night.csv"
    night.write_text(
        "measured_at,spo2,pulse_rate\n2026-11-24T01:00:00Z,101,60\nnever,97,60\n"
        "2026-11-24T02:00:00Z,-3,60\n"
    )
    arguments = ["--as-recorded", "--homes", str(homes), "--spool-dir", str(tmp_path / "spools")]
    with WardPeer(broker.port, keys) as ward:
        ran = subprocess.run(
            [*COMMAND, "replay", str(night), *arguments], capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 1
        assert "night.csv, line 3: measured_at is not a time" in ran.stderr
        assert sorted(spo2(reading) or 0 for _, reading in ward.kept.values()) == [-3, 101]


def seconds(home: Home) -> list[tuple[datetime, float]]:
    """Return every second with a value, in the order of arrival, sent or not yet."""
    sent = [Trace.model_validate_json(row.payload) for row in home.spool.after(0, 100_000)]
    found = [pair for trace in sent for pair in values_at(trace).items()]
    waiting = home.spool.samples(OXIMETER)
    return found + [(s.at, s.values[Vital.SPO2]) for s in waiting if Vital.SPO2 in s.values]


def test_as_minutes_a_recording_is_a_stream(film: Recording, home: Home) -> None:
    parts = replay.parts([film], [home], NOON, Manner(hurry=True, as_minutes=True))
    play(parts, real_clock(), Event(), hurry=True)
    began = NOON - film.lasts
    values = [97, 96, 95, 94, None, 92, 91, 90, 89, 88]
    expected = [(began + timedelta(seconds=10 * n), v) for n, v in enumerate(values) if v]
    assert seconds(home) == expected
    assert home.spool.samples(OXIMETER) == []
    assert {held.slot for held in home.spool.after(0, 9)} == {1}
    assert home.spool.depth() < 10


def test_as_minutes_it_goes_on_where_it_was(film: Recording, home: Home, tmp_path: Path) -> None:
    manner = Manner(as_minutes=True)
    [part] = replay.parts([film], [home], NOON, manner)
    part.take_due(NOON + timedelta(seconds=25))
    home.spool.close()
    home = open_home(a_place(), Broker(host="127.0.0.1", port=1), tmp_path, real_clock(), Event())
    [again] = replay.parts([film], [home], NOON + timedelta(seconds=95), manner)
    play([again], real_clock(), Event(), hurry=True)
    assert [value for _, value in seconds(home)] == [97, 96, 95, 94, 92, 91, 90, 89, 88]
    assert seconds(home)[0][0] == NOON


def test_as_minutes_kill_9_doubles_no_second_and_loses_none(
    write_homes: WriteHomes, tmp_path: Path
) -> None:
    film = tmp_path / "film.csv"
    eight = datetime(2026, 3, 1, 8, tzinfo=UTC)
    rows = [f"{(eight + timedelta(seconds=n)).isoformat()},{80 + n % 19},70" for n in range(600)]
    film.write_text("measured_at,spo2,pulse_rate\n" + "\n".join(rows) + "\n")
    homes, _ = write_homes(1, 1)
    arguments = ["replay", str(film), "--as-recorded", "--as-minutes"]
    arguments += ["--homes", str(homes), "--spool-dir", str(tmp_path / "spools")]
    dice, counted, patience_s = random.Random(5), [0], 0.8
    while counted[-1] < 600:
        process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(patience_s, 2 * patience_s))
        process.send_signal(signal.SIGKILL)
        process.wait()
        home = open_home(
            a_place(), Broker(host="127.0.0.1", port=1), tmp_path / "spools", real_clock(), Event()
        )
        found = seconds(home)
        assert [value for _, value in found] == [80 + n % 19 for n in range(len(found))]
        assert len({at for at, _ in found}) == len(found)
        counted.append(len(found))
        home.spool.close()
        if counted[-1] == counted[-2]:
            patience_s *= 1.2  # a slow machine: it was killed before it had begun
        assert len(counted) < 40
