"""The doctor tells a home that is well from one that is not, and says what to do."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from device_gateway.cli.main import app
from device_gateway.config.homes_file import Broker
from device_gateway.doctor import doctor
from device_gateway.doctor.broker import check_broker
from device_gateway.doctor.check import Check, Verdict
from device_gateway.doctor.doctor import check_clock, check_disk
from device_gateway.doctor.spool import check_plans, check_spool
from device_gateway.spool.records import HeldPlan, Outgoing
from device_gateway.spool.spool import Spool
from tests.conftest import missing
from tests.device_gateway.advise.test_adviser import a_plan
from tests.device_gateway.conftest import BrokerProcess, a_place
from tests.guarded_broker import an_authority
from tests.services import free_port
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Receipt
from ward_service.contract.plan import Plan
from ward_service.contract.vocabulary import Outcome
from ward_service.domain.plan import written

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PLACE = a_place(1)
WriteHomes = Callable[[int, int], tuple[Path, dict[str, bytes]]]


def only(checks: object) -> Check:
    [check] = list(checks)  # type: ignore[call-overload]
    assert isinstance(check, Check)
    return check


def with_a_reading(path: Path, at: datetime) -> Outgoing:
    entry = Outgoing(new_id(at), at, b"{}", slot=1, measured_at=at)
    with Spool(path) as spool:
        spool.add([entry])
    return entry


def test_a_spool_that_nobody_sends_is_not_well(tmp_path: Path) -> None:
    path = tmp_path / "home-01.spool"
    with_a_reading(path, NOON - timedelta(hours=5))
    check = only(check_spool(path, PLACE, NOON))
    assert check.verdict is Verdict.BAD
    assert check.words == (
        "1 reading waits for the ward's receipt, the oldest for 5 h. No device-gateway is running."
    )
    assert "device-gateway run" in check.todo


def test_a_spool_in_use_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "home-01.spool"
    entry = with_a_reading(path, NOON)
    with Spool(path) as spool:
        assert only(check_spool(path, PLACE, NOON)).verdict is Verdict.MIND
        spool.settle([Receipt(reading_id=entry.reading_id, outcome=Outcome.KEPT)], NOON)
        fine, ward = check_spool(path, PLACE, NOON + timedelta(days=3))
        assert (fine.verdict, ward.verdict) == (Verdict.FINE, Verdict.MIND)
        assert ward.words == "The ward last answered 3 days ago."


def test_a_spool_that_cannot_be_read_is_not_to_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "home-01.spool"
    path.write_bytes(b"what a bad card left of it" * 100)
    check = only(check_spool(path, PLACE, NOON))
    assert check.verdict is Verdict.BAD
    assert "Do not delete it" in check.todo


def test_a_clock_that_went_back_is_not_well(tmp_path: Path) -> None:
    with_a_reading(tmp_path / "home-01.spool", NOON)
    assert check_clock(tmp_path, NOON - timedelta(hours=1)).verdict is Verdict.BAD
    assert check_clock(tmp_path, NOON + timedelta(hours=1)).verdict is not Verdict.BAD


def test_a_clock_that_nobody_sets_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_kernel_clock", lambda: 5)
    assert check_clock(tmp_path, NOON).verdict is Verdict.MIND
    monkeypatch.setattr(doctor, "_kernel_clock", lambda: 0)
    assert check_clock(tmp_path, NOON).verdict is Verdict.FINE


def test_a_disk_without_room_is_not_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_disk(tmp_path / "not" / "yet").verdict is Verdict.FINE
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(doctor, "DISK_LOW", free * 2)
    assert check_disk(tmp_path).verdict is Verdict.BAD


def test_the_broker_is_visited_without_throwing_the_gateway_off(broker: BrokerProcess) -> None:
    check = check_broker(broker.place, PLACE, runs=True)
    assert (check.verdict, check.todo) == (Verdict.FINE, "")
    broker.kill()
    away = check_broker(broker.place, PLACE, runs=True)
    assert away.verdict is Verdict.BAD
    assert "does not answer" in away.words
    broker.start()


def test_a_broker_that_refuses_us_is_told_from_one_that_is_away(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    broker.kill()
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    config = broker.config.read_text().replace("allow_anonymous true", "allow_anonymous false")
    broker.config.write_text(f"{config}password_file {passwords}\n")
    broker.start()
    place = broker.place.model_copy(update={"username": "home-01", "password": "guessed"})
    check = check_broker(place, PLACE, runs=False)
    assert check.verdict is Verdict.BAD
    assert "refuses this gateway" in check.words
    assert "guessed" not in f"{check}"
    beside = check_broker(place, PLACE, runs=True)  # bound to its client id, or refused: unknown
    assert beside.verdict is Verdict.MIND


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_certificate_that_we_do_not_trust_is_said(broker: BrokerProcess, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("openssl", "install it, for example: apt-get install openssl")
    own, other = an_authority(tmp_path, "own"), an_authority(tmp_path, "other")
    broker.kill()
    with broker.config.open("a") as config:
        config.write(f"certfile {own}\nkeyfile {own.with_suffix('.key')}\n")
    broker.start()
    trusted = Broker(host="127.0.0.1", port=broker.port, tls_ca=own)
    assert check_broker(trusted, PLACE, runs=False).words.endswith("the line is encrypted.")
    stranger = Broker(host="127.0.0.1", port=broker.port, tls_ca=other)
    check = check_broker(stranger, PLACE, runs=False)
    assert (check.verdict, "no certificate that we trust" in check.words) == (Verdict.BAD, True)


def test_the_command_says_everything_and_ends_with_how_it_is(
    broker: BrokerProcess, tmp_path: Path, write_homes: WriteHomes
) -> None:
    path, keys = write_homes(broker.port, 1)
    spools = ["--spool-dir", str(tmp_path / "spools")]
    well = CliRunner().invoke(app, ["doctor", "--homes", str(path), *spools])
    assert "lets this gateway in" in well.output
    broker.kill()
    ill = CliRunner().invoke(app, ["doctor", "--homes", str(path), *spools])
    assert ill.exit_code == 1
    assert "not well" in ill.output
    for key in keys.values():
        assert key.hex() not in ill.output
    broker.start()


def test_nothing_is_made_where_there_was_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["doctor", "--homes", str(tmp_path / "no"), "--spool-dir", str(tmp_path / "spools")]
    )
    assert result.exit_code == 1
    assert "ask the ward" in result.output.lower()
    assert list(tmp_path.iterdir()) == []


def test_the_plan_that_a_home_advises_by_is_said_with_its_age(tmp_path: Path) -> None:
    path = tmp_path / "home-01.spool"
    [none] = check_plans(path, PLACE, NOON)
    assert (none.verdict, none.words) == (
        Verdict.MIND,
        "No plan: only the plain safety words are told.",
    )
    came = NOON - timedelta(hours=5)
    with Spool(path) as spool:
        spool.keep_plan(HeldPlan(1, 7, came, a_plan()))
        spool.keep_plan(HeldPlan(2, 8, came, written(Plan(number=8, ended=True))))
        spool.keep_plan(HeldPlan(3, 9, came, b"of another time"))
        good, ended, unread = check_plans(path, PLACE, NOON)  # while a gateway has it open
    assert (good.verdict, good.what) == (Verdict.FINE, "plan of slot 1")
    assert good.words == "Number 7, which came 5 h ago, is in force."
    assert (ended.verdict, "the stay has ended" in ended.words) == (Verdict.FINE, True)
    assert (unread.verdict, "plain safety words" in unread.words) == (Verdict.BAD, True)


def test_the_doctor_without_bluetooth_in_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_homes: WriteHomes
) -> None:
    path, _ = write_homes(free_port(), 1)
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    *_, radio = doctor.examine(path, tmp_path / "spools", NOON)
    assert (radio.what, radio.verdict) == ("radio", Verdict.MIND)
    assert "no Bluetooth in it" in radio.words
