"""The ward's commands: run, api, ingest, worker, watchdog, account, roster, admit, replay, demo.

Exit codes: 0 done, 1 refused (the reason is one sentence on stderr), 2 wrong usage.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from secrets import token_hex
from threading import Event
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from ward_service.contract.clock import read_clock
from ward_service.contract.http.session import InvitationView
from ward_service.contract.http.stays import Admission
from ward_service.contract.vocabulary import Channel
from ward_service.errors import StorageDownError, WardError
from ward_service.logs import set_up
from ward_service.pathways.cli import app as pathway_app
from ward_service.settings import Settings
from ward_service.ward import Ward, open_ward

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__, rich_markup_mode=None
)
account_app = typer.Typer(no_args_is_help=True, help="Clinicians who may sign in.")
broker_app = typer.Typer(no_args_is_help=True, help="The broker that homes reach.")
roster_app = typer.Typer(no_args_is_help=True, help="Who is called, and how they are reached.")
gateway_app = typer.Typer(no_args_is_help=True, help="The boxes in people's homes.")
door_app = typer.Typer(no_args_is_help=True, help="Who may come in at the patient's page.")
app.add_typer(account_app, name="account")
app.add_typer(door_app, name="door")
app.add_typer(roster_app, name="roster")
app.add_typer(gateway_app, name="gateway")
app.add_typer(broker_app, name="broker")
app.add_typer(pathway_app, name="pathway")


@contextmanager
def _ward(*, to_sign: bool = False) -> Iterator[Ward]:
    """Open the ward for one command; say a refusal in one sentence and end with 1.

    `to_sign`: a ward for live use does not start before something is signed; signing does.
    """
    set_up()
    settings = _settings()
    if to_sign:
        settings = settings.model_copy(update={"use": "shadow"})
    try:
        yield open_ward(settings)
    except WardError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except StorageDownError as error:
        typer.echo("The database cannot be reached. Nothing was changed.", err=True)
        raise typer.Exit(1) from error


def _settings() -> Settings:
    """Read the environment; name what is wrong with it, never its value: it may be a password."""
    try:
        read_clock()
        return Settings()
    except ValidationError as error:
        names = ", ".join(f"HOMEWARD_{detail['loc'][0]}".upper() for detail in error.errors())
        why = f"The value of {names} cannot be used. Nothing was changed."
    except ValueError as error:
        why = str(error)
    typer.echo(why, err=True)
    raise typer.Exit(2)


@app.command()
def run() -> None:
    """Run api, ingest and worker in one process: the way on SQLite."""
    _run("api", "ingest", "worker")


@app.command()
def api() -> None:
    """Run the HTTP door alone (PostgreSQL)."""
    _run("api")


@app.command()
def ingest() -> None:
    """Run what receives readings from the broker alone (PostgreSQL)."""
    _run("ingest")


@app.command()
def worker() -> None:
    """Run what watches for silence, climbs ladders and sends messages, alone (PostgreSQL)."""
    _run("worker")


def _run(*roles: str) -> None:
    from ward_service.run import run as run_roles  # uvicorn and paho only where they are needed

    with _ward() as ward:
        run_roles(ward, roles)


@app.command()
def watchdog() -> None:
    """Watch the ward from outside, and ring whoever operates it when it is not well."""
    from ward_service.watchdog.watch import run_watchdog

    set_up()
    settings, stop = _settings(), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_watchdog(settings, read_clock(), stop)
    except WardError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema; every other command does so too."""
    with _ward():
        typer.echo("The database is at the newest schema.")


