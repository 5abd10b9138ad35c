"""How homes are, in words. Every number says of when it is: what a home said is as old as that."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from clinician_dashboard.view_models.words import age, ago, clock_time, patient_name
from ward_service.contract.http.board import PatientLine
from ward_service.contract.http.homes import DeviceView, HomeView

# Less than this a clock may be wrong before it is worth a word: readings are timed in minutes.
CLOCK_WORTH_SAYING: Final = timedelta(minutes=1)


def state_words(home: HomeView, now: datetime) -> str:
    """Say whether a home is connected, and since when; loudly when nothing is heard of it."""
    if home.online is None or home.since is None or home.heard_at is None:
        return "NEVER HEARD FROM" if home.heard_at is None else "says nothing of itself"
    if not home.online:
        return f"OFFLINE since {clock_time(home.since, now)}, {age(home.since, now)}"
    if home.quiet:
        return f"QUIET: was online, and nothing came for {age(home.heard_at, now)}"
    return f"online since {clock_time(home.since, now)}"


def people_words(home: HomeView, patients: Sequence[PatientLine]) -> str:
    """Say who has which place in a home."""
    names = {p.episode_id: patient_name(p.family_name, p.given_name) for p in patients}
    return ", ".join(f"{h.slot}: {_name(h.episode_id, names)}" for h in home.holders) or "nobody"


def _name(episode_id: UUID, names: dict[UUID, str]) -> str:
    return names.get(episode_id, "somebody who is no longer on the list")


def worries(home: HomeView, now: datetime) -> list[str]:
    """Say what is wrong with a home that somebody lives in, worst first; nothing if all is well."""
    if not home.holders:
        return []
    lines = []
    if home.quiet:
        lines.append(state_words(home, now))
    if home.missing and home.missing_since is not None:
        since = clock_time(home.missing_since, now)
        lines.append(f"{_readings(home.missing)} made there and not here, missing since {since}")
    for trouble in home.troubles:
        whose = f"place {trouble.slot}: " if trouble.slot is not None else ""
        since = f", since {clock_time(trouble.since, now)}" if trouble.since else ""
        lines.append(f"{whose}{trouble.words}{since}{_as_of(home, now)}")
    if home.unclaimed:
        lines.append(
            f"{_readings(home.unclaimed)} that nobody there has claimed{_as_of(home, now)}"
        )
    return lines


def home_rows(
    homes: Iterable[HomeView], patients: Sequence[PatientLine], now: datetime
) -> list[dict[str, str]]:
    """Return one line for each home, in the ward's order."""
    return [
        {
            "home": home.gateway,
            "who lives there": people_words(home, patients),
            "state": state_words(home, now),
            "last heard": "never" if home.heard_at is None else ago(home.heard_at, now),
            "waiting there": waiting_words(home, now),
            "missing": str(home.missing) if home.missing else "none",
            "devices": "; ".join(device_words(device, home, now) for device in home.devices),
            "clock": clock_words(home, now),
            "plans": ", ".join(f"{slot}: no. {n}" for slot, n in sorted(home.plans.items())),
            "software": home.software or "",
            "as of": "" if home.told_at is None else ago(home.told_at, now),
        }
        for home in homes
    ]


def waiting_words(home: HomeView, now: datetime) -> str:
    """Say how many readings wait at a home, how old the oldest is, and of when that is known."""
    if home.depth is None or home.told_at is None:
        return "not known"
    said = f"said {ago(home.told_at, now)}"
    if not home.depth or home.oldest_at is None:
        return f"none, {said}"
    return f"{home.depth}, the oldest {age(_here(home.oldest_at, home), now)} old, {said}"


def device_words(device: DeviceView, home: HomeView, now: datetime) -> str:
    """Say when a device was last heard, and its battery as of then."""
    named = device.model or device.family or "a device"
    if device.slots:
        named += f" (place {', '.join(str(slot) for slot in device.slots)})"
    if device.seen_at is None:
        return f"{named}: never heard"
    battery = "" if device.battery is None else f", battery {device.battery:g} % then"
    return f"{named}: heard {ago(_here(device.seen_at, home), now)}{battery}"


def clock_words(home: HomeView, now: datetime) -> str:
    """Say how wrong the clock at home is, as far as it can tell."""
    if home.clock_ahead_s is None:
        return "not known"
    ahead = timedelta(seconds=home.clock_ahead_s)
    if abs(ahead) < CLOCK_WORTH_SAYING:
        return "right"
    return f"{age(now - abs(ahead), now)} {'ahead' if ahead > timedelta(0) else 'behind'}"


def _here(moment: datetime, home: HomeView) -> datetime:
    """Return a moment of the home's clock by the ward's, as far as is known."""
    return moment - timedelta(seconds=home.clock_ahead_s or 0)


def _as_of(home: HomeView, now: datetime) -> str:
    return "" if home.told_at is None else f" (said {ago(home.told_at, now)})"


def _readings(count: int) -> str:
    return "1 reading" if count == 1 else f"{count} readings"
