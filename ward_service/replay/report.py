"""What a replay found, as the API gives it, and as text that a clinician can read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from ward_service.contract.http.pathways import ReplayCounts, ReplayNeed, ReplayView
from ward_service.contract.vocabulary import Level
from ward_service.domain.pathway import Pathway
from ward_service.replay.comparison import ALL, Count, Need, Tally, shifts_between
from ward_service.replay.fold import Habit

_DAY_S: Final = 86_400.0
_SHOWN: Final = 20  # people named one by one in the text; the JSON has them all


def view(
    tally: Tally,
    candidate: Pathway,
    before: Sequence[str],
    habits: Mapping[Level, Habit],
    since: datetime,
    until: datetime,
) -> ReplayView:
    """Return what was counted as a report."""
    whole = tally.by.get(ALL, Count())
    shifts = shifts_between(candidate, since, until)
    return ReplayView(
        pathway=candidate.name,
        replaces=tuple(before),
        since=since,
        until=until,
        nurse_shifts=shifts,
        live_per_shift=_per(whole.live, shifts),
        candidate_per_shift=_per(whole.candidate, shifts),
        whole=_counts(*ALL, whole),
        levels=_of(tally, ("level",)),
        classes=_of(tally, ("class",)),
        groups=_of(tally, _splits(tally)),
        earlier=tuple(_need(need) for need in _by_time(tally.earlier)),
        missed=tuple(_need(need) for need in _by_time(tally.missed)),
        not_replayed=dict(sorted(tally.skipped.items())),
        inputs=tally.readings,
        assumed=tuple(_assumed(tally, habits)),
    )


def _of(tally: Tally, splits: Iterable[str]) -> tuple[ReplayCounts, ...]:
    found = []
    for split in splits:
        groups = sorted(group for of, group in tally.by if of == split)
        found += [_counts(split, group, tally.by[split, group]) for group in groups]
    return tuple(found)


def _splits(tally: Tally) -> list[str]:
    return list(dict.fromkeys(s for s, _ in sorted(tally.by) if s not in ("all", "level", "class")))


def _counts(split: str, group: str, count: Count) -> ReplayCounts:
    days = count.seconds / _DAY_S
    return ReplayCounts(
        of=split,
        group=group,
        stays=count.stays,
        patient_days=round(days, 2),
        live_per_100_days=_per(count.live, days / 100),
        candidate_per_100_days=_per(count.candidate, days / 100),
        **{
            name: getattr(count, name)
            for name in ReplayCounts.model_fields
            if name not in _WORKED_OUT
        },
    )


_WORKED_OUT: Final = (
    "of", "group", "stays", "patient_days", "live_per_100_days", "candidate_per_100_days",
)  # fmt: skip


def _per(count: int, of: float) -> float | None:
    return round(count / of, 2) if of else None


def _by_time(needs: Iterable[Need]) -> list[Need]:
    return sorted(needs, key=lambda need: (need.alert.opened_at, str(need.alert.id)))


def _need(need: Need) -> ReplayNeed:
    at = need.candidate_at
    return ReplayNeed(
        episode_id=need.episode_id,
        alert_id=need.alert.id,
        alert_class=need.alert.alert_class,
        level=need.alert.level,
        outcome=need.alert.outcome,
        live_at=need.alert.opened_at,
        candidate_at=at,
        earlier_min=None if at is None else round((need.alert.opened_at - at).total_seconds() / 60),
    )


def _assumed(tally: Tally, habits: Mapping[Level, Habit]) -> Iterator[str]:
    yield (
        "People measured when they did, repeated what they were asked to, and answered what they "
        "were asked, under the rules of then."
    )
    yield "The candidate was in force from each admission on; a person's own changed limits stand."
    yield (
        f"What people did about an alert they would have done about the candidate's of that class; "
        f"{tally.no_alert} acts found none in play, {tally.not_allowed} its rules do not allow."
    )
    yield (
        f"Where no live alert was in play, the candidate's was acknowledged with a contact, and "
        f"resolved, as usual here ({tally.usual} times):"
    )
    for level, habit in habits.items():
        from_where = (
            f"the median of {habit.counted} alerts"
            if habit.counted
            else "what the candidate asks for, as too few were answered here"
        )
        lags = (
            f"{_format(habit.acknowledge)} to acknowledge, {_format(habit.resolve)} more to resolve"
        )
        yield f"  {level}: {lags} ({from_where})."


def _format(lag: timedelta) -> str:
    minutes = round(lag.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def say(report: ReplayView) -> Iterator[str]:
    """Yield the report as lines of text. It names stays, never people."""
    whole = report.whole
    yield f"{report.pathway} over stays of {', '.join(report.replaces)}"
    yield f"from {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    days, shifts = whole.patient_days, report.nurse_shifts
    yield f"{whole.stays} stays, {days:.0f} patient-days, {shifts} nurse-shifts"
    for why, stays in report.not_replayed.items():
        yield f"Not replayed: {stays} stays, as {why}"
    yield ""
    yield f"{'':34s}{'live':>9s}{'candidate':>11s}"
    for name, live, candidate in (
        ("alerts", whole.live, whole.candidate),
        ("alerts per 100 patient-days", whole.live_per_100_days, whole.candidate_per_100_days),
        ("alerts per nurse-shift", report.live_per_shift, report.candidate_per_shift),
        ("calls to staff", whole.live_calls, whole.candidate_calls),
        ("  of them out of hours", whole.live_night_calls, whole.candidate_night_calls),
        ("messages to patients", whole.live_to_patient, whole.candidate_to_patient),
    ):
        yield f"{name:34s}{_cell(live):>9s}{_cell(candidate):>11s}"
    yield f"{whole.more} alerts more, {whole.fewer} fewer"
    yield ""
    yield f"{'':34s}{'live':>9s}{'candidate':>11s}{'more':>7s}{'fewer':>7s}"
    for row in (*report.levels, *report.classes):
        yield (
            f"{row.of + ' ' + row.group:34s}{row.live:9d}{row.candidate:11d}"
            f"{row.more:7d}{row.fewer:7d}"
        )
    yield ""
    yield from _say_needs(report)
    yield ""
    yield (
        f"{'per 100 patient-days':34s}{'stays':>7s}{'live':>9s}{'candidate':>11s}"
        f"{'needed':>8s}{'earlier':>9s}{'missed':>8s}"
    )
    for row in report.groups:
        yield (
            f"{row.of + ' ' + row.group:34s}{row.stays:7d}{_cell(row.live_per_100_days):>9s}"
            f"{_cell(row.candidate_per_100_days):>11s}{row.needs:8d}{row.earlier:9d}{row.missed:8d}"
        )
    yield ""
    yield "Assumed:"
    yield from report.assumed
    yield "For use inside the ward: small counts are not hidden."


def _say_needs(report: ReplayView) -> Iterator[str]:
    whole = report.whole
    yield (
        f"Of {whole.needs} live alerts that were needed, {whole.earlier} would have come earlier "
        f"and {whole.missed} not in time; {whole.lowered} reds would never have been red."
    )
    for word, needs in (("earlier", report.earlier), ("missed", report.missed)):
        for need in needs[:_SHOWN]:
            when = "never" if need.earlier_min is None else f"{need.earlier_min:+.0f} min earlier"
            if need.earlier_min is not None and need.earlier_min < 0:
                when = f"{-need.earlier_min:.0f} min later"
            yield (
                f"  {word}: stay {need.episode_id}, {need.level} {need.alert_class}, "
                f"{need.live_at:%Y-%m-%d %H:%M}, {when}"
            )
        if len(needs) > _SHOWN:
            yield f"  {word}: and {len(needs) - _SHOWN} more (--json has them all)"


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:d}" if isinstance(value, int) else f"{value:.2f}"
