"""Plans go out when something that they say has changed, once, and until a broker has them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.factories import COH, NOON, Home, a_home, a_reading, a_ward, an_admission, minutes
from ward_service.contract.envelope import Envelope, EnvelopeError
from ward_service.contract.messages import topic
from ward_service.contract.plan import Plan
from ward_service.contract.vocabulary import EndReason, PauseReason
from ward_service.domain.inputs import Ended, LimitsChanged, Paused, ZoneChanged
from ward_service.domain.plan import read_plan, rules_of
from ward_service.enrolment.enrolment import add_gateway, revoke
from ward_service.errors import StorageDownError
from ward_service.homes import plans
from ward_service.homes.in_flight import LOST_AFTER_S
from ward_service.homes.plans import PlanSender
from ward_service.homes.wire import SignedMessage
from ward_service.pipeline import take_batch
from ward_service.stays.acts import act_on_stay
from ward_service.stays.admission import admit
from ward_service.store.connect import engine_of
from ward_service.store.plans import limits_then
from ward_service.store.tables.homes import GatewayRow, PlanRow, PlanSentRow
from ward_service.store.tables.stays import EpisodeRow, SignatureRow
from ward_service.ward import Ward


@dataclass
class FakeSent:
    taken: bool

    def is_published(self) -> bool:
        return self.taken


@dataclass
class FakeWire:
    """A broker that takes what it is given, unless it is away."""

    away: bool = False
    given: list[SignedMessage] = field(default_factory=list)
    sent: list[FakeSent] = field(default_factory=list)

    def publish(self, messages: Iterable[SignedMessage]) -> Sequence[FakeSent]:
        some = list(messages)
        self.given += some
        mine = [FakeSent(not self.away) for _ in some]
        self.sent += mine
        return mine

    def plans(self) -> list[Plan]:
        """Return what has come since the last call, in order."""
        some, self.given = self.given, []
        return [read_plan(message.payload) for message in some]


@dataclass
class House:
    ward: Ward
    wire: FakeWire
    post: PlanSender
    home: Home

    def beats(self) -> list[Plan]:
        """Let ingest look twice, as it does every second: what was sent, and noted as such."""
        self.post.deliver(self.wire, NOON)
        self.post.deliver(self.wire, NOON)
        return self.wire.plans()

    def restarts(self) -> None:
        """A process that remembers nothing but the database."""
        self.post = PlanSender(self.ward)

    def stay(self) -> EpisodeRow:
        with self.ward.sessions() as session:
            return session.scalars(
                select(EpisodeRow).order_by(EpisodeRow.admitted_at.desc())
            ).all()[0]

    def does(self, deed: Any, key: str = "k") -> None:
        act_on_stay(self.ward, self.stay().id, deed, key, NOON)

    def row(self) -> PlanRow:
        with self.ward.sessions() as session:
            return session.get_one(PlanRow, (self.home.gateway, 1))


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    ward = a_ward(tmp_path, database_url)
    home = a_home(ward)
    yield House(ward, FakeWire(), PlanSender(ward), home)
    engine_of(ward.sessions).dispose()


def limits(**parameters: float) -> LimitsChanged:
    return LimitsChanged("nurse", "as agreed", parameters)


# What makes a plan go out


def test_an_admission_sends_a_plan_retained_and_signed_with_the_gateways_key(house: House) -> None:
    house.post.deliver(house.wire, NOON)
    [message] = house.wire.given
    assert message.topic == topic("home-01", "plans", 1)
    assert message.retain
    payload = message.payload
    read = Envelope.read(message.topic, message.properties, b"", payload, house.home.key)
    assert read.slot == 1
    elsewhere = topic("home-01", "plans", 2)
    with pytest.raises(EnvelopeError):
        Envelope.read(elsewhere, message.properties, b"", payload, house.home.key)
    with pytest.raises(EnvelopeError):
        Envelope.read(message.topic, message.properties, b"", payload, b"another gateway's key" * 2)
    plan = read_plan(payload)
    assert plan.care is not None
    assert (plan.care.pathway, plan.care.use, plan.care.signed) == (
        COH.name,
        "demo",
        False,
    )
    assert house.beats() == [plan]  # the first look had not yet noted it; sent is sent
    assert house.beats() == []


def test_no_identity_is_in_a_plan(house: House) -> None:
    [plan] = house.beats()
    admission = an_admission()
    said = plan.model_dump_json()
    for identity in ("Invented", "Pat", admission.nhs_number, "1950", "07700", "female"):
        assert identity not in said


def test_changed_limits_send_a_plan_with_a_higher_number(house: House) -> None:
    [first] = house.beats()
    house.does(limits(red_max=90, amber_max=93))
    [second] = house.beats()
    assert second.number > first.number
    _, own = rules_of(second)
    assert (own.get("red_max"), own.number) == (90, 2)
    assert house.beats() == []


def test_what_a_plan_does_not_say_sends_none(house: House) -> None:
    house.beats()
    take_batch(house.ward, [house.home.sends(a_reading(91)), house.home.sends(a_reading(97))], NOON)
    house.does(Paused("nurse", PauseReason.OTHER, NOON + minutes(300)))
    assert house.beats() == []


def test_another_zone_sends_a_plan(house: House) -> None:
    house.beats()
    house.does(ZoneChanged("nurse", "moved", "Atlantic/Azores"))
    [plan] = house.beats()
    assert plan.care is not None
    assert plan.care.zone == "Atlantic/Azores"


def test_the_end_of_a_stay_sends_a_plan_that_has_ended_and_a_new_holder_a_new_one(
    house: House,
) -> None:
    [first] = house.beats()
    house.does(Ended("nurse", EndReason.WITHDREW, "told us", "yes", True))
    [ended] = house.beats()
    assert (ended.ended, ended.care) == (True, None)
    admit(house.ward, an_admission(), NOON + minutes(1))
    [third] = house.beats()
    assert third.care is not None
    assert first.number < ended.number < third.number
    assert third.care.since == NOON + minutes(1)


def test_a_signature_and_another_use_of_the_ward_send_plans(house: House) -> None:
    [first] = house.beats()
    with house.ward.unit_of_work() as store:
        version = store.pathways.get(COH.id, COH.version)
        assert version is not None
        row = SignatureRow(
            pathway_id=version.id,
            version=COH.version,
            sha256=version.sha256,
            lead="An Invented Lead",
            role="lead",
            signed_at=NOON,
        )
        store.add(row)
    [signed] = house.beats()
    assert first.care is not None
    assert signed.care is not None
    assert (first.care.signed, signed.care.signed) == (False, True)
    assert "Lead" not in signed.model_dump_json()
    admit(house.ward, an_admission(slot=2), NOON)  # whoever comes later is told so at once
    [other] = house.beats()
    assert other.care is not None
    assert other.care.signed
    house.restarts()
    assert house.beats() == []
    house.ward.settings = house.ward.settings.model_copy(update={"use": "shadow"})
    house.restarts()
    assert {plan.care.use for plan in house.beats() if plan.care} == {"shadow"}


# Once, and until a broker has it


def test_a_ward_that_dies_before_a_broker_has_the_plan_sends_the_same_again(house: House) -> None:
    house.wire.away = True
    [first] = house.beats()
    house.restarts()
    [again] = house.beats()
    assert again == first
    house.wire.away = False
    house.restarts()
    assert house.beats() == [first]
    house.restarts()
    assert house.beats() == []


def test_what_no_broker_takes_goes_again_after_a_while_and_not_every_second(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.wire.away = True
    mono = [100.0]
    monkeypatch.setattr("ward_service.homes.in_flight.time.monotonic", lambda: mono[0])
    assert len(house.beats()) == 1
    mono[0] += LOST_AFTER_S - 1
    assert house.beats() == []
    mono[0] += 1
    assert len(house.beats()) == 1


def test_a_change_while_a_plan_is_on_its_way_is_sent_after_it(house: House) -> None:
    house.wire.away = True
    [first] = house.beats()
    house.does(limits(red_max=90))
    assert house.beats() == []  # the first one is still on its way
    house.wire.sent[-1].taken = True
    house.wire.away = False
    [second] = house.beats()
    assert second.number > first.number
    assert house.beats() == []


def test_one_stay_whose_plan_cannot_be_made_keeps_no_plan_from_the_others(house: House) -> None:
    add_gateway(house.ward, "home-02", NOON)
    admit(house.ward, an_admission("home-02"), NOON)
    broken = house.stay().id
    with house.ward.sessions.begin() as session:
        session.execute(update(EpisodeRow).where(EpisodeRow.id == broken).values(state={"zone": 3}))
    assert len(house.beats()) == 1
    assert house.beats() == []


def test_brokers_forget_the_plan_of_a_revoked_gateway_which_is_sent_no_other(house: House) -> None:
    [first] = house.beats()
    assert first.care
    revoke(house.ward, "home-01")
    house.restarts()
    house.post.deliver(house.wire, NOON)
    [cleared] = house.wire.given
    assert (cleared.topic, cleared.payload, cleared.properties, cleared.retain) == (
        topic("home-01", "plans", 1), b"", [], True,
    )  # fmt: skip
    house.post.deliver(house.wire, NOON)
    assert house.row().asked == house.row().sent
    assert len(house.wire.given) == 1, "and is not cleared for ever"
    house.does(limits(red_max=90))
    house.post.deliver(house.wire, NOON)
    assert {message.payload for message in house.wire.given} == {b""}


def test_the_plan_of_a_revoked_gateway_is_cleared_though_its_key_is_still_remembered(
    house: House,
) -> None:
    house.beats()
    with house.ward.sessions.begin() as session:  # another process did it, a moment ago
        session.execute(update(GatewayRow).values(revoked_at=NOON))
    assert house.ward.key_of("home-01")
    send_again(house.ward, "home-01")
    house.post.deliver(house.wire, NOON)
    assert [message.payload for message in house.wire.given] == [b""]


# A gateway that comes online


def send_again(ward: Ward, gateway_id: str, held: dict[int, int] | None = None) -> None:
    """What is done when a gateway comes online that says it holds these plans (slot: number)."""
    with ward.unit_of_work() as store:
        store.plans.want_again(gateway_id, held or {})


def test_a_gateway_that_comes_online_is_sent_what_it_does_not_hold(house: House) -> None:
    [first] = house.beats()
    send_again(house.ward, "home-01", {1: first.number})
    assert house.beats() == []
    send_again(house.ward, "home-01", {1: first.number - 1})
    assert house.beats() == [first]
    send_again(house.ward, "home-01")
    assert house.beats() == [first]


def test_a_restored_backup_strands_no_home(house: House) -> None:
    [first] = house.beats()
    with house.ward.sessions() as session:
        backup = {
            "number": session.get_one(PlanRow, ("home-01", 1)).number,
            "sha256": session.get_one(PlanRow, ("home-01", 1)).sha256,
        }
        state = session.scalars(select(EpisodeRow)).one().state
    house.does(limits(red_max=90))
    [second] = house.beats()
    with house.ward.sessions.begin() as session:  # yesterday's database comes back
        session.execute(update(PlanRow).values(**backup, asked=1, sent=1))
        session.execute(update(EpisodeRow).values(state=state))
        session.execute(
            PlanSentRow.__table__.delete().where(PlanSentRow.number == second.number)  # type: ignore[attr-defined]
        )
    house.restarts()
    assert house.beats() == []
    # What is changed from now on has a number above all that homes hold.
    send_again(house.ward, "home-01", {1: second.number})
    [third] = house.beats()
    assert third.number > second.number > first.number
    assert third.care == first.care


def test_a_number_is_no_lower_than_the_seconds_of_real_time(house: House) -> None:
    before = int(house.ward.clock.wall().timestamp())
    [first] = house.beats()
    assert before <= first.number <= before + 60
    with house.ward.sessions.begin() as session:  # a clock that once ran ahead by years
        session.execute(update(PlanRow).values(number=first.number + 10**9))
    house.does(limits(red_max=90))
    [second] = house.beats()
    assert second.number == first.number + 10**9 + 1


# Many homes, and a database that is away


def test_homes_that_have_their_plans_are_not_looked_at(house: House) -> None:
    """What is asked every second reads an index in which only homes that wait stand."""
    house.beats()
    if house.ward.settings.database_url.startswith("sqlite"):
        with house.ward.sessions() as session:
            explained = session.connection().exec_driver_sql(
                "EXPLAIN QUERY PLAN SELECT slot FROM plan WHERE asked > sent LIMIT 1"
            )
            assert "ix_plan_to_send" in str(explained.all())
    house.ward.pathways.clear()  # making a plan, or framing one, would not find its pathway
    assert house.beats() == []


def test_more_than_one_look_can_take_are_sent_in_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "AT_ONCE", 2)
    for slot in range(2, 6):
        admit(house.ward, an_admission(slot=slot), NOON)
    assert len(house.beats()) == 4
    assert len(house.beats()) == 1


def test_a_database_that_is_away_is_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: bool) -> None:
        raise StorageDownError("down")

    with monkeypatch.context() as patched:
        patched.setattr(type(house.ward), "unit_of_work", lambda _, **__: away())
        assert house.beats() == []
    assert len(house.beats()) == 1


def test_what_a_home_was_sent_is_kept_by_its_number(house: House) -> None:
    [first] = house.beats()
    house.does(limits(red_max=90))
    [second] = house.beats()
    with house.ward.unit_of_work(read_only=True) as store:
        found = store.plans.sent([("home-01", 1, first.number), ("home-01", 1, second.number)])
        own = {number: limits_then(row) for (_, _, number), row in found.items()}
    assert [own[plan.number].get("red_max") for plan in (first, second)] == [92, 90]
