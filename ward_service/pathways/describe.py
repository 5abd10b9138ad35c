"""A pathway in rows of words: what it is about, what it says, and its source.

`show` prints the rows and `diff` compares them, so that what a lead signs is what is compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final

from ward_service.contract.vocabulary import UNITS, Context, Level, Vital
from ward_service.pathways.checks.bands import default, hang_on_baseline
from ward_service.pathways.checks.ladders import all_ladders
from ward_service.pathways.file import (
    AnswerIsFile,
    BandFile,
    BandsFile,
    BelowBaseline,
    CallFile,
    ChangedByFile,
    EdgeFile,
    ExertionFallFile,
    Fact,
    MedianIsFile,
    MissedFile,
    StepFile,
    TimeOfDayFile,
    ValueIsFile,
    VitalFile,
    Written,
)
from ward_service.pathways.sourced import Sourced, T, say_length

NOT_SET: Final = "not set"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a pathway says. Without `source`: it is no number.

    Rows of one `group` belong together; `note` says what a value is.
    """

    section: str
    label: str
    value: str
    source: str = ""
    group: str = ""
    note: str = ""


def describe(written: Written) -> list[Row]:
    """Return everything that a pathway says, in the order in which it is read."""
    return [row for part in _PARTS for row in part(written)]


