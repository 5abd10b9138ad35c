"""R4: two workers killed a hundred times under a thousand due steps.

None missed, none delivered twice after the idempotency key. The alerts are the ledger: each has
four steps that fall due, whatever the system believes.
Source: docs/reference/brokers-and-databases.md#faults, #deadlines-as-rows, #outbox.
"""

import os
import secrets
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest
import yaml
from sqlalchemy import select, text

from tests.factories import NOON, a_home, a_reading, a_ward, minutes
from tests.fakes.doors import WebhookReceiver
from tests.services import PostgreSQL
from ward_service import worker
from ward_service.contract.clock import VARIABLE, Clock, demo_clock, real_clock
from ward_service.contract.vocabulary import Channel
from ward_service.notify.outbox import LINES
from ward_service.pathways.load import SHIPPED
from ward_service.pipeline import take_batch
from ward_service.store.connect import connect, engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.messages import RosterRow
from ward_service.ward import Ward

STEPS = range(1, 5)  # each calls a role of its own, so that no later call says the same
EVERY, SPREAD = minutes(15), minutes(13)  # alerts open all the while, so that steps fall due so
BEGINS = NOON + minutes(14)  # when the workers begin to live: just before the first step is due
ENDS = NOON + SPREAD + EVERY * STEPS[-1]
BATCH = 10  # alerts that open at one moment
DRAINED_WITHIN_S = 90.0
SEED = 4
TIMEOUT_S = 1.0  # of the webhook; a lease is twice as long


def write_pathway(folder: Path) -> None:
    """The shipped pathway, with a longer red ladder."""
    pathway = yaml.safe_load((SHIPPED / "covid-oximetry-at-home.yaml").read_text())
    pathway["roles"] |= {f"doctor_{n}": f"doctor {n} of the ward" for n in STEPS}
    ladder = pathway["ladders"]["monitored"]["red"]
    ladder["repeat_every"]["is"] = "24 h"
    ladder["steps"][1:] = [
        {
            "after": {"is": f"{n * EVERY.seconds // 60} min", "source": "invented for a test"},
            "in_hours": [{"to": f"doctor_{n}", "by": "agreed", "text": "call.red"}],
            "out_of_hours": [{"to": f"doctor_{n}", "by": "agreed", "text": "call.red"}],
        }
        for n in STEPS
    ]
    folder.mkdir()
    (folder / "long-ladder.yaml").write_text(yaml.safe_dump(pathway, allow_unicode=True))


def furnish(ward: Ward, receiver: WebhookReceiver, stays: int) -> dict[str, timedelta]:
    """Open a red alert for each of many people; return the wanted keys, and when each is due.

    The nurse, who is called when an alert opens, looks at the ward list and is served at once.
    """
    since = NOON - minutes(60)
    by = {"channel": Channel.WEBHOOK, "address": receiver.url, "since": since}
    nurse = RosterRow(role="ward_nurse", channel=Channel.SCREEN, address="", since=since)
    with ward.unit_of_work() as store:
        store.add(nurse, *(RosterRow(role=f"doctor_{n}", **by) for n in STEPS))
    homes = [a_home(ward, f"home-{n:03d}", since) for n in range(stays)]
    for n in range(0, stays, BATCH):
        at = NOON + SPREAD * (n / stays)
        reds = [home.sends(a_reading(88, at=at)) for home in homes[n : n + BATCH]]
        take_batch(ward, reds, at)
    worker.tick(ward, BEGINS)  # nobody has repeated their reading
    with ward.sessions() as session:
        alerts = session.scalars(select(AlertRow).where(AlertRow.level == "red")).all()
    assert len(alerts) == stays
    return {
        f"{row.id}:1:{n}:doctor_{n}": row.opened_at + n * EVERY - BEGINS
        for row in alerts
        for n in STEPS
    }


