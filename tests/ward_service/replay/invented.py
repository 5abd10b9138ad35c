"""A ward full of invented people, lived through the real pipeline: late, doubtful, twice, silent.

Everything comes of one seed. Nobody here exists.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from uuid import UUID

from sqlalchemy import select

from tests.factories import NOON, Home, an_admission, minutes
from ward_service.contract.ids import derived_id
from ward_service.contract.messages import Answer, Observation, Reading, Trace, Trouble
from ward_service.contract.vocabulary import (
    AlertOutcome,
    Channel,
    Context,
    EndReason,
    Mode,
    PauseReason,
    Quality,
    Source,
    Speaker,
    TroubleCode,
    Vital,
)
from ward_service.domain.inputs import (
    Acknowledged,
    ContactMade,
    Ended,
    LimitsChanged,
    Paused,
    Resolved,
    StayAct,
    Unpaused,
    ZoneChanged,
)
from ward_service.enrolment.enrolment import add_gateway
from ward_service.entry.record import record_diary, record_reading
from ward_service.errors import WardError
from ward_service.homes.watch import look_at_gaps
from ward_service.ingest.message import ArrivedMessage
from ward_service.pipeline import dispatch_batch, process_due_deadlines
from ward_service.stays.acts import act, act_on_stay
from ward_service.stays.admission import admit
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.runtime import BlindRow
from ward_service.ward import Ward

HOURS = (8.5, 12.75, 16.9)  # about when people measure, in UTC
ENDED = ("resolved", "withdrawn")


@dataclass
class Person:
    """Somebody invented, their home, and how they are."""

    home: Home
    episode_id: UUID
    usual: float
    diligence: float
    spo2: float = 97.0


@dataclass
class Life:
    """A ward that is lived through, minute by minute, with a seed."""

    ward: Ward
    seed: int
    people: list[Person] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.now = NOON
        self.numbers = count(1)

    def admit(self, how_many: int) -> None:
        for n in range(how_many):
            gateway = f"home-{self.seed}-{n:03d}"
            home = Home(gateway, add_gateway(self.ward, gateway, self.now))
            onset = self.now.date() - timedelta(days=self.random.randrange(0, 6))
            given = an_admission(gateway, n=self.seed * 200 + n + 1).model_copy(
                update={
                    "symptom_onset_date": onset,
                    "mode": self.random.choice(
                        [Mode.MONITORED, Mode.MONITORED, Mode.SELF_ESCALATE]
                    ),
                    "sex": self.random.choice(["female", "male", "unknown"]),
                    "ethnicity": self.random.choice(["A", "N", None]),
                    "deprivation_decile": self.random.choice([1, 2, 5, 10, None]),
                    "zone": self.random.choice([*18 * [None], "Europe/Lisbon", "Europe/Dublin"]),
                    "usual_spo2": self.random.choice([None, 96, 98]),
                }
            )
            at = self.now + minutes(self.random.randrange(0, 600))
            admitted = admit(self.ward, given, at)
            person = Person(
                home,
                admitted.episode_id,
                usual=self.random.choice([*8 * [98], 97, 97, 96, 94]),
                diligence=self.random.choice([*14 * [0.999], 0.97, 0.7]),
            )
            self.people.append(person)

    def live(self, days: int) -> datetime:
        """Live through so many days; return up to when everything was looked at."""
        self.now += timedelta(hours=10)
        end = self.now + timedelta(days=days)
        blind_at = self.now + timedelta(days=days * self.random.random() * 0.8)
        waiting = self._sent(self.now, end)
        while self.now < end:
            self.now += minutes(self.random.choice([20, 75, 80, 90]))
            if self.now > blind_at:
                self._be_blind()
                blind_at = end + timedelta(days=1)
            batch = []
            while waiting and waiting[0][0] <= self.now:
                batch.append(waiting.pop(0)[1])
            if batch:
                self.random.shuffle(batch)
                dispatch_batch(self.ward, batch, self.now)
            if self.random.random() < 0.4:
                self._tick(self.now)
            self._people_act()
            self._somebody_types()
        self.now += timedelta(hours=1)
        self._tick(self.now)
        return self.now

    def _tick(self, now: datetime) -> None:
        while process_due_deadlines(self.ward, now, 1_000) == 1_000:
            pass
        look_at_gaps(self.ward, now)

    def _be_blind(self) -> None:
        """The ward was down for hours; on starting it waits a little for what homes hold."""
        since = self.now
        self.now += timedelta(hours=self.random.choice([1, 5, 9]))
        grace = self.now + minutes(15)
        with self.ward.unit_of_work() as store:
            store.runtime.note_blindness(
                BlindRow(blind_from=since, blind_until=self.now, grace_until=grace)
            )
        for n in range(2, 31, 2):  # the worker looks often
            self._tick(self.now + minutes(n / 2) - timedelta(milliseconds=1))
        self.now = grace

    def _sent(self, since: datetime, until: datetime) -> list[tuple[datetime, ArrivedMessage]]:
        """Return what homes send, by the moment when it arrives."""
        sent: list[tuple[datetime, ArrivedMessage]] = []
        for person in self.people:
            day = since.replace(hour=0, minute=0)
            while day < until:
                for hour in HOURS:
                    at = day + timedelta(hours=hour + self.random.gauss(0, 0.3))
                    if since < at < until and self.random.random() < person.diligence:
                        sent += self._readings(person, at)
                day += timedelta(days=1)
        return sorted(sent, key=lambda one: one[0])

    def _readings(self, person: Person, at: datetime) -> list[tuple[datetime, ArrivedMessage]]:
        random, home = self.random, person.home
        arrives = at + minutes(random.expovariate(1))
        chance = random.random()
        if chance < 0.03:
            arrives += timedelta(hours=random.choice([1, 4, 20]))  # it was in the spool
        if 0.055 < chance < 0.06:
            home.sends(self._reading(person, at))  # it was lost, and only its number is missing
            return [(arrives, self._status(home, at))]
        if 0.06 < chance < 0.0605:
            reading = self._reading(person, at)
            body = reading.model_dump_json(exclude_defaults=True).encode()
            return [(arrives, home.sends_bytes(body, reading.reading_id, at, claimed=False))]
        if chance > 0.999:
            id_ = self._id(at, "broken")
            message = home.sends_bytes(random.choice([b"not json", b"[]", b"{}"]), id_, at)
            return [(arrives, message), (arrives + minutes(random.randrange(900)), message)]
        if chance > 0.985:
            trace = self._trace(person, at)
            payload = trace.model_dump_json(exclude_defaults=True).encode()
            return [(arrives, home.sends_bytes(payload, trace.reading_id, at))]
        reading = self._reading(person, at)
        message = home.sends(reading)
        found = [(arrives, message)]
        if random.random() < 0.03:
            found.append((arrives + minutes(random.randrange(0, 600)), message))  # sent again
        low = any(o.vital is Vital.SPO2 and o.value <= 94 for o in reading.observations)
        if low and random.random() < 0.6:
            again = at + minutes(random.choice([0.5, 2, 4, 8, 50]))
            found.append((again + minutes(0.2), home.sends(self._reading(person, again))))
        if random.random() < 0.05:
            after = self._reading(person, at + minutes(5), rest=reading.reading_id)
            found.append((arrives + minutes(5), home.sends(after)))
        return found

    def _status(self, home: Home, at: datetime) -> ArrivedMessage:
        """What a home says of itself, with something wrong in it, which comes and goes."""
        code = self.random.choice([TroubleCode.BATTERY_LOW, TroubleCode.DEVICE_FAILING])
        device = self.random.choice(["Nonin 3230", ""])
        wrong = Trouble(code=code, device=device, count=self.random.randrange(5))
        return home.is_online(at, troubles=self.random.choice([(), (wrong,)]))

    def _reading(self, person: Person, at: datetime, rest: UUID | None = None) -> Reading:
        random = self.random
        change = random.choice([-1, 0, 0, 1]) + (person.usual - person.spo2) * 0.3
        person.spo2 = round(min(99, max(84, person.spo2 + change)) * 2) / 2
        spo2: float | None = round(person.spo2 + random.choice([0, 0, 0, 0.5]), 1)
        quality: tuple[Quality, ...] = ()
        answers: list[Answer] = []
        chance = random.random()
        if chance < 0.003:
            spo2 = random.choice([40, 104, 72])  # swapped, or no number at all
        elif chance < 0.02:
            spo2 = None
        elif chance < 0.05:
            quality = (random.choice([Quality.POOR_SIGNAL, Quality.STORED]),)
        if chance > 0.94:
            said = random.choice(["coughing_blood", "new_confusion", *8 * ["none"]])
            answers.append(Answer(question="red_flags", answer=said))
            said = random.choice(["worse", "purple", *6 * ["same"]])
            answers.append(Answer(question="feeling", answer=said))
        if chance > 0.999:
            at += timedelta(days=random.choice([2, -300]))  # the clock at home is wrong
        values = {Vital.SPO2: spo2, Vital.PULSE_RATE: float(random.randrange(55, 120))}
        return Reading(
            reading_id=self._id(at, "reading"),
            measured_at=at,
            source=random.choice([Source.BLE, Source.PATIENT, Source.CARER]),
            context=Context.EXERTION if rest else Context.REST,
            paired_with=rest,
            quality=quality,
            observations=tuple(
                Observation(vital=v, value=value) for v, value in values.items() if value
            ),
            answers=tuple(answers),
            call_me=random.random() < 0.005,
        )

    def _trace(self, person: Person, at: datetime) -> Trace:
        low = self.random.random() < 0.3
        samples = tuple(
            None if self.random.random() < 0.05 else float(90 if low else round(person.spo2))
            for _ in range(60)
        )
        return Trace(
            reading_id=self._id(at, "trace"),
            started_at=at,
            interval_s=1.0,
            samples={Vital.SPO2: samples},
        )

    def _id(self, at: datetime, what: str) -> UUID:
        return derived_id(at, self.seed, what, next(self.numbers))

    def _people_act(self) -> None:
        """Most alerts are looked at soon, some for a second time at the same moment."""
        with self.ward.sessions() as session:
            rows = session.scalars(select(AlertRow).where(AlertRow.state.not_in(ENDED))).all()
        place = {person.episode_id: n for n, person in enumerate(self.people)}  # ids are random
        for alert in sorted(rows, key=lambda row: (place[row.episode_id], row.alert_class)):
            if self.random.random() < 0.2:
                self._somebody_acts(alert)
        if self.random.random() < 0.2:
            self._somebody_acts(None)

    def _somebody_acts(self, alert: AlertRow | None) -> None:
        episode_id = alert.episode_id if alert else self.random.choice(self.people).episode_id
        # Somebody asked the clock, and then waited for the database.
        now = self.now - timedelta(seconds=self.random.choice([0, 0, 0, 2, 20]))
        key = f"key-{self.seed}-{next(self.numbers)}"
        try:
            if alert is not None:
                deed = self._on_alert(alert)
                act(self.ward, alert.id, deed, key, now)
                if self.random.random() < 0.1:
                    act(self.ward, alert.id, deed, key, now)  # sent again
            else:
                act_on_stay(self.ward, episode_id, self._on_stay(), key, now)
        except WardError:
            pass  # refused: it is a part of life

    def _somebody_types(self) -> None:
        """A call is taken, and now and then a diary that was collected is entered."""
        random, person = self.random, self.random.choice(self.people)
        now = self.now - timedelta(seconds=random.choice([0, 0, 5]))
        by, key = random.choice(["nurse-1", "nurse-2"]), f"typed-{self.seed}-{next(self.numbers)}"
        spoke = random.choice(list(Speaker))
        try:
            if random.random() < 0.3:
                at = now - minutes(random.choice([0, 3, 30, 400]))
                told = self._typed(person, at, Source.STAFF_PHONE)
                for _ in range(random.choice([1, 1, 2])):  # now and then it is sent twice
                    record_reading(self.ward, person.episode_id, told, by, key, now, spoke)
            if random.random() < 0.1:
                first = now - timedelta(hours=7 * random.randrange(1, 6))
                times = [first + timedelta(hours=7 * n) for n in range(4)]
                kept = [self._typed(person, at, Source.PAPER) for at in times if at <= now]
                record_diary(self.ward, person.episode_id, kept, by, now)
        except WardError:
            pass  # the stay has ended, or it was before it

    def _typed(self, person: Person, at: datetime, source: Source) -> Reading:
        return self._reading(person, at).model_copy(
            update={"source": source, "measured_at": at, "quality": ()}
        )

    def _on_alert(self, alert: AlertRow) -> Acknowledged | ContactMade | Resolved:
        random, by = self.random, self.random.choice(["nurse-1", "nurse-2"])
        match random.choice(["take", "take", "speak", "end", "end"]):
            case "take":
                return Acknowledged(alert.id, by, alert.version, random.random() < 0.2)
            case "speak":
                reached = random.random() < 0.8
                return ContactMade(alert.id, by, Channel.PHONE, reached, "on the phone")
        outcome = random.choice([AlertOutcome.ADVICE, AlertOutcome.ED, AlertOutcome.NO_ACTION])
        changed = random.random() < 0.2
        note = random.choice(["all is well", "all is well", ""])
        return Resolved(alert.id, by, alert.version, outcome, True, True, changed, note)

    def _on_stay(self) -> StayAct:
        random, by = self.random, "nurse-1"
        match random.randrange(8):
            case 0 | 1:
                changed = {"red_max": float(random.choice([89, 90, 91]))}
                return LimitsChanged(by, "as agreed", changed, baseline_spo2=95)
            case 2 | 3:
                until = self.now + timedelta(hours=random.choice([3, 30]))
                reason = random.choice(list(PauseReason))
                return Paused(by, reason, until)
            case 4:
                return Unpaused(by)
            case 5:
                zone = random.choice(["Europe/London", "Asia/Kolkata"])
                return ZoneChanged(by, "travels", zone)
            case 6:
                how = random.choice([EndReason.RECOVERED_EARLY, EndReason.DIED])
                return Ended(by, how, "the end", "yes", True)
        return LimitsChanged(by, "", {"red_max": 90})
