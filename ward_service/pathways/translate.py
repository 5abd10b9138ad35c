"""From what a file says to what the rules see. Nothing is decided here."""

from collections.abc import Mapping

from ward_service.contract.plan import Schedule, Service
from ward_service.contract.rules import (
    AnswerIs,
    BandsRule,
    ChangedBy,
    Condition,
    Confirmation,
    Continuous,
    Edge,
    ExertionFall,
    FindingRule,
    MedianIs,
    Missed,
    News2Rule,
    Question,
    SwapDoubt,
    TimeOfDay,
    ValueIs,
    VitalRule,
)
from ward_service.contract.vocabulary import Level
from ward_service.domain.pathway import (
    Call,
    Discharge,
    Duration,
    Enrolment,
    Ladder,
    LadderStep,
    Missing,
    Parameter,
    Pathway,
)
from ward_service.pathways.file import (
    WEEK,
    AnswerIsFile,
    BandsFile,
    CallFile,
    ChangedByFile,
    EdgeFile,
    ExertionFallFile,
    Fact,
    FindingFile,
    LadderFile,
    LaddersFile,
    MedianIsFile,
    MissedFile,
    QuestionFile,
    ValueIsFile,
    VitalFile,
    Written,
)


def translate(written: Written) -> Pathway:
    """Return the version as the rules see it."""
    return Pathway(
        id=written.id,
        version=written.version,
        title=written.title,
        modes=written.modes,
        channels=written.channels,
        enrolment=_enrolment(written),
        parameters={
            name: Parameter(p.default.value, *p.bounds.value, p.vital, p.means)
            for name, p in written.parameters.items()
        },
        vitals={vital: _vital(rule) for vital, rule in written.vitals.items()},
        fills=written.fills,
        questions={name: _question(question) for name, question in written.questions.items()},
        asks_for_call=written.asks_for_call.value,
        findings=tuple(_finding(id_, finding) for id_, finding in written.findings.items()),
        news2=_news2(written),
        continuous=_continuous(written),
        zone=written.schedule.zone,
        schedule=_schedule(written),
        missing=_missing(written),
        confirmation=_confirmation(written),
        swap=_swap(written),
        service=_service(written),
        shift_changes=written.service.shift_changes.value,
        ladders={mode: _ladders(ladders) for mode, ladders in written.ladders.items()},
        check_in_days=written.check_in_days.value,
        duration=Duration(
            days=written.duration.length.value.days,
            from_onset=written.duration.anchor.value == "onset",
        ),
        discharge=Discharge(written.discharge.criteria.value, written.discharge.must_have.value),
        late_after=written.late_after.value,
        clock_tolerance=written.clock_tolerance.value,
        before_stay=written.before_stay.value,
        further_fall=written.further_fall,
        exertion_rest_min=written.exertion_rest_min,
        history_spacing=written.history_spacing.value,
        stale_after=written.stale_after.value,
        start_up_grace=written.start_up_grace.value,
        reference_language=written.reference_language,
        texts=written.texts,
        reviewed=frozenset(
            code for code, language in written.languages.items() if language.reviewer is not None
        ),
    )


def edge(given: EdgeFile) -> Edge:
    """Return an edge as the rules see it."""
    if isinstance(given, str):
        return Edge(given)
    return Edge(given.below_baseline, below_baseline=True, not_below=given.not_below)


def bands_rule(bands: BandsFile, digits: int) -> BandsRule:
    """Return the bands of a vital as the rules see them."""
    edges = tuple(edge(band.up_to) for band in bands if band.up_to is not None)
    return BandsRule(edges, tuple(band.level for band in bands), digits)


def _maybe(given: EdgeFile | None) -> Edge | None:
    return None if given is None else edge(given)


def _enrolment(written: Written) -> Enrolment:
    given = written.enrolment
    return Enrolment(
        min_age_years=given.min_age_years.value,
        max_age_years=given.max_age_years.value if given.max_age_years else None,
        requires=given.requires.value,
        exclusions=given.exclusions.value,
    )


def _vital(given: VitalFile) -> VitalRule:
    digits = given.digits.value
    bands = {str(name): bands_rule(rule, digits) for name, rule in given.bands.items()}
    return VitalRule(given.believable.value, bands)


def _question(given: QuestionFile) -> Question:
    answers = given.answers.value if given.answers else {}
    return Question(given.said, answers, several=given.choose == "several")


