"""Everything on one machine: `demo`, with a street of invented people, and `up`, empty.

Each part is the process that a real ward runs, started by its own command.
"""

import fcntl
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, TextIO
from zoneinfo import ZoneInfo

import typer

from ward_service.bootstrap import add_account
from ward_service.contract.clock import VARIABLE, Clock, demo_clock, real_clock
from ward_service.contract.demo import usual_spo2
from ward_service.contract.http.stays import Admission
from ward_service.contract.page_code import grouped
from ward_service.enrolment.enrolment import OPERATOR, add_gateway
from ward_service.errors import StorageDownError, WardError
from ward_service.letters.codes import open_door
from ward_service.notify.roster import add_screens
from ward_service.settings import Settings
from ward_service.standalone.broker import LOOPBACK, embedded_broker
from ward_service.standalone.processes import MOST_DEATHS, Parts, choose_port, tail
from ward_service.stays.admission import admit
from ward_service.ward import Ward, open_ward

DATA: Final = Path(os.environ.get("HOMEWARD_HOME", ".")) / "homeward-data"
STREET_SPEED: Final = 60.0  # a minute of the demo is an hour: silence and ladders can be seen
RECORDING_SPEED: Final = 6.0  # eighteen minutes of recording in three
ZONE: Final = ZoneInfo("Europe/London")
BEGINS: Final = (8, 50)  # ten minutes before the first agreed time of the day
CLINICIAN: Final = "nurse"
PORTS: Final = {"broker": 1883, "ward": 8000, "dashboard": 8501}
PAGE_PORT: Final = 8080
DRAMA_PHONE: Final = "01632 960 000"  # a range kept for drama: it rings nowhere
BIN: Final = Path(sys.executable).parent

# Plainly invented: colours and trees, never a person's name.
FAMILY: Final = (
    "Ash",
    "Birch",
    "Cedar",
    "Elm",
    "Hazel",
    "Juniper",
    "Larch",
    "Maple",
    "Oak",
    "Rowan",
)
GIVEN: Final = ("Amber-Test", "Blue-Test", "Coral-Test", "Green-Test", "Indigo-Test", "Violet-Test")


def demo(*, recordings: Path | None, speed: float | None, people: int, seed: int) -> int:
    """Run the demo until Ctrl-C; return the exit code."""
    folder = DATA / "demo"
    with _house(folder, fresh=True) as house:
        rate = speed or (RECORDING_SPEED if recordings else STREET_SPEED)
        clock = _morning(rate)
        house.parts.environment = {**house.parts.environment, VARIABLE: clock.word()}
        count = _count_recordings(recordings) if recordings else people
        password = f"demo-{secrets.token_hex(4)}"
        page_port = _choose_port("page", PAGE_PORT)
        page = f"http://{LOOPBACK}:{page_port}"
        house.parts.environment = {
            **house.parts.environment,
            "HOMEWARD_PAGE_URL": page,
            "HOMEWARD_WARD_PHONE": DRAMA_PHONE,
        }
        homes, somebody = _furnish(house, clock, count, password, seed)
        house.open_doors()
        shared = ["--homes", str(homes), "--spool-dir", str(folder / "spools")]
        shared += ["--page-port", str(page_port)]
        if recordings:
            command = ["replay", str(recordings), "--stay", *shared]
        else:
            command = ["simulate", "--seed", str(seed), "--people", str(people), *shared]
        _say(f"Opening {count} homes")
        opened = house.parts.start("homes", [str(BIN / "device-gateway"), *command])
        house.parts.wait_for_port(opened, page_port)
        house.turn.close()
        _say("")
        _say(f"The ward list:   http://{LOOPBACK}:{house.ports['dashboard']}")
        _say(f"Sign in as:      {CLINICIAN}   with the password   {password}")
        _say(f"The patient's page: {page}/k/{grouped(somebody.code)}  (born {somebody.born})")
        _say(f"The ward's API:  http://{LOOPBACK}:{house.ports['ward']}/openapi.json")
        whose = "The names are invented, the readings real" if recordings else "All is invented"
        _say(f"The clock runs {rate:g} times as fast as life. {whose}.")
        _say("Ctrl-C ends everything.")
        return house.watch()


def up() -> int:
    """Run an empty ward on this machine until Ctrl-C; return the exit code."""
    folder = DATA / "ward"
    with _house(folder, fresh=False) as house:
        _make_first_account(house)
        house.open_doors()
        house.turn.close()
        _say("")
        _say(f"The ward list:   http://{LOOPBACK}:{house.ports['dashboard']}")
        _say(f"The ward's API:  http://{LOOPBACK}:{house.ports['ward']}/openapi.json")
        _say("Shadow use only: no pathway here is signed. docs/do/operate.md says what comes next.")
        _say("Ctrl-C ends everything; what was received stays in " + str(folder))
        return house.watch()


