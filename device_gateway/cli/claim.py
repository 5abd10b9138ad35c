"""device-gateway measuring | whose: those at home say whose a reading of a shared device is."""

from pathlib import Path
from threading import Event
from typing import Annotated, Final, NoReturn

import typer
from pydantic import ValidationError

from device_gateway.capture.attribution import MEASURING_FOR
from device_gateway.config.homes_file import HomesError, HomesFile, Place, read_homes
from device_gateway.control import Answer, AskingError, Question, answered, ask, desk_of
from device_gateway.home import open_home
from device_gateway.settings import Settings, read_settings
from device_gateway.spool.file import SpoolBusyError, SpoolError
from ward_service.contract.clock import Clock, read_clock
from ward_service.contract.vocabulary import UNITS

# As in cli.py: these codes are a promise.
NOT_DONE: Final = 1
WRONG_USAGE: Final = 2
NO_INPUT: Final = 3
NO_SPOOL: Final = 4

HomesOption = Annotated[
    Path | None, typer.Option("--homes", help="homes file from the ward [HOMEWARD_HOMES]")
]
SpoolDirOption = Annotated[
    Path | None,
    typer.Option("--spool-dir", file_okay=False, help="one spool per home [HOMEWARD_SPOOL_DIR]"),
]
GatewayOption = Annotated[
    str, typer.Option("--gateway", help="which home, where the homes file has several")
]


def measuring_command(
    slot: Annotated[int, typer.Option(min=1, max=999, help="who measures now")],
    gateway: GatewayOption = "",
    homes: HomesOption = None,
    spool_dir: SpoolDirOption = None,
) -> None:
    """Say who measures now: what shared devices measure in the next minutes is theirs."""
    door = _Door(homes, spool_dir, gateway)
    door.told(Question(what="measuring", at=door.clock.now(), slot=slot))
    minutes = MEASURING_FOR.total_seconds() / 60
    typer.echo(f"What shared devices measure in the next {minutes:g} minutes is slot {slot}'s.")


def whose_command(
    readings: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="which, as listed; none: list them")
    ] = None,
    slot: Annotated[
        int | None, typer.Option(min=1, max=999, help="whose they are; with one ID at least")
    ] = None,
    gateway: GatewayOption = "",
    homes: HomesOption = None,
    spool_dir: SpoolDirOption = None,
) -> None:
    """List the readings of which nobody has said whose they are, or say whose they are.

    A reading that nobody claims goes to the ward without a slot at the time shown.
    """
    if bool(readings) is not (slot is not None):
        _refuse("say both which readings (ID) and whose they are (--slot)", WRONG_USAGE)
    door = _Door(homes, spool_dir, gateway)
    now = door.clock.now()
    if readings:
        door.told(Question(what="claim", at=now, slot=slot, readings=tuple(readings)))
        typer.echo(f"Slot {slot}'s now, and on the way to the ward.")
        return
    for one in door.told(Question(what="waiting", at=now)).waiting:
        vitals = ", ".join(UNITS[vital].say(value) for vital, value in one.values.items())
        slots = ", ".join(map(str, one.slots)) or "unknown"
        typer.echo(
            f"{one.reading}  measured {one.measured_at:%Y-%m-%d %H:%M:%S} UTC"
            f"  {vitals or 'no value'}  slots {slots}  goes unclaimed at {one.goes_at:%H:%M} UTC"
        )


class _Door:
    """The way to one home: to the process that carries it, or, if none does, to its spool."""

    def __init__(self, homes: Path | None, spool_dir: Path | None, gateway: str) -> None:
        try:
            settings, self.clock = read_settings(), read_clock()
        except ValidationError as error:
            names = ", ".join(f"HOMEWARD_{str(d['loc'][0]).upper()}" for d in error.errors())
            _refuse(f"cannot use the value of {names}", WRONG_USAGE)
        except ValueError as error:
            _refuse(str(error), WRONG_USAGE)
        self._homes_file, self._place = _place(homes, settings, gateway)
        self._spool_dir = spool_dir or settings.spool_dir

    clock: Clock

    def told(self, question: Question) -> Answer:
        """Return the answer to a question; one that was refused ends the command."""
        try:
            answer = self._of_spool(question)
        except SpoolBusyError:
            answer = self._of_process(question)
        except (SpoolError, OSError) as error:
            _refuse(str(error), NO_SPOOL)
        if not answer.done:
            _refuse(answer.words, NOT_DONE)
        return answer

    def _of_process(self, question: Question) -> Answer:
        try:
            return ask(desk_of(self._spool_dir, self._place.gateway), question)
        except (AskingError, OSError) as error:
            _refuse(str(error), NOT_DONE)

    def _of_spool(self, question: Question) -> Answer:
        """Answer from the spool itself.

        Raises:
            SpoolBusyError: a process carries the home: ask that.
            SpoolError: there is no such spool.
        """
        if not (self._spool_dir / f"{self._place.gateway}.spool").exists():
            raise SpoolError(
                f"no spool of {self._place.gateway} in {self._spool_dir}; nothing was done."
                " Name its folder with --spool-dir"
            )
        place, broker = self._place, self._homes_file.broker
        home = open_home(place, broker, self._spool_dir, self.clock, Event())
        try:
            if question.what == "measuring":
                return Answer(done=False, words="device-gateway is not running: start it first")
            return answered(home, question, self.clock.now())
        finally:
            home.spool.close()


def _place(homes: Path | None, settings: Settings, gateway: str) -> tuple[HomesFile, Place]:
    try:
        file = read_homes(homes or settings.homes)
    except HomesError as error:
        _refuse(str(error), NO_INPUT)
    places = [place for place in file.homes if gateway in ("", place.gateway)]
    if len(places) != 1:
        known = ", ".join(place.gateway for place in file.homes)
        _refuse(f"name one home with --gateway: {known}", WRONG_USAGE)
    return file, places[0]


def _refuse(why: str, code: int) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
