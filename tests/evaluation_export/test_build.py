"""The whole way: a ward's own database, its views, a package, and somebody who reads it."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from evaluation_export.cli import CHECK_FAILED, NOTHING_TO_EXPORT, REFUSED, app
from evaluation_export.disclosure.policies import POLICIES
from evaluation_export.package.build import build as build_package
from evaluation_export.package.check import check
from evaluation_export.package.receipt import REGISTER, format_receipt
from evaluation_export.package.release import DATE, UUID, Release, TrialsOnlyError
from evaluation_export.source import views
from evaluation_export.tables.schema import TABLES
from tests.factories import NOON, Home, a_reading, a_ward, an_admission
from ward_service.contract.http.stays import Admission
from ward_service.domain.inputs import Acknowledged
from ward_service.enrolment.enrolment import add_gateway
from ward_service.pipeline import process_due_deadlines, take_batch, write_due
from ward_service.stays.acts import act
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.ward import Ward

PEOPLE = 30
HASH = re.compile(r"\b[0-9a-f]{64}\b")
BEGAN = NOON - timedelta(days=20)


@pytest.fixture
def ward(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    monkeypatch.setenv("HOMEWARD_EXTRACT_DATABASE_URL", database_url)
    opened = a_ward(tmp_path, database_url)
    yield opened
    engine_of(opened.sessions).dispose()


def invented(n: int) -> Admission:
    whole = an_admission(f"home-{n:02d}", n=n + 100).model_dump()
    asked = {"ethnicity": "white" if n % 3 else None, "deprivation_decile": 1 + n % 10}
    return Admission.model_validate(whole | asked)


def three_weeks(ward: Ward) -> None:
    """Thirty invented people, three readings a day for three weeks; every third gets worse."""
    homes = []
    for n in range(PEOPLE):
        homes.append(Home(f"home-{n:02d}", add_gateway(ward, f"home-{n:02d}", BEGAN)))
        admit(ward, invented(n), BEGAN)
    for day in range(20):
        for hour in (9, 13, 17):
            at = BEGAN.replace(hour=0) + timedelta(days=day, hours=hour)
            if at <= BEGAN:
                continue
            process_due_deadlines(ward, at)
            batch = [
                home.sends(a_reading(90 if n % 3 == 0 and day > 10 else 97, at=at))
                for n, home in enumerate(homes)
                if not (n % 5 == 0 and day % 4 == 0)
            ]
            take_batch(ward, batch, at)
    write_due(ward, NOON)


def build(out: Path, *more: str) -> str:
    result = CliRunner().invoke(app, ["build", "--out", str(out), *more])
    assert result.exit_code == 0, result.output
    return result.output


def test_an_extract_of_three_weeks(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    said = build(tmp_path / "out")
    assert "a trial, not for release" in said
    assert check(tmp_path / "out") == []
    weeks = pd.read_csv(tmp_path / "out/data/completeness_per_week.csv")
    # Computed by hand: 21 due times a week for each of 30 people, the first day but two of three.
    assert weeks["expected"].tolist()[:2] == [630, 630]
    assert ((weeks["filled_share"] > 0.8) & (weeks["filled_share"] < 1.0)).all()
    alerts = pd.read_csv(tmp_path / "out/data/alerts_per_week.csv")
    red = alerts[(alerts["alert_class"] == "physiological") & (alerts["level"] == "red")]
    assert red["alerts"].tolist() == [0, 10, 0]  # every third of thirty, from day eleven on
    assert red["patient_days"].tolist()[0] == 210
    silent = alerts[alerts["alert_class"] == "missing"]  # six people: too few to be published
    assert silent["alerts"].isna().all()


def test_two_builds_of_one_snapshot_are_the_same_bytes(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    for name in ("one", "other"):
        build(tmp_path / name)

    def whole(folder: Path) -> str:
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()

    assert whole(tmp_path / "one") == whole(tmp_path / "other")


def test_nothing_in_a_package_looks_like_somebody(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    build(tmp_path / "out", "--requested-by", "Uni", "--for", "learning")
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            found = path.read_text()
            assert not UUID.search(found), path.name
            assert not DATE.search(found), path.name
            assert "Invented" not in found
            assert "9990" not in HASH.sub("", found)  # a hash holds any four digits


def test_a_ward_of_one_patient_withholds_all_and_is_still_whole(ward: Ward, tmp_path: Path) -> None:
    home = Home("home-01", add_gateway(ward, "home-01", BEGAN))
    admit(ward, invented(1), BEGAN)
    take_batch(ward, [home.sends(a_reading(90, at=BEGAN))], BEGAN)
    process_due_deadlines(ward, NOON)
    write_due(ward, NOON)
    build(tmp_path / "out")
    for table in TABLES:
        frame = pd.read_csv(tmp_path / f"out/data/{table.name}.csv")
        assert len(frame)
        assert frame[list(table.counts)].isna().all(axis=None), table.name
    assert check(tmp_path / "out") == []


def test_a_release_is_refused_and_leaves_all_as_it_was(ward: Ward, tmp_path: Path) -> None:
    """Until people are protected, and not rows: nothing may be called agreed."""
    three_weeks(ward)
    build(tmp_path / "trial")
    register = (tmp_path / REGISTER).read_bytes()
    agreed = ["--requested-by", "Uni", "--for", "learning", "--agreed-by", "Lead"]
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "out"), *agreed])
    assert result.exit_code == REFUSED
    assert "This version writes trials only." in result.stderr
    assert "Nothing was written" in result.stderr
    assert not (tmp_path / "out").exists()
    assert (tmp_path / REGISTER).read_bytes() == register
    assert check(tmp_path / "trial") == []


def test_no_other_way_than_the_command_writes_a_release(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    extract = views.read_views(views.database_url())
    agreed = Release("Uni", "learning", "Lead")
    with pytest.raises(TrialsOnlyError):
        build_package(extract, tmp_path / "out", POLICIES["midpoint6"], agreed)
    assert not (tmp_path / "out").exists()


def test_a_release_is_refused_before_any_database_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEWARD_EXTRACT_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    agreed = ["--requested-by", "Uni", "--for", "learning", "--agreed-by", "Lead"]
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "out"), *agreed])
    assert "This version writes trials only." in result.stderr


@pytest.mark.parametrize("given", [(), ("--requested-by", "Uni"), ("--agreed-by", "Lead")])
def test_a_trial_says_in_every_place_that_it_is_one(
    ward: Ward, tmp_path: Path, given: tuple[str, ...]
) -> None:
    three_weeks(ward)
    assert "a trial, not for release" in build(tmp_path / "out", *given)
    assert "TRIAL" in (tmp_path / "out/SDC.md").read_text()
    assert "(TRIAL)" in (tmp_path / "out/datapackage.json").read_text()
    [line] = (tmp_path / REGISTER).read_text().splitlines()
    assert '"trial": true' in line


def test_who_asked_for_a_trial_is_written_down(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    build(tmp_path / "out", "--requested-by", "Uni", "--for", "learning")
    [line] = (tmp_path / REGISTER).read_text().splitlines()
    assert '"asked_by": "Uni"' in line
    assert '"purpose": "learning"' in line


def test_the_receipt_of_what_was_agreed_says_who_asked_and_who_agreed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for table in TABLES:
        (tmp_path / f"data/{table.name}.csv").touch()
    agreed = Release("Uni", "learning", "Lead")
    withheld = dict.fromkeys((table.name for table in TABLES), 0)
    receipt = format_receipt(POLICIES["midpoint6"], agreed, withheld, tmp_path)
    assert "Asked for by Uni, for: learning. Agreed by Lead." in receipt
    assert "TRIAL" not in receipt


def test_acknowledged_alerts_are_counted_as_such(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    with ward.sessions() as session:
        rows = session.query(AlertRow).filter(AlertRow.alert_class == "physiological").all()
    for n, row in enumerate(rows):
        deed = Acknowledged(row.id, "nurse-3", row.version)
        act(ward, row.id, deed, f"key-{n:08d}", NOON)
    build(tmp_path / "out")
    alerts = pd.read_csv(tmp_path / "out/data/alerts_per_week.csv")
    physiological = alerts[alerts["alert_class"] == "physiological"]
    assert physiological["acknowledged"].sum() == 10


def test_an_empty_ward_has_its_own_exit_code(ward: Ward, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "out")])
    assert result.exit_code == NOTHING_TO_EXPORT
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_as_it_is(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_view_with_a_column_too_many_is_refused(ward: Ward, tmp_path: Path) -> None:
    with engine_of(ward.sessions).begin() as connection:
        connection.execute(text("DROP VIEW extract_episode"))
        connection.execute(
            text(
                "CREATE VIEW extract_episode AS SELECT id AS episode_id, pathway, admitted_at, "
                "ended_at, birth_year, sex, ethnicity, deprivation_decile, language, mode, "
                "patient_id FROM episode"
            )
        )
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "unlisted column" in result.output


def test_a_package_that_was_changed_fails_its_check(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    build(tmp_path / "out")
    path = tmp_path / "out/data/completeness_per_week.csv"
    path.write_text(path.read_text().replace("630", "631"))
    result = CliRunner().invoke(app, ["check", str(tmp_path / "out")])
    assert result.exit_code == CHECK_FAILED
    assert "is not what it was" in result.output


def test_a_build_that_is_killed_leaves_nothing_half(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    command = [str(Path(sys.executable).with_name("evaluation-export")), "build", "--out"]
    for n in range(4):
        out = tmp_path / f"killed-{n}"
        process = subprocess.Popen([*command, str(out)], env=os.environ, stdout=subprocess.DEVNULL)
        time.sleep(0.4 + 0.3 * n)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert not out.exists() or check(out) == []


def test_there_is_no_database_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_EXTRACT_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "no ward's database" in result.output


def test_it_finds_the_ward_that_the_launcher_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EXTRACT_DATABASE_URL", "DATABASE_URL", "DATA_DIR"):
        monkeypatch.delenv(f"HOMEWARD_{name}", raising=False)
    monkeypatch.setenv("HOMEWARD_HOME", str(tmp_path))
    assert views.database_url() == f"sqlite:///{tmp_path}/homeward-data/ward/ward.db"


@pytest.mark.parametrize("plain", ["postgres://", "postgresql://"])
def test_it_knows_a_database_by_each_name_that_the_ward_knows_it_by(plain: str) -> None:
    assert views._with_driver(f"{plain}database/ward") == "postgresql+psycopg://database/ward"


def test_a_place_that_cannot_be_written_is_refused_in_a_sentence(
    ward: Ward, tmp_path: Path
) -> None:
    three_weeks(ward)
    (tmp_path / "file").touch()
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "file" / "out")])
    assert result.exit_code == REFUSED, result.exception
    assert result.stderr.endswith("Not a directory. Nothing was written.\n")


def test_what_cannot_be_registered_is_not_kept(ward: Ward, tmp_path: Path) -> None:
    three_weeks(ward)
    (tmp_path / REGISTER).mkdir()
    result = CliRunner().invoke(app, ["build", "--out", str(tmp_path / "out")])
    assert result.exit_code == REFUSED, result.exception
    assert result.stderr.endswith("Nothing was kept.\n")
    assert not (tmp_path / "out").exists()