@dataclass(slots=True)
class House:
    """A house that is being opened: its folder, its ports, its parts.

    `turn` is held until all doors are open: see `_take_turn`.
    """

    folder: Path
    ports: dict[str, int]
    parts: Parts
    settings: Settings
    turn: TextIO

    def open_doors(self) -> None:
        """Start the ward and the dashboard, wait until each really answers, and have it watched."""
        _say("Starting the ward")
        ward = self.parts.start("ward", [str(BIN / "ward-service"), "run"])
        self.parts.wait_for_page(ward, f"http://{LOOPBACK}:{self.ports['ward']}/health")
        _say("Starting the dashboard")
        port = self.ports["dashboard"]
        command = [str(BIN / "clinician-dashboard"), "--host", LOOPBACK, "--port", str(port)]
        dashboard = self.parts.start("dashboard", command)
        self.parts.wait_for_page(dashboard, f"http://{LOOPBACK}:{port}/sign-in")
        _say("Starting the watchdog")
        self.parts.start("watchdog", [str(BIN / "ward-service"), "watchdog"])

    def watch(self) -> int:
        """Wait for Ctrl-C, or for a part that dies again and again; return the exit code.

        A part that ended by itself is started again: what was received is in the store, and what
        was not yet receipted is still with its home.
        """
        while True:
            ended = self.parts.ended()
            if ended is None:
                time.sleep(0.3)
                continue
            deaths = self.parts.deaths(ended)
            if deaths > MOST_DEATHS:
                often = f"ended by itself {deaths} times in a short while"
                _say(f"\n{ended.name} {often}, so everything is ended. {tail(ended.log)}")
                return 1
            again = f"starting it again ({deaths} of {MOST_DEATHS})"
            _say(f"\n{ended.name} ended by itself; {again}")
            try:
                self.parts.start_again(ended)
            except WardError as error:
                _say(str(error))  # it is dead, and so its turn comes again
            else:
                _say(f"{ended.name} runs again")


@contextmanager
def _house(folder: Path, *, fresh: bool) -> Iterator[House]:
    """Open a house; whatever happens in the block, all its parts are ended.

    Ends the process with 1 and a sentence when it cannot be opened, with 0 on Ctrl-C.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    DATA.mkdir(exist_ok=True)
    with (DATA / f"{folder.name}.lock").open("w") as lock, _take_turn() as turn:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say(f"Another ./homeward is using {folder} here. End it first. Nothing was changed.")
            raise typer.Exit(1) from None
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ports = _choose_ports()
        settings = Settings(
            data_dir=folder,
            database_url="",
            broker_host=LOOPBACK,
            broker_port=ports["broker"],
            api_host=LOOPBACK,
            api_port=ports["ward"],
            use="demo" if fresh else "shadow",
        )
        parts = Parts(folder, _environment(settings, ports))
        try:
            _start_broker(parts, ports["broker"], folder)
            yield House(folder, ports, parts, settings, turn)
        except KeyboardInterrupt:
            _say("\nEnding everything")
            raise typer.Exit(0) from None  # also where nothing was yielded yet
        except (WardError, StorageDownError) as error:
            _say(f"\nThe house could not be opened, and everything is ended. {error}")
            raise typer.Exit(1) from error
        finally:
            _hear_no_more()
            parts.end()


def _interrupt(*_: object) -> None:
    _hear_no_more()
    raise KeyboardInterrupt


def _hear_no_more() -> None:
    """End everything, once: an impatient second Ctrl-C must not leave a part behind."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _take_turn() -> TextIO:
    """Wait until no other house on this machine is opening, and return what holds the turn.

    A port that is free when it is chosen is taken only when its part listens: two houses that
    open at once would choose the same ones.
    """
    turn = (Path(tempfile.gettempdir()) / f"homeward-opening-{os.getuid()}.lock").open("w")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        _say("Another ./homeward is opening on this machine; waiting until it is open.")
        fcntl.flock(turn, fcntl.LOCK_EX)
    return turn


def _choose_ports() -> dict[str, int]:
    ports = {}
    for name, wanted in PORTS.items():
        ports[name] = _choose_port(name, wanted)
    return ports


def _choose_port(name: str, wanted: int) -> int:
    port = choose_port(wanted)
    if port != wanted:
        _say(f"Port {wanted} is taken; the {name} uses {port}")
    return port


def _environment(settings: Settings, ports: dict[str, int]) -> dict[str, str]:
    return {
        "HOMEWARD_DATA_DIR": str(settings.data_dir),
        "HOMEWARD_DATABASE_URL": "",
        "HOMEWARD_BROKER_HOST": LOOPBACK,
        "HOMEWARD_BROKER_PORT": str(ports["broker"]),
        "HOMEWARD_API_HOST": LOOPBACK,
        "HOMEWARD_API_PORT": str(ports["ward"]),
        "HOMEWARD_API_URL": f"http://{LOOPBACK}:{ports['ward']}",
        "HOMEWARD_USE": settings.use,
    }