@app.command()
def replay(
    pathway: Annotated[
        str, typer.Option(metavar="FILE_OR_ID", help="A file, or a version that ran here.")
    ],
    since: Annotated[
        datetime, typer.Option("--from", metavar="DATE", formats=["%Y-%m-%d"], help="First day.")
    ],
    to: Annotated[
        datetime, typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="The day after the last.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="The whole report, as JSON.")] = False,
) -> None:
    """Say what a candidate pathway would have changed: alerts, calls, and whom it would miss."""
    from ward_service.replay.report import say
    from ward_service.replay.request import ask_file

    with _ward() as ward:
        report = ask_file(ward, pathway, since.date(), to.date(), ward.clock.now())
    typer.echo(report.model_dump_json(indent=2) if as_json else "\n".join(say(report)))


@app.command()
def explain(
    alert: Annotated[UUID, typer.Argument(help="The id of the alert, as the ward list has it.")],
    notes: Annotated[
        bool, typer.Option("--notes", help="With what people typed: it may hold a name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same, as JSON.")] = False,
) -> None:
    """Say why an alert rang: rule, line and source, whose limits, what confirmed it, who is next.

    Names nobody; what people typed is left out, for it may hold a name.
    """
    from ward_service.explain.load import explain_alert
    from ward_service.explain.text import without_notes, write

    with _ward() as ward, ward.unit_of_work(read_only=True) as store:
        whole = explain_alert(store, alert)
    answer = whole if notes else without_notes(whole)
    typer.echo(answer.model_dump_json(indent=2) if as_json else "\n".join(write(answer)))


@app.command()
def demo(
    recordings: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Replay real recordings of this folder."),
    ] = None,
    speed: Annotated[
        float | None, typer.Option(min=0.1, max=3600, help="How many times faster than life.")
    ] = None,
    people: Annotated[int, typer.Option(min=8, max=999, help="How many live in the street.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed, the same street.")] = 1,
) -> None:
    """Start everything on this machine with a street of invented people, until Ctrl-C."""
    from ward_service.standalone.launch import demo as start_demo

    sys.exit(start_demo(recordings=recordings, speed=speed, people=people, seed=seed))


@app.command()
def up() -> None:
    """Start everything on this machine, empty, for a small ward, until Ctrl-C."""
    from ward_service.standalone.launch import up as start_up

    sys.exit(start_up())


@app.command()
def admit(
    admission: Annotated[
        typer.FileText, typer.Argument(help='One admission as JSON; "-" reads standard input.')
    ],
) -> None:
    """Admit somebody to a place in a home. Identity comes from a file, never from an argument."""
    from ward_service.stays.admission import admit as admit_somebody

    try:
        given = Admission.model_validate_json(admission.read())
    except ValidationError as error:
        wrong = "; ".join(
            ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"])))
            for e in error.errors()
        )
        typer.echo(f"Nobody was admitted. {wrong}", err=True)
        raise typer.Exit(1) from error
    with _ward() as ward:
        typer.echo(admit_somebody(ward, given, ward.clock.now()).model_dump_json())


def _write_private(to: Path, content: bytes) -> None:
    """Write a file for nobody else's eyes.

    Raises:
        WardError: it cannot be written.
    """
    try:
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)  # it may have been there, open to others
            file.write(content)
    except OSError as error:
        raise WardError(f"{to} cannot be written: {error.strerror}.") from error


@app.command()
def letter(
    episode: Annotated[UUID, typer.Argument(help="The id of the stay.")],
    carer: Annotated[bool, typer.Option("--carer", help="For somebody who helps.")] = False,
    out: Annotated[
        Path, typer.Option(dir_okay=False, metavar="FILE.pdf", help="Where the letter goes.")
    ] = Path("letter.pdf"),
    page: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the page is (HOMEWARD_PAGE_URL).")
    ] = None,
) -> None:
    """Make a letter with a code for the patient's page. The code is in the file, nowhere else."""
    from ward_service.contract.letters import LetterRequest
    from ward_service.enrolment.enrolment import OPERATOR
    from ward_service.letters.codes import revoke_door
    from ward_service.letters.letter import make_letter

    try:
        asked = LetterRequest(who="carer" if carer else "patient", page_url=page)
    except ValidationError as error:
        raise typer.BadParameter("It must be an address like https://page.example") from error
    with _ward() as ward:
        made = make_letter(
            ward, episode, asked.who, OPERATOR, token_hex(16), ward.clock.now(), asked.page_url
        )
        try:
            _write_private(out, made.pdf)
        except WardError:  # nobody has its code
            revoke_door(ward, episode, made.door, OPERATOR, ward.clock.now())
            raise
        typer.echo(
            f"{out}: the letter is written (reference {made.reference}, door {made.door}). It "
            "holds a code: print it, then delete it."
        )


