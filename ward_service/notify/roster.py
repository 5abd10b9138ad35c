"""The roster: who answers for a role, how they are reached, and whether that was ever tried."""

import re
import time
from datetime import datetime
from typing import Final

from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import OWNER, PATIENT, Channel, Mode
from ward_service.domain.pathway import Call, LadderStep, Pathway
from ward_service.errors import (
    ConflictError,
    MessageLostError,
    NotFoundError,
    NotifyError,
    WardError,
)
from ward_service.notify.channels import open_channels
from ward_service.notify.notifier import OutgoingMessage, Reporting
from ward_service.notify.routing import said_of
from ward_service.notify.sms import e164
from ward_service.notify.webhook import may_post_to
from ward_service.store.tables.messages import RosterRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

ARRIVES_S: Final = 30.0  # real seconds within which a test by text message is to arrive
_MAIL: Final = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
_NUMBER: Final = re.compile(r"\+?[0-9][0-9 ()-]{2,30}")
_TEST: Final = (
    "This is a test of Homeward. Nobody is ill. If you have this, you can be reached when an alert "
    "waits; there is nothing to do."
)


def add_line(ward: Ward, role: str, channel: Channel, address: str, now: datetime) -> int:
    """Put somebody on the roster; return the number of the line. It is not tested yet.

    Raises:
        WardError: no pathway calls such a role, or the channel has no such addresses.
    """
    known = sorted({call.to for pathway in ward.current.values() for call in _calls(pathway)})
    roles = [role for role in known if role != PATIENT and not role.startswith(OWNER)]
    with ward.unit_of_work() as store:
        owner = role.removeprefix(f"{OWNER}:") if role.startswith(f"{OWNER}:") else None
        if role not in roles and (owner is None or store.accounts.get(owner) is None):
            raise WardError(
                f"No pathway here calls such a role. There is: {', '.join(roles)}; and "
                f"{OWNER}:USERNAME for somebody with an account. Nothing was added."
            )
        if not _fits(channel, address):
            mobile = ": a mobile number, as 07700 900123 or with + and its country"
            hint = mobile if channel is Channel.SMS else ""
            raise WardError(f"That is no address for {channel}{hint}. Nothing was added.")
        line = RosterRow(role=role, channel=channel, address=address, since=now)
        store.add(line)
        return line.id


def try_line(
    ward: Ward, id_: int, now: datetime, *, answered: bool = False, wait_s: float = ARRIVES_S
) -> None:
    """Try a line of the roster: send it a test, and note when it went out.

    By phone a person rings, and says with `answered` that somebody did. A text message must
    arrive, and `wait_s` is waited for it; after that somebody says with `answered` that it came.

    Raises:
        NotFoundError: there is no such line.
        WardError: it did not go out or arrive, or nobody has said that the phone was answered.
    """
    with ward.unit_of_work(read_only=True) as store:
        line = _line(store, id_, now)
    if line.channel is Channel.PHONE and not answered:
        raise WardError(
            f"Ring the number of line {id_}. When somebody has answered: "
            f"ward-service roster test {id_} --answered"
        )
    if not (line.channel is Channel.SMS and answered):
        _send_test(ward, line, now, wait_s)
    with ward.unit_of_work() as store:
        _line(store, id_, now).tested_at = now


def _send_test(ward: Ward, line: RosterRow, now: datetime, wait_s: float) -> None:
    channel = open_channels(ward.settings)[line.channel]
    message = OutgoingMessage(f"test:{new_id(now)}", line.address, "Homeward: a test", _TEST)
    problem: str | None = None
    try:
        channel.send(message)
    except NotifyError as error:
        problem = str(error)
    with ward.unit_of_work() as store:
        store.channels.note(line.channel, ward.clock.wall(), problem)
    if problem is not None:
        raise WardError(f"The test did not go out: {problem}. The line stays untested.")
    if isinstance(channel, Reporting) and not _arrives(channel, message, wait_s):
        raise WardError(
            f"The test went out, and has not arrived yet. Line {line.id} stays untested. When it "
            f"has come: ward-service roster test {line.id} --answered"
        )


