"""device-gateway: the home side at the command line."""

import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from device_gateway.cli import claim, enrol, explain, page, radio
from device_gateway.cli.advice import advice_command
from device_gateway.cli.common import (
    NO_INPUT,
    UNREADABLE,
    WRONG_USAGE,
    HomesOption,
    SpoolDirOption,
    begin,
    homes_or_refuse,
    open_street,
    refuse,
    stop_on_signals,
)
from device_gateway.cli.doctor import doctor_command
from device_gateway.decode import uuids
from device_gateway.decode.frame import Decoder
from device_gateway.decode.registry import FAMILIES, decoders
from device_gateway.decode.stream import Stream
from device_gateway.playback import recordings, replay, simulate
from device_gateway.playback.recordings import RecordingError, RecordingFile
from device_gateway.playback.scheduler import Part, play

log = logging.getLogger(__name__)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("web")(page.web_command)
app.command("measuring")(claim.measuring_command)
app.command("whose")(claim.whose_command)

enrol.register(app)
radio.add_to(app)

Files = Annotated[
    list[Path], typer.Argument(exists=True, help="recordings, or folders with recordings")
]


app.command("doctor")(doctor_command)


@app.callback()
def main() -> None:
    """The home side: from a finger to the ward, with nothing lost on the way.

    Exit codes: 0 done, or ended when told to; 1 something could not be read (it is named, the rest
    was done), or was refused; 2 wrong usage; 3 homes file, devices file or recording unusable;
    4 spool unusable or in use; 5 no key was got, and what was there is there still; 6 the radio or
    a device cannot be used; 7 the patient's page cannot be served.
    """


app.command("advice")(advice_command)


@app.command("decode")
def decode_command(
    frames: Annotated[
        list[str] | None,
        typer.Argument(metavar="HEX", help="one notification each; from standard input if none"),
    ] = None,
    characteristic: Annotated[
        str | None, typer.Option(help="UUID, such as 2A5F; may be left out if the family has one")
    ] = None,
    family: Annotated[
        str, typer.Option(help=f"whose frames, for a vendor's: {', '.join(FAMILIES)}")
    ] = "",
    file: Annotated[
        bool, typer.Option("--file", help="each HEX is a whole file that was fetched from a device")
    ] = False,
) -> None:
    """Print what frames say, one line of JSON each. Exit 1 if something cannot be read.

    A family whose frames come split or glued is put together first, as the radio does it.
    """
    if family and family not in FAMILIES:
        refuse(f"no family {family!r}; known: {', '.join(FAMILIES)}", WRONG_USAGE)
    head: explain.Line = {}
    if family:
        head |= {"family": family, "evidence": FAMILIES[family].evidence}
    if file:
        decoder, stream = _file_decoder(family), Stream()
    else:
        uuid = _characteristic(characteristic, family)
        head["characteristic"] = uuids.said(uuid)
        decoder, stream = decoders(family)[uuid], _stream(uuid, family)
    unreadable = False
    for line in explain.lines(frames or _lines(sys.stdin), head, decoder, stream):
        typer.echo(json.dumps(line))
        if "error" in line:
            unreadable = True
            typer.echo(f"{line['frame']}: {line['error']}", err=True)
    if unreadable:
        raise typer.Exit(UNREADABLE)


@app.command("recordings")
def recordings_command(files: Files) -> None:
    """List what files hold, one line of JSON per recording, in the order that replay uses.

    Each needs a home of its own. Exit 1 if lines could not be read.
    """
    read = _read_recordings(files)
    for file in read:
        for recording in file.recordings:
            line = {
                "recording": recording.name,
                "device": recording.device,
                "file": str(file.path),
                "samples": len(recording.samples),
                "lasts_s": recording.lasts.total_seconds(),
            }
            typer.echo(json.dumps(line))
    if _tell_bad_lines(read):
        raise typer.Exit(UNREADABLE)