def say(value: object) -> str:
    """Say what stands in a file: a length of time, a time of day, a list, a number, nothing."""
    if isinstance(value, timedelta):
        return say_length(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple):
        return ", ".join(map(say, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value).replace("_", " ")


def unit(vital: Vital) -> str:
    """Return what follows a number of a vital: ` %`."""
    return UNITS[vital].said.partition("{}")[2]


def _row(section: str, label: str, said: Sourced[T], tail: str = "", group: str = "") -> Row:
    return Row(section, label, say(said.value) + tail, said.source, group)


def _about(written: Written) -> Iterator[Row]:
    section = "Pathway"
    owner = written.owner
    yield Row(section, "title", written.title)
    yield Row(section, "version", f"{written.id}@{written.version}")
    yield Row(section, "owner", ", ".join((owner.name or "nobody yet", owner.role or "no role")))
    yield Row(section, "effective from", str(written.effective_from or "when it is signed"))
    yield Row(
        section, "supersedes", f"version {written.supersedes}" if written.supersedes else "nothing"
    )
    yield Row(section, "what changed", written.change_note)


def _who(written: Written) -> Iterator[Row]:
    section, given = "Who", written.enrolment
    yield _row(section, "youngest", given.min_age_years, " years")
    if given.max_age_years is None:
        yield Row(section, "oldest", "no limit")
    else:
        yield _row(section, "oldest", given.max_age_years, " years")
    yield _row(section, "not admitted without", given.requires)
    yield _row(section, "not admitted with", given.exclusions)
    yield Row(section, "modes", say(written.modes))
    yield Row(section, "readings come by", say(written.channels))


def _parameters(written: Written) -> Iterator[Row]:
    section = "Numbers that each person has a copy of"
    for name, given in written.parameters.items():
        tail = unit(given.vital)
        value = given.default.value
        said = NOT_SET if value is None else f"{value:g}{tail}"
        yield Row(section, name, said, given.default.source, note=given.means)
    for name, given in written.parameters.items():
        low, high = given.bounds.value
        said = f"{low:g} to {high:g}{unit(given.vital)}"
        yield Row(section, name, said, given.bounds.source, group="bounds")


def _vitals(written: Written) -> Iterator[Row]:
    section = "Vitals"
    fills = written.fills
    yield Row(section, "fills a due time", UNITS[fills].label if fills else "any answer")
    for vital, rule in written.vitals.items():
        label = UNITS[vital].label
        low, high = rule.believable.value
        said = f"{low:g} to {high:g}{unit(vital)}"
        yield Row(section, f"{label}, believed", said, rule.believable.source)
        yield _row(section, f"{label}, digits", rule.digits)
        if not rule.bands:
            yield Row(section, f"{label}, bands", "none: kept, and not judged alone")
        for name, bands in rule.bands.items():
            yield from _bands(section, vital, rule, name.replace("_", " "), bands, written)


def _bands(
    section: str, vital: Vital, rule: VitalFile, name: str, bands: BandsFile, written: Written
) -> Iterator[Row]:
    below: BandFile | None = None
    levels = [band.level for band in bands]
    for n, band in enumerate(bands):
        again = levels[:n].count(band.level)
        label = f"{band.level}, again" if again else str(band.level)
        if hang_on_baseline(bands) or _unset(bands, written):
            said = f"up to {_edge(band.up_to, written)}" if band.up_to else "above that"
        else:
            said = _range(below, band, rule.digits.value, unit(vital), written)
        yield Row(section, label, said, group=f"{UNITS[vital].label}, {name}")
        below = band


def _unset(bands: BandsFile, written: Written) -> bool:
    names = [band.up_to for band in bands if isinstance(band.up_to, str)]
    return any(default(written, name) is None for name in names)


def _range(below: BandFile | None, band: BandFile, digits: int, tail: str, written: Written) -> str:
    """Say a band by its printed edges: `92 % or less`, `93 to 94 %`, `95 % or more`."""
    top = default(written, band.up_to) if isinstance(band.up_to, str) else None
    under = below.up_to if below is not None else None
    edge = default(written, under) if isinstance(under, str) else None
    low = None if edge is None else round(edge + 10**-digits, digits)
    if low is None:
        return f"{top:g}{tail} or less" if top is not None else "every value"
    return f"{low:g}{tail} or more" if top is None else f"{low:g} to {top:g}{tail}"


def _edge(edge: EdgeFile | None, written: Written) -> str:
    if edge is None:
        return "none"
    if isinstance(edge, BelowBaseline):
        floor = f", never below {_edge(edge.not_below, written)}" if edge.not_below else ""
        return f"the usual value less {_edge(edge.below_baseline, written)}{floor}"
    value = default(written, edge)
    return f"{edge} ({NOT_SET if value is None else f'{value:g}'})"


def _questions(written: Written) -> Iterator[Row]:
    section = "Questions"
    for name, given in written.questions.items():
        if given.answers is None:
            yield Row(section, name, f"free words, which trigger nothing ({given.said})")
            continue
        yield Row(section, name, f"choose {given.choose} ({given.said})", given.answers.source)
        for answer, level in given.answers.value.items():
            group = f"{name}: {level or 'not worrying'}"
            yield Row(section, answer.replace("_", " "), "", group=group)
    yield _row(section, "asks to be called", written.asks_for_call)


def _findings(written: Written) -> Iterator[Row]:
    section = "Findings of several facts"
    for name, given in written.findings.items():
        confirm = "asks for a repeat" if given.confirm else "asks for no repeat"
        said = f"{given.level}, {given.alert_class}, {confirm}: {given.said}"
        yield Row(section, "is", said, given.source, name)
        for n, condition in enumerate(given.all_of, start=1):
            if condition.fact is not None:
                value, source = _fact(condition.fact, written)
                label = "when" if n == 1 else f"and {n}:"
                yield Row(section, label, value, source or given.source, name)


def _fact(fact: Fact, written: Written) -> tuple[str, str]:
    if isinstance(fact, ValueIsFile):
        when = "at rest" if fact.context is Context.REST else "after exertion"
        return f"{UNITS[fact.vital].label} {when} {_limits(fact, written)}", ""
    if isinstance(fact, MedianIsFile):
        of = f"the median of the last {fact.readings.value} of {UNITS[fact.vital].label}"
        return f"{of} {_limits(fact, written)}", fact.readings.source
    if isinstance(fact, ChangedByFile):
        falls = fact.falls_by is not None
        by = _edge(fact.falls_by if falls else fact.rises_by, written)
        way = f"{'falls' if falls else 'rises'} by {by} or more"
        within = f"within {say_length(fact.within.value)}"
        return f"{UNITS[fact.vital].label} {way} {within}", fact.within.source
    if isinstance(fact, ExertionFallFile):
        return f"SpO2 falls with exertion by {_edge(fact.falls_by, written)} or more", ""
    if isinstance(fact, AnswerIsFile):
        return f"{say(fact.question)} is answered: {' or '.join(map(say, fact.one_of))}", ""
    if isinstance(fact, MissedFile):
        return f"{fact.windows.value} agreed readings in a row are missed", fact.windows.source
    return _time_of_day(fact)


def _time_of_day(fact: TimeOfDayFile) -> tuple[str, str]:
    return f"from {fact.since:%H:%M} until {fact.until:%H:%M} at home", fact.source


def _limits(fact: ValueIsFile | MedianIsFile, written: Written) -> str:
    said = []
    if fact.at_most is not None:
        said.append(f"at most {_edge(fact.at_most, written)}")
    if fact.at_least is not None:
        said.append(f"at least {_edge(fact.at_least, written)}")
    return " and ".join(said)


def _news2(written: Written) -> Iterator[Row]:
    section, given = "NEWS2", written.news2
    yield Row(section, "used" if given.used else "not used", given.reason)
    for total in given.totals:
        yield Row(section, f"{total.at_least} or more points", total.level, total.source)
    yield _row(section, "3 points in one sign", given.single_three)


def _times(written: Written) -> Iterator[Row]:
    section, given = "When readings are agreed", written.schedule
    yield _row(section, "times", given.times, f" ({given.zone})")
    yield _row(section, "window before and after", given.window)
    yield _row(section, "overdue after", given.overdue_after)
    section, missing = "When a reading does not come", written.missing
    for n, after in enumerate(missing.remind_after.value, start=1):
        yield Row(section, f"reminder {n} after", say(after), missing.remind_after.source)
    yield _row(section, "a reminder is worth sending for", missing.reminder_valid)
    yield _row(section, "staff are told after", missing.staff_after)
    yield _row(section, "or after missed in a row", missing.missed_windows)
    yield _row(section, "the first is chased after", missing.first_chase_after)


def _confirmation(written: Written) -> Iterator[Row]:
    section, given = "Confirmation by a repeat", written.confirmation
    yield _row(section, "red: repeat within", given.repeat_within.red)
    yield _row(section, "amber: repeat within", given.repeat_within.amber)
    yield Row(section, "no repeat in time", "the alert stands")
    yield _row(section, "not a repeat before", given.minimum_gap)
    yield _row(section, "a second red opens within", given.second_red_within)


def _believing(written: Written) -> Iterator[Row]:
    section = "What is believed, and for how long"
    if written.swap is None:
        yield Row(section, "swapped numbers", "not asked about")
    else:
        yield _row(section, "looks swapped: SpO2 up to", written.swap.spo2_at_most, " %")
        yield _row(section, "and a pulse from", written.swap.pulse_at_least, " /min")
    yield Row(section, "a further fall", written.further_fall or "none: nothing falls here")
    yield Row(section, "no exertion below", written.exertion_rest_min or "nobody is asked to")
    yield _row(section, "one occasion lasts", written.history_spacing)
    yield _row(section, "late after", written.late_after)
    yield _row(section, "clock may be ahead by", written.clock_tolerance)
    yield _row(section, "wrong clock: before the stay by", written.before_stay)
    yield _row(section, "stale after", written.stale_after)
    yield _row(section, "grace after the ward was blind", written.start_up_grace)
    continuous = written.continuous
    yield _row(section, "continuous: stable for", continuous.stable)
    yield _row(section, "continuous: within", continuous.stable_spread)
    yield _row(section, "continuous: a red held for", continuous.held_red)
    yield _row(section, "continuous: a gap ends a run", continuous.gap)


def _service(written: Written) -> Iterator[Row]:
    section, given = "Who is there", written.service
    yield _row(section, "days", given.days)
    yield _row(section, "opens", given.opens, f" ({given.zone})")
    yield _row(section, "closes", given.closes, f" ({given.zone})")
    yield _row(section, "shifts change", given.shift_changes)
    yield Row(section, "out of hours a patient reads", given.out_of_hours)
    for name, said in written.roles.items():
        yield Row(section, name.replace("_", " "), said)


def _ladders(written: Written) -> Iterator[Row]:
    for field, level, ladder in all_ladders(written):
        section = f"Who is called, {field.split('.')[1].replace('_', ' ')}"
        group = str(level)
        for n, step in enumerate(ladder.steps, start=1):
            after = f"after {say(step.after.value)}" if step.after.value else "at once"
            said = f"{after}: {_step(step, level)}"
            yield Row(section, f"step {n}", said, step.after.source, group)
        yield _row(section, "last step again every", ladder.repeat_every, "", group)
        yield _row(section, "acknowledge within", ladder.acknowledge_within, "", group)
        yield _row(section, "goes on after a reminder", ladder.resume_after, "", group)
        yield _row(section, "contact within", ladder.contact_within, "", group)


def _step(step: StepFile, level: Level) -> str:
    out = step.out_of_hours
    closed = "held until opening" if isinstance(out, str) else _calls(out, level)
    return f"{_calls(step.in_hours, level)}, out of hours {closed}"


def _calls(calls: tuple[CallFile, ...], level: Level) -> str:
    """Say who is called, by which channels if not as agreed, with which words if not the usual."""
    said = []
    for call in calls:
        by = f" by {say(call.by)}" if call.by else ""
        words = f" ({call.text})" if call.text != f"call.{level}" else ""
        said.append(f"{say(call.to)}{by}{words}")
    return " and ".join(said)


def _end(written: Written) -> Iterator[Row]:
    section, duration = "How long, and how it ends", written.duration
    yield _row(section, "length", duration.length)
    yield _row(section, "counted from", duration.anchor)
    yield _row(section, "check-in days", written.check_in_days)
    yield _row(section, "discharge weighs", written.discharge.criteria)
    yield _row(section, "no discharge without", written.discharge.must_have)


def _texts(written: Written) -> Iterator[Row]:
    for language, about in written.languages.items():
        way = "right to left" if about.right_to_left else "left to right"
        by = f"{about.name}, {way}; translated by {about.translator}, {about.date}"
        reviewer = f"reviewed by {about.reviewer}" if about.reviewer else "nobody has reviewed it"
        yield Row("Languages", language, f"{by}; {reviewer}")
    for language, texts in written.texts.items():
        reference = ", of reference" if language == written.reference_language else ""
        for id_, text in texts.items():
            yield Row(f"Words ({language}{reference})", id_, " ".join(text.split()))


def _sources(written: Written) -> Iterator[Row]:
    for code, said in written.sources.items():
        yield Row("Sources", code, said)


_PARTS: Final[tuple[Callable[[Written], Iterator[Row]], ...]] = (
    _about,
    _who,
    _parameters,
    _vitals,
    _questions,
    _findings,
    _news2,
    _times,
    _confirmation,
    _believing,
    _service,
    _ladders,
    _end,
    _texts,
    _sources,
)
