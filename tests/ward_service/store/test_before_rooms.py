"""A ward of before the code moved opens, judges, climbs its ladders and replays as it did.

The database was made by the program of commit 2259444 (`tests/fixtures/make_before_rooms.py`). Its
stays keep the versions under which they were admitted, whatever is shipped by now.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from tests.factories import minutes
from tests.fixtures.before_rooms.ward import (
    END,
    HOURS,
    REPLAYED,
    SHIPPED_THEN,
    fetch,
    go_on,
    golden,
    id_of,
    ledger,
    moment,
    names,
    of_the_rules,
    open_old_ward,
    replay_ledger,
    replay_of,
    run_command,
    unpack,
)
from ward_service.store.alerts import alerts_of_ledger
from ward_service.store.connect import engine_of
from ward_service.ward import Ward

# What must be in it, or it shows too little: (table, what to count, at least).
RICH = (
    ("alert", "state = 'provisional'", 1),
    ("alert", "state = 'open'", 5),
    ("alert", "state = 'acknowledged'", 2),
    ("alert", "state = 'resolved'", 5),
    ("alert", "state = 'withdrawn'", 2),
    ("alert", "alert_class = 'symptom'", 2),
    ("alert", "alert_class = 'technical'", 5),
    ("act", "kind = 'Acknowledged'", 5),
    ("act", "kind = 'ContactMade'", 3),
    ("act", "kind = 'Resolved'", 5),
    ("act", "kind = 'LimitsChanged'", 4),
    ("act", "kind = 'ZoneChanged'", 1),
    ("act", "kind = 'Paused'", 1),
    ("act", "kind = 'Ended'", 2),
    ("act", "refused <> ''", 1),
    ("reading", "pathway = 'covid-oximetry-at-home@2'", 400),
    ("reading", "pathway = 'covid-virtual-ward@1'", 5),
    ("reading", "pathway = 'copd-88-92@101'", 5),
    ("reading", "source = 'staff_phone'", 2),
    ("reading", "source = 'paper'", 3),
    ("reading", "late", 1),
    ("reading", "time_doubtful", 1),
    ("reading", "doubtful", 1),
    ("reading", "context = 'exertion'", 1),
    ("reading", "payload LIKE '%interval_s%'", 1),
    ("quarantine", "times > 1", 1),
    ("quarantine", "episode_id IS NULL", 1),
    ("stream", "told_upto > upto", 1),
    ("plan", "asked > sent", 1),
    ("plan", "asked = sent AND number > 0", 5),
    ("plan_sent", "limits IS NOT NULL", 20),
    ("message", "sent_at IS NULL AND stopped_at IS NULL AND given_up_at IS NULL", 5),
    ("message", "sent_at IS NOT NULL", 1),
    ("task", "done_at IS NULL", 5),
    ("task", "done_at IS NOT NULL", 1),
    ("door", "revoked_at IS NULL", 3),
    ("door", "revoked_at IS NOT NULL", 1),
    ("gateway", "revoked_at IS NOT NULL", 1),
    ("invitation", "used_at IS NULL", 2),
    ("slot", "until IS NOT NULL", 2),
    ("signature", "lead = 'Dr Invented-Lead'", 2),
    ("home_status", "online", 3),
    ("home_trouble", "about <> ''", 3),
    ("ignored_status", "times > 0", 1),
    ("seen", "seen_by <> ''", 1),
    ("account", "username <> ''", 2),
    ("session", "username <> ''", 1),
    ("roster", "tested_at IS NOT NULL", 3),
    ("blind", "id > 0", 1),
    ("due", "due_at IS NOT NULL", 100),
    ("heartbeat", "stage <> ''", 3),
)


@pytest.fixture
def ward(tmp_path: Path, empty_database_url: str) -> Iterator[Ward]:
    opened = open_old_ward(tmp_path / "ward", empty_database_url)
    yield opened
    engine_of(opened.sessions).dispose()


def count(ward: Ward, table: str, where: str) -> int:
    [row] = fetch(ward, f"SELECT count(*) AS n FROM {table} WHERE {where}")  # noqa: S608
    return cast(int, row["n"])


def test_it_opens_and_holds_what_it_held(ward: Ward) -> None:
    few = [
        (table, where, found)
        for table, where, least in RICH
        if (found := count(ward, table, where)) < least
    ]
    assert few == []
    reasons = {row["reason"] for row in fetch(ward, "SELECT reason FROM quarantine")}
    assert reasons >= {
        "not JSON",
        "mac does not match",
        "nobody has this slot",
        "nobody said whose it was",
        "another message with this id was kept before",
    }


def test_the_pathways_are_there_word_for_word_and_stays_keep_theirs(ward: Ward) -> None:
    rows = fetch(ward, "SELECT id, version, sha256, text FROM pathway_version")
    held = {f"{row['id']}@{row['version']}": row["sha256"] for row in rows}
    assert held.items() >= SHIPPED_THEN.items()
    assert "copd-88-92@101" in held
    assert all(f"version: {row['version']}\n" in row["text"] for row in rows)
    under = {row["pathway"] for row in fetch(ward, "SELECT DISTINCT pathway FROM episode")}
    assert under == {"covid-oximetry-at-home@2", "covid-virtual-ward@1", "copd-88-92@101"}
    assert under <= ward.pathways.keys()


def test_a_replay_writes_the_ledger_that_was_written_then(ward: Ward) -> None:
    again = list(replay_ledger(ward))
    assert again == golden("replayed.txt")
    assert again == of_the_rules(ledger(ward))


def test_the_alerts_come_out_of_the_ledger_alone(ward: Ward) -> None:
    def change_of(row: dict[str, Any]) -> dict[str, Any] | None:
        return cast(
            dict[str, Any] | None,
            json.loads(row["change"]) if isinstance(row["change"], str) else row["change"],
        )

    lines = fetch(ward, "SELECT alert_id, change FROM ledger ORDER BY id")
    of_ledger = alerts_of_ledger(
        (id_of(row["alert_id"]) if row["alert_id"] else None, change_of(row)) for row in lines
    )
    rows = fetch(ward, "SELECT id, state, level, version, opened_at, findings FROM alert")
    assert len(of_ledger) == len(rows)
    for row in rows:
        alert, found = of_ledger[id_of(row["id"])], row["findings"]
        assert (alert.state, alert.level, alert.version) == (
            row["state"],
            row["level"],
            row["version"],
        )
        assert moment(alert.opened_at) == moment(row["opened_at"])
        found = json.loads(found) if isinstance(found, str) else found
        assert [one.finding.words for one in alert.findings] == [
            one["finding"]["words"] for one in found
        ]


def test_it_go_on_as_it_would_have(ward: Ward) -> None:
    """The board in its order, a reading of every stay judged, silence and ladders, the board."""
    assert list(go_on(ward)) == golden("went_on.txt")
    until = END + minutes(60 * HOURS[-1])
    assert list(replay_ledger(ward, until)) == of_the_rules(ledger(ward))


def test_every_stay_was_judged(ward: Ward) -> None:
    """The golden text itself is whole: nothing in it was lost when it was made."""
    lines = golden("went_on.txt")
    judged = {line.split(" | ")[1] for line in lines if line.startswith("judged")}
    staying = fetch(ward, "SELECT episode_id FROM slot WHERE until IS NULL")
    who = names(ward)
    assert judged == {who[id_of(row["episode_id"])] for row in staying}


@pytest.mark.parametrize("candidate", REPLAYED)
def test_the_command_replays_a_version_over_it(
    tmp_path: Path, empty_database_url: str, candidate: str
) -> None:
    unpack(tmp_path / "ward", empty_database_url)
    said = run_command(tmp_path / "ward", empty_database_url, "migrate")
    assert said == "The database is at the newest schema.\n"
    said = run_command(tmp_path / "ward", empty_database_url, *replay_of(candidate))
    assert json.loads(said) == json.loads("\n".join(golden(f"replay-{candidate}.json")))