@app.command("replay")
def replay_command(
    files: Files,
    homes: HomesOption = None,
    spool_dir: SpoolDirOption = None,
    spot_check: Annotated[bool, typer.Option(help="as 2A5E spot checks, not as 2A5F")] = False,
    fast: Annotated[bool, typer.Option(help="as quick as it goes, the last sample now")] = False,
    as_recorded: Annotated[bool, typer.Option(help="with the times in the file; quick")] = False,
    as_minutes: Annotated[
        bool, typer.Option(help="as a live stream: put together to minutes of seconds")
    ] = False,
    stay: Annotated[bool, typer.Option(help="keep the homes online after the end")] = False,
    page_port: page.PortOption = None,
    page_host: page.HostOption = "127.0.0.1",
) -> None:
    """Play recordings through homes: one recording to each home, in order.

    Each sample is a reading; with --as-minutes each minute is.

    Returns when the ward has receipted every reading. Killed anywhere, it goes on where it was.
    """
    settings, clock = begin()
    homes_file = homes_or_refuse(homes or settings.homes)
    read = _read_recordings(files)
    unreadable = _tell_bad_lines(read)
    found = [recording for file in read for recording in file.recordings]
    if spot_check and as_minutes:
        refuse("--spot-check is one reading a sample: not --as-minutes", WRONG_USAGE)
    manner = replay.Manner(spot_check, fast or as_recorded, as_recorded, as_minutes)
    places = homes_file.homes[: len(found)]
    stop = stop_on_signals()
    pace = settings.pace(hurry=manner.hurry)
    folder = spool_dir or settings.spool_dir
    with (
        open_street(homes_file, places, folder, clock, settings, pace) as street,
        page.page(street, folder, clock, page_host, page_port),
    ):
        try:
            parts = replay.parts(found, street.homes, clock.now(), manner)
        except RecordingError as error:
            refuse(str(error), NO_INPUT)
        _tell_replay(parts, len(found))
        street.ticking = not as_minutes
        play(parts, clock, stop, hurry=manner.hurry)
        street.ticking = True
        while not stop.is_set() and (stay or street.unsent()):
            stop.wait(0.2)
    if unreadable:
        raise typer.Exit(UNREADABLE)


@app.command("simulate")
def simulate_command(
    seed: Annotated[int, typer.Option(help="the same seed is the same street")],
    homes: HomesOption = None,
    people: Annotated[int, typer.Option(min=1, max=999)] = 40,
    spool_dir: SpoolDirOption = None,
    page_port: page.PortOption = None,
    page_host: page.HostOption = "127.0.0.1",
) -> None:
    """Run a street of invented people through real homes until told to end."""
    settings, clock = begin()
    homes_file = homes_or_refuse(homes or settings.homes)
    if people > len(homes_file.homes):
        refuse(
            f"{people} people, but only {len(homes_file.homes)} homes in the homes file;"
            " add gateways at the ward, or ask for fewer --people",
            NO_INPUT,
        )
    places = homes_file.homes[:people]
    stop = stop_on_signals()
    folder = spool_dir or settings.spool_dir
    with (
        open_street(homes_file, places, folder, clock, settings, on_damage=stop.set) as street,
        page.page(street, folder, clock, page_host, page_port),
    ):
        play(simulate.parts(seed, street.homes, clock.now()), clock, stop)
        stop.wait()


def _read_recordings(files: list[Path]) -> list[RecordingFile]:
    try:
        return recordings.read_all(files)
    except RecordingError as error:
        refuse(str(error), NO_INPUT)


def _tell_bad_lines(files: list[RecordingFile]) -> bool:
    for file in files:
        for bad in file.bad_lines:
            typer.echo(f"{file.path}, line {bad.number}: {bad.reason}; left out", err=True)
        if file.bad_lines:
            kept = sum(len(recording.samples) for recording in file.recordings)
            said = f"{len(file.bad_lines)} lines could not be read, {kept} samples could"
            typer.echo(f"{file.path}: {said}", err=True)
    return any(file.bad_lines for file in files)


def _tell_replay(parts: list[Part], recordings_found: int) -> None:
    before = sum(part.taken for part in parts)
    log.info("replay.began", extra={"recordings": recordings_found, "taken_before": before})


def _lines(stream: Iterable[str]) -> Iterable[str]:
    return (line.strip() for line in stream if line.strip())


def _characteristic(written: str | None, family: str) -> int:
    subscribed = FAMILIES[family].profile.subscribe if family else ()
    if written is None and len(subscribed) == 1:
        return subscribed[0]
    known = decoders(family)
    try:
        uuid = uuids.number(written or "")
    except ValueError:
        uuid = -1
    if uuid not in known:
        names = ", ".join(uuids.said(uuid) for uuid in sorted(known))
        refuse(f"no decoder for characteristic {written!r}; known: {names}", WRONG_USAGE)
    return uuid


def _stream(characteristic: int, family: str) -> Stream:
    profile = FAMILIES[family].profile if family else None
    if profile is None or characteristic not in profile.subscribe:
        return Stream()
    return Stream(profile.framing)


def _file_decoder(family: str) -> Decoder:
    found = {key: one.profile.file_decoder for key, one in FAMILIES.items()}
    decoder = found.get(family)
    if decoder is None:
        names = ", ".join(key for key, one in found.items() if one)
        refuse(f"--file needs a --family of: {names}", WRONG_USAGE)
    return decoder


if __name__ == "__main__":
    app()