@door_app.command("revoke")
def door_revoke(
    episode: Annotated[UUID, typer.Argument(help="The id of the stay.")],
    door: Annotated[str, typer.Argument(help="The first four characters of the code.")],
) -> None:
    """Shut a door: its code opens nothing any more, and whoever came in by it is out."""
    from ward_service.enrolment.enrolment import OPERATOR
    from ward_service.letters.codes import revoke_door

    with _ward() as ward:
        revoke_door(ward, episode, door, OPERATOR, ward.clock.now())
        typer.echo(f"Door {door} of this stay is shut.")


@door_app.command("list")
def door_list(episode: Annotated[UUID, typer.Argument(help="The id of the stay.")]) -> None:
    """Say which doors a stay has or had, the newest first."""
    with _ward() as ward, ward.unit_of_work(read_only=True) as store:
        for row in store.codes.of_stay(episode):
            state = "open"
            if row.revoked_at is not None:
                state = f"shut {row.revoked_at:%d %b %Y %H:%M} UTC by {row.revoked_by}"
            made = f"made {row.made_at:%d %b %Y %H:%M} UTC by {row.made_by}"
            typer.echo("  ".join((row.door, row.who, made, state)))


@app.command()
def diary(
    stay: Annotated[UUID, typer.Argument(help="The id of the stay, as the patient's page has it.")],
    to: Annotated[Path, typer.Option(dir_okay=False, metavar="FILE", help="The PDF to write.")],
    language: Annotated[
        str | None, typer.Option(help="Another language than the person's, for example en.")
    ] = None,
) -> None:
    """Write somebody's printable diary: how to measure, their own numbers, a table to fill in.

    The stay is named by its id: an NHS number in a command would stay in the shell's history.
    """
    from ward_service.diary.printout import diary_of

    with _ward() as ward:
        made = diary_of(ward, stay, language)
        _write_private(to, made)
        typer.echo(f"{to}: the diary is written. It holds a name: print it, then delete it.")


@account_app.command("add")
def account_add(
    username: str,
    name: Annotated[str, typer.Option(help="How the screens call this person.")],
) -> None:
    """Make a clinician's account, or reset it. The password is read from standard input."""
    from ward_service.bootstrap import add_account

    prompted = typer.prompt("Password", hide_input=True) if sys.stdin.isatty() else ""
    password = prompted or sys.stdin.readline().rstrip("\n")
    with _ward() as ward:
        add_account(ward, username, name, password)
        typer.echo(f"{username} may sign in.")


@roster_app.command("add")
def roster_add(
    role: str,
    channel: Annotated[Channel, typer.Option(help="How they are reached.")],
    address: Annotated[
        str, typer.Option(help="Mail address, number or https address; none for the screen.")
    ] = "",
) -> None:
    """Put somebody on the roster for a role; whoever is entered first is called first."""
    from ward_service.notify.roster import add_line

    with _ward() as ward:
        id_ = add_line(ward, role, channel, address, ward.clock.now())
        typer.echo(f"Line {id_} is on the roster, untested. Now: ward-service roster test {id_}")


@roster_app.command("test")
def roster_test(
    line: int,
    answered: Annotated[
        bool, typer.Option("--answered", help="By phone or SMS: somebody did.")
    ] = False,
) -> None:
    """Send a test by one line of the roster, and see it arrive. By phone a person rings."""
    from ward_service.notify.roster import try_line

    with _ward() as ward:
        try_line(ward, line, ward.clock.now(), answered=answered)
        typer.echo(f"Line {line} is tested.")


