"""What is wrong at a home, in a nurse's words: one table, code to words. The home sends codes only.

`said` names the device by its model, or as "a device" where the home does not; `counted` follows
where the home counted. What to do is said where a nurse, or the patient, can do it.
"""

from datetime import datetime
from typing import Final, NamedTuple

from ward_service.contract.messages import Trouble
from ward_service.contract.vocabulary import TroubleCode
from ward_service.domain.civil_time import local
from ward_service.domain.inputs import HomeTrouble
from ward_service.domain.sequence import Missing


class TroubleWords(NamedTuple):
    """How a trouble is said: with `{device}`, and what is added where there is a `{count}`."""

    said: str
    counted: str = ""


WORDS: Final[dict[TroubleCode, TroubleWords]] = {
    TroubleCode.RADIO_OFF: TroubleWords(
        "the box at home hears no device: its Bluetooth is off or broken. Readings do not come "
        "by themselves"
    ),
    TroubleCode.DEVICE_FAILING: TroubleWords(
        "{device} at home does not work as it should: ask whether it is switched on and charged",
        " (it failed {count} times)",
    ),
    TroubleCode.POSSIBLY_MISSED: TroubleWords(
        "the box at home may have missed what {device} measured: ask for the numbers",
        " (perhaps {count} readings)",
    ),
    TroubleCode.BATTERY_LOW: TroubleWords(
        "the battery of {device} at home is low: ask for a new one"
    ),
    TroubleCode.SPOOL_NEARLY_FULL: TroubleWords(
        "the box at home is nearly full of readings that it could not send: continuous ones are "
        "kept in short only"
    ),
    TroubleCode.SPOOL_FULL: TroubleWords(
        "the box at home is full and takes no more readings. Ring, and write the numbers down"
    ),
    TroubleCode.SPOOL_DAMAGED: TroubleWords(
        "the box at home had a damaged memory and began a new one: what it had not sent by then "
        "may be missing. Ask for the numbers, and tell support"
    ),
    TroubleCode.UNCLAIMED: TroubleWords(
        "somebody at home has measured and not said who it was: ask whose it is",
        " ({count} readings wait)",
    ),
    TroubleCode.CLOCK_WRONG: TroubleWords(
        "the clock of the box at home is wrong: the times of its readings cannot be trusted"
    ),
    TroubleCode.PLAN_NOT_UNDERSTOOD: TroubleWords(
        "the box at home does not understand the care plan that it was sent, and advises by an "
        "earlier one or not at all. Tell support"
    ),
}


def trouble_words(trouble: Trouble) -> str:
    """Return a trouble in a nurse's words, with the model of its device and its count."""
    words = WORDS[trouble.code]
    said = words.said.format(device=trouble.device or "a device")
    return said + (words.counted.format(count=trouble.count) if trouble.count else "")


def as_input(trouble: Trouble) -> HomeTrouble:
    """Return a trouble as the rules take it: the same of another device is another one."""
    about = f"home.{trouble.code}" + (f":{trouble.device}" if trouble.device else "")
    return HomeTrouble(about, trouble_words(trouble))


def as_missing(missing: Missing, now: datetime, zone: str) -> HomeTrouble:
    """Return what has not come as the rules take it, by the clock on the ward's wall."""
    since, today = local(missing.since, zone), local(now, zone).date()
    at = f"{since:%H:%M}" if since.date() == today else f"{since:%d %b %H:%M}"
    made = "1 reading was" if missing.count == 1 else f"{missing.count} readings were"
    has = "has" if missing.count == 1 else "have"
    return HomeTrouble(
        "home.missing",
        f"{made} made at home and {has} not come since {at}: ask for the numbers",
    )