def _start_broker(parts: Parts, port: int, folder: Path) -> None:
    broker = embedded_broker(port, folder)
    _say(f"Starting the broker ({broker.name})")
    if broker.warning:
        _say(f"  {broker.warning}")
    parts.wait_for_port(parts.start("broker", broker.command), port)


def _morning(speed: float) -> Clock:
    """Return a clock that begins this morning, shortly before the first reading is due."""
    real = real_clock().wall()
    hour, minute = BEGINS
    today = real.astimezone(ZONE)
    began = datetime(today.year, today.month, today.day, hour, minute, tzinfo=ZONE).astimezone(UTC)
    return demo_clock(real, began, speed)


def _count_recordings(folder: Path) -> int:
    listed = subprocess.run(  # noqa: S603
        [str(BIN / "device-gateway"), "recordings", str(folder)], capture_output=True, check=False
    )
    count = len(listed.stdout.splitlines())
    if not count:
        said = listed.stderr.decode(errors="replace").strip()
        raise WardError(said or f"There is no recording in {folder}.")
    return count


@dataclass(frozen=True, slots=True)
class Somebody:
    """An invented person whose page a visitor may open: a code, and the year that it asks for."""

    code: str
    born: int


def _furnish(
    house: House, clock: Clock, people: int, password: str, seed: int
) -> tuple[Path, Somebody]:
    """Make the demo's clinician, its homes and its people; return the homes file and somebody."""
    _say(f"Admitting {people} invented people")
    ward = _opened(house.settings, clock)
    add_account(ward, CLINICIAN, "Demo Nurse", password)
    add_screens(ward, clock.began)
    dice = random.Random(seed)  # noqa: S311 - an invented street, not a secret
    numbers = _nhs_numbers()
    homes = []
    visited: Somebody | None = None  # whose page a visitor may open: in English, if anybody's is
    for n in range(1, people + 1):
        gateway = f"home-{n:02d}"
        key = add_gateway(ward, gateway, clock.began)
        homes.append({"gateway": gateway, "key": key, "slot": 1})
        rest_spo2 = round(usual_spo2(seed, n - 1))
        somebody = _invented(dice, n, gateway, next(numbers), rest_spo2, clock.began)
        stay = admit(ward, somebody, clock.began)
        if visited is None and (somebody.language == "en" or n == people):
            key = secrets.token_hex(16)
            _, code = open_door(ward, stay.episode_id, "patient", OPERATOR, key, clock.began)
            visited = Somebody(code, somebody.birth_date.year)
    assert visited is not None  # noqa: S101 - the last one at the latest
    path = house.folder / "homes.json"
    whole = {"broker": {"host": LOOPBACK, "port": house.ports["broker"]}, "homes": homes}
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        json.dump(whole, file, indent=1)
    return path, visited


def _opened(settings: Settings, clock: Clock) -> Ward:
    ward = open_ward(settings, now=clock.now)
    ward.clock = clock
    return ward


def _invented(
    dice: random.Random, n: int, gateway: str, nhs_number: str, rest_spo2: int, began: datetime
) -> Admission:
    return Admission(
        family_name=f"{FAMILY[n % len(FAMILY)]}-{n}",
        given_name=dice.choice(GIVEN),
        birth_date=date(dice.randint(1931, 1985), dice.randint(1, 12), dice.randint(1, 28)),
        sex=dice.choice(("female", "male")),
        nhs_number=nhs_number,
        phone=f"07700 900{n:03d}",  # a range kept for drama: it rings nowhere
        gateway=gateway,
        ethnicity=dice.choice(("white", "asian", "black", "mixed", "other", None)),
        deprivation_decile=dice.choice((*range(1, 11), None)),
        language=dice.choice(("en", "en", "en", "pl", "ur")),
        symptom_onset_date=began.date() - timedelta(days=dice.randint(0, 4)),
        rest_spo2=rest_spo2,
        referral_source=dice.choice(("111", "gp", "ed")),
        referral_at=began - timedelta(hours=dice.randint(2, 20)),
    )


def _nhs_numbers() -> Iterator[str]:
    """Give out numbers of the 999 range, which belong to nobody, with a right check digit."""
    for n in range(1_000_000):
        base = f"999{n:06d}"
        total = sum(int(d) * w for d, w in zip(base, range(10, 1, -1), strict=True))
        check = (11 - total % 11) % 11
        if check < 10:
            yield f"{base}{check}"


def _make_first_account(house: House) -> None:
    """Make the first clinician of an empty ward; say the password at once, it is kept nowhere."""
    ward = open_ward(house.settings)
    with ward.unit_of_work(read_only=True) as store:
        if store.accounts.get(CLINICIAN) is not None:
            return
    password = secrets.token_urlsafe(12)
    add_account(ward, CLINICIAN, "Nurse", password)
    _say(f"Sign in as {CLINICIAN} with the password {password} (shown only now)")


def _say(words: str) -> None:
    typer.echo(words)