def _finding(id_: str, given: FindingFile) -> FindingRule:
    conditions = tuple(_condition(c.fact) for c in given.all_of if c.fact is not None)
    return FindingRule(
        id=id_,
        level=given.level,
        alert_class=given.alert_class,
        conditions=conditions,
        confirm=given.confirm,
        said=given.said,
    )


def _condition(fact: Fact) -> Condition:
    if isinstance(fact, ValueIsFile):
        return ValueIs(
            fact.vital, fact.context, _maybe(fact.at_most), _maybe(fact.at_least), kind="value_is"
        )
    if isinstance(fact, MedianIsFile):
        at_most, at_least = _maybe(fact.at_most), _maybe(fact.at_least)
        return MedianIs(fact.vital, fact.readings.value, at_most, at_least, kind="median_is")
    if isinstance(fact, ChangedByFile):
        hours = fact.within.value.total_seconds() / 3_600
        return ChangedBy(
            fact.vital, hours, _maybe(fact.falls_by), _maybe(fact.rises_by), kind="changed_by"
        )
    if isinstance(fact, ExertionFallFile):
        return ExertionFall(edge(fact.falls_by), kind="exertion_fall")
    if isinstance(fact, AnswerIsFile):
        return AnswerIs(fact.question, tuple(sorted(set(fact.one_of))), kind="answer_is")
    if isinstance(fact, MissedFile):
        return Missed(fact.windows.value, kind="missed")
    return TimeOfDay(fact.since, fact.until, kind="time_of_day")


def _news2(written: Written) -> News2Rule | None:
    given = written.news2
    if not given.used:
        return None
    totals = tuple((total.at_least, total.level) for total in given.totals)
    return News2Rule(applies=True, totals=totals, single_three=given.single_three.value)


def _continuous(written: Written) -> Continuous:
    given = written.continuous
    return Continuous(
        stable=given.stable.value,
        stable_spread=given.stable_spread.value,
        held_red=given.held_red.value,
        gap=given.gap.value,
    )


def _schedule(written: Written) -> Schedule:
    given = written.schedule
    return Schedule(
        times=given.times.value,
        window=given.window.value,
        overdue_after=given.overdue_after.value,
    )


def _missing(written: Written) -> Missing:
    given = written.missing
    return Missing(
        remind_after=given.remind_after.value,
        reminder_valid=given.reminder_valid.value,
        staff_after=given.staff_after.value,
        missed_windows=given.missed_windows.value,
        first_chase_after=given.first_chase_after.value,
    )


def _confirmation(written: Written) -> Confirmation:
    given = written.confirmation
    return Confirmation(
        repeat_within={
            Level.RED: given.repeat_within.red.value,
            Level.AMBER: given.repeat_within.amber.value,
        },
        minimum_gap=given.minimum_gap.value,
        second_red_within=given.second_red_within.value,
    )


def _swap(written: Written) -> SwapDoubt | None:
    given = written.swap
    return SwapDoubt(given.spo2_at_most.value, given.pulse_at_least.value) if given else None


def _service(written: Written) -> Service:
    given = written.service
    return Service(
        zone=given.zone,
        days=tuple(sorted({WEEK.index(day) for day in given.days.value})),
        opens=given.opens.value,
        closes=given.closes.value,
        out_of_hours=given.out_of_hours,
    )


def _ladders(given: LaddersFile) -> Mapping[Level, Ladder]:
    return {
        Level.RED: _ladder(given.red),
        Level.AMBER: _ladder(given.amber),
        Level.OVERDUE: _ladder(given.overdue),
        Level.TECHNICAL: _ladder(given.technical),
    }


def _ladder(given: LadderFile) -> Ladder:
    steps = tuple(
        LadderStep(
            after=step.after.value,
            in_hours=tuple(map(_call, step.in_hours)),
            out_of_hours=()
            if step.out_of_hours == "hold"
            else tuple(map(_call, step.out_of_hours)),
        )
        for step in given.steps
    )
    return Ladder(
        steps=steps,
        repeat_every=given.repeat_every.value,
        acknowledge_within=given.acknowledge_within.value,
        contact_within=given.contact_within.value,
        resume_after=given.resume_after.value,
    )


def _call(given: CallFile) -> Call:
    return Call(given.to, given.by, given.text)