def _arrives(channel: Reporting, message: OutgoingMessage, wait_s: float) -> bool:
    """Wait until a message has arrived; False if that takes longer than we wait."""
    until = time.monotonic() + wait_s
    while True:
        try:
            if channel.arrived(message.key, message.way):
                return True
        except MessageLostError as lost:
            raise WardError(f"The test did not arrive: {lost}. The line stays untested.") from lost
        except NotifyError:
            pass  # it cannot be asked just now
        if time.monotonic() >= until:
            return False
        time.sleep(min(1.0, wait_s))


def end_line(ward: Ward, id_: int, now: datetime) -> None:
    """Take a line off the roster from now on.

    Raises:
        NotFoundError: there is no such line.
        ConflictError: it has ended already.
    """
    with ward.unit_of_work() as store:
        line = _line(store, id_, now)
        line.until = now


def add_screens(ward: Ward, now: datetime) -> None:
    """Let every role of every pathway be reached by the ward list alone: for a demo."""
    for pathway in ward.current.values():
        for call in _calls(pathway):
            with ward.unit_of_work() as store:
                if call.to != PATIENT and not store.roster.of_role(call.to, now):
                    screen = Channel.SCREEN
                    row = RosterRow(
                        role=call.to, channel=screen, address="", since=now, tested_at=now
                    )
                    store.add(row)


def unreachable(ward: Ward, pathway: Pathway, mode: Mode, now: datetime) -> list[str]:
    """Say, a sentence for each role, whom the ladder would call by no channel that was tested.

    A phone counts once it was answered. The ward list counts only while the team is there to look
    at it. The patient is not asked about here.
    """
    with ward.unit_of_work(read_only=True) as store:
        lines = {
            call.to: [line.channel for line in store.roster.of_role(call.to, now) if line.tested_at]
            for call in _calls(pathway)
            if call.to != PATIENT
        }
    missing: dict[str, list[str]] = {}
    for level, ladder in pathway.ladders[mode].items():
        for number, step in enumerate(ladder.steps, 1):
            for role, when in _not_reached(step, lines):
                missing.setdefault(role, []).append(f"{level} step {number}{when}")
    return [
        f"Nobody who answers for {said_of(role)} has a tested channel ({', '.join(steps)})."
        for role, steps in missing.items()
    ]


def _not_reached(step: LadderStep, lines: dict[str, list[Channel]]) -> list[tuple[str, str]]:
    """Return the roles of a step that nobody can be reached for, and when not."""
    awake = {role: set(channels) - {Channel.SCREEN} for role, channels in lines.items()}
    by_day = [call.to for call in step.in_hours if call.to in lines and not lines[call.to]]
    by_night = [call.to for call in step.out_of_hours if call.to in lines and not awake[call.to]]
    return [
        *((role, "") for role in by_day),
        *((role, " out of hours") for role in by_night if role not in by_day),
    ]


def _calls(pathway: Pathway) -> list[Call]:
    return [
        call
        for ladders in pathway.ladders.values()
        for ladder in ladders.values()
        for step in ladder.steps
        for call in (*step.in_hours, *step.out_of_hours)
    ]


def _line(store: Store, id_: int, now: datetime) -> RosterRow:
    line = store.roster.get(id_)
    if line is None:
        raise NotFoundError("There is no such line on the roster. See: ward-service roster list")
    if line.until is not None and line.until <= now:
        raise ConflictError("This line of the roster has ended. Add a new one.")
    return line


def _fits(channel: Channel, address: str) -> bool:
    match channel:
        case Channel.SCREEN:
            return not address
        case Channel.EMAIL:
            return _MAIL.fullmatch(address) is not None
        case Channel.WEBHOOK:
            return may_post_to(address)
        case Channel.SMS:
            return e164(address) is not None
        case Channel.PHONE:
            return _NUMBER.fullmatch(address) is not None