def survive(folder: Path, url: str, kills: int, steps: int, speed: float) -> None:
    receiver = WebhookReceiver(takes_s=0.002)
    secret = folder / "webhook-secret"
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_hex(32))
    write_pathway(folder / "pathways")
    ward = a_ward(folder / "ward", url, folder / "pathways")
    wanted = furnish(ward, receiver, steps // len(STEPS))
    engine_of(ward.sessions).dispose()
    assert len(wanted) == steps
    clock = demo_clock(real_clock().wall(), BEGINS, speed)
    environment = {
        "HOMEWARD_DATA_DIR": str(folder / "ward"),
        "HOMEWARD_DATABASE_URL": url,
        "HOMEWARD_PATHWAYS_DIR": str(folder / "pathways"),
        "HOMEWARD_USE": "demo",
        "HOMEWARD_WEBHOOK_SECRET_FILE": str(secret),
        "HOMEWARD_WEBHOOK_TIMEOUT_S": str(TIMEOUT_S),
        VARIABLE: clock.word(),
    }
    lasts_s = (ENDS - BEGINS).total_seconds() / speed
    command = ["-m", "tests.journeys.lives", str(kills), str(lasts_s), str(SEED)]
    with (folder / "lives.log").open("wb") as log:
        lives = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **environment},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert lives.stdin
    assert lives.stdout
    try:
        said = lives.stdout.readline()
        assert said == b"done\n", (folder / "lives.log").read_text()[-2_000:]
        done = monotonic()
        while set(wanted) - set(receiver.keys) and monotonic() < done + DRAINED_WITHIN_S:
            sleep(0.1)
        drained_s = monotonic() - done
    finally:
        lives.stdin.close()
        lives.wait(10)
        lives.stdout.close()
        receiver.close()
    counted = Counter(receiver.keys)
    missed = set(wanted) - set(counted)
    twice = sum(counted[key] - 1 for key in counted)
    late = lateness(receiver, wanted, clock)
    print(
        f"{url.partition(':')[0]}: {kills} kills, {steps} steps fell due: {len(missed)} missed, "
        f"{twice} twice at the wire, 0 after the key; "
        f"p50 {late[len(late) // 2]:.2f} s, p99 {late[int(len(late) * 0.99)]:.2f} s after they "
        f"were due; drained {drained_s:.1f} s after the last kill"
    )
    assert missed == set()
    assert twice <= kills * LINES
    assert set(counted) == set(wanted)
    assert_no_step_was_taken_twice(url)


def lateness(receiver: WebhookReceiver, wanted: dict[str, timedelta], clock: Clock) -> list[float]:
    """How many real seconds after it was due each step first reached somebody."""
    first = {post.key: post.at for post in reversed(receiver.posts)}
    began = clock.real_began.timestamp()
    return sorted(
        first[key] - began - due.total_seconds() / clock.speed
        for key, due in wanted.items()
        if key in first
    )


def assert_no_step_was_taken_twice(url: str) -> None:
    """Not under another key either: each step is one row, one line of the ledger, one call."""
    sessions = connect(url)
    with sessions() as session:
        taken = session.scalar(text("SELECT count(*) FROM timer WHERE taken_at IS NOT NULL"))
        called = session.scalar(text("SELECT count(*) FROM ledger WHERE what = 'called'"))
        messages = session.scalar(text("SELECT count(*) FROM message"))
    engine_of(sessions).dispose()
    assert taken == called == messages


def test_a_hundred_kills_under_a_thousand_steps_over_postgresql(
    tmp_path: Path, postgres_server: PostgreSQL, request: pytest.FixtureRequest
) -> None:
    url = postgres_server.new_database()
    request.addfinalizer(lambda: postgres_server.drop_database(url))
    survive(tmp_path, url, kills=100, steps=1_000, speed=180)


def test_kills_over_sqlite(tmp_path: Path) -> None:
    survive(tmp_path, f"sqlite:///{tmp_path / 'ward.db'}", kills=40, steps=200, speed=450)