@roster_app.command("list")
def roster_list(
    addresses: Annotated[bool, typer.Option("--addresses", help="Say the addresses too.")] = False,
) -> None:
    """Say who is called for each role, in the order in which they are called."""
    with _ward() as ward, ward.unit_of_work(read_only=True) as store:
        for row in chain.from_iterable(store.roster.all(ward.clock.now()).values()):
            tested = f"tested {row.tested_at:%d %b %Y %H:%M} UTC" if row.tested_at else "UNTESTED"
            address = [row.address] if addresses and row.address else []
            typer.echo("  ".join([f"{row.id:>4}", row.role, row.channel, *address, tested]))


@roster_app.command("end")
def roster_end(line: int) -> None:
    """Take a line off the roster from now on."""
    from ward_service.notify.roster import end_line

    with _ward() as ward:
        end_line(ward, line, ward.clock.now())
        typer.echo(f"Line {line} is off the roster.")


@gateway_app.command("add")
def gateway_add(gateway_id: str) -> None:
    """Make a gateway known; print its key as JSON. Keep it as you would a password."""
    from ward_service.enrolment.enrolment import add_gateway

    with _ward() as ward:
        key = add_gateway(ward, gateway_id, ward.clock.now())
        typer.echo(json.dumps({"gateway": gateway_id, "key": key}))


@gateway_app.command("invite")
def gateway_invite(
    gateway_id: Annotated[
        str | None, typer.Argument(metavar="[GATEWAY]", help="Known or new; without it, named.")
    ] = None,
) -> None:
    """Make a code by which one home becomes this gateway, once, within a day. Shown only here."""
    from ward_service.enrolment.enrolment import invite

    with _ward() as ward:
        _say_code(invite(ward, gateway_id))


@gateway_app.command("rotate")
def gateway_rotate(gateway_id: str) -> None:
    """Make a code by which a gateway gets a new key; until it is used, the old one counts."""
    from ward_service.enrolment.enrolment import invite

    with _ward() as ward:
        _say_code(invite(ward, gateway_id, known=True))


def _say_code(made: InvitationView) -> None:
    typer.echo(made.code)
    typer.echo(
        f"Good once, until {made.expires_at:%d %b %Y %H:%M} UTC, to become {made.gateway}. There: "
        f"device-gateway enrol {made.code} --ward https://ADDRESS-OF-THE-WARD"
    )


@gateway_app.command("revoke")
def gateway_revoke(gateway_id: str) -> None:
    """Refuse a gateway from now on and for good: a box that was lost, stolen or given back."""
    from ward_service.enrolment.enrolment import revoke

    with _ward() as ward:
        people = revoke(ward, gateway_id)
        typer.echo(f"{gateway_id} is revoked. People with a place at it: {people}.")


@gateway_app.command("list")
def gateway_list() -> None:
    """Say of every gateway what became of its enrolment, and how many people have a place at it."""
    from ward_service.enrolment.enrolment import gateways

    with _ward() as ward:
        for line in gateways(ward):
            people = f"{line.people} people"
            typer.echo("  ".join(filter(None, (line.id, people, line.state, line.software))))


@broker_app.command("prepare")
def broker_prepare(folder: Annotated[Path, typer.Argument(file_okay=False)]) -> None:
    """Write what Mosquitto begins with: accounts for the ward, and for who makes those of homes."""
    from ward_service.enrolment.broker_files import prepare

    try:
        made = prepare(folder, _settings().base_topic)
    except WardError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for path in made:
        typer.echo(path)


@pathway_app.command("sign")
def pathway_sign(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    lead: Annotated[str, typer.Option(help="The clinical lead who signs, by name.")],
    role: Annotated[str, typer.Option(help="In which role.")],
) -> None:
    """Sign exactly this text, as a named clinical lead of this ward: it may then run live."""
    from ward_service.bootstrap import sign_pathway
    from ward_service.pathways.load import load

    with _ward(to_sign=True) as ward:
        found = load(file)
        sign_pathway(ward, found, lead, role, ward.clock.now())
        typer.echo(f"{found.pathway.name} is signed by {lead.strip()}. sha256 {found.sha256}")
