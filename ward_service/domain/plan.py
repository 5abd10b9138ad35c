"""From a stay to the plan that its home holds, and from a plan back to the rules that judge by it.

The home judges with the same code as the ward: a plan gives it a pathway and limits that find the
same in a reading. What only the ward does (ladders, silence, admission) is left out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from ward_service.contract import plan as wire
from ward_service.contract.plan import MAX_PLAN, Care, Plan
from ward_service.domain.advice import texts_needed
from ward_service.domain.civil_time import local
from ward_service.domain.history import Past
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.news2 import MIN_AGE
from ward_service.domain.pathway import (
    AnswerIs,
    BandsRule,
    ChangedBy,
    Condition,
    Confirmation,
    Continuous,
    Discharge,
    Duration,
    Edge,
    Enrolment,
    ExertionFall,
    FindingRule,
    MedianIs,
    Missed,
    Missing,
    News2Rule,
    Pathway,
    Question,
    Schedule,
    Service,
    SwapDoubt,
    TimeOfDay,
    ValueIs,
    VitalRule,
)
from ward_service.domain.state import EpisodeState
from ward_service.domain.texts import text_for

# Texts for the ward, and of the letter that it prints: they stay there.
AT_THE_WARD: Final = ("call.", "letter.")
NEVER: Final = timedelta()  # a length that only the ward needs
Use = Literal["demo", "shadow", "live"]


class PlanError(ValueError):
    """A plan that cannot be judged by. The text says why, and repeats nothing from the plan."""


@dataclass(frozen=True, slots=True)
class AtHome:
    """What a home knows of its person when it judges a reading (`judging.Known`)."""

    admitted_at: datetime
    zone: str
    limits: Limits
    age_years: int | None
    pregnant: bool | None
    history: tuple[Past, ...] = ()
    last_rest: Past | None = None


def in_the_plan(state: EpisodeState) -> tuple[object, ...]:
    """Return what a plan takes from a stay; when it changes, the home needs a new one."""
    return state.limits, state.zone, state.mode, state.ended_at is None


def care_of(
    state: EpisodeState,
    pathway: Pathway,
    *,
    language: str | None,
    use: Use,
    signed: bool,
    phone: str = "",
    interpreter: str = "",
) -> Care:
    """Return how somebody is cared for, as their home must know it.

    A language that the pathway has no texts in stays theirs: their home says so.

    Age and pregnancy do not leave the ward: only whether NEWS2 is used for this person does.
    """
    reference = pathway.reference_language
    spoken = pathway.spoken(language)
    languages = dict.fromkeys((spoken or reference, reference))
    return Care(
        pathway=pathway.name,
        title=pathway.title,
        use=use,
        signed=signed,
        since=state.admitted_at,
        mode=state.mode,
        zone=state.zone,
        schedule=wire.Schedule(
            times=pathway.schedule.times,
            window=pathway.schedule.window,
            overdue_after=pathway.schedule.overdue_after,
        ),
        service=wire.Service(
            zone=pathway.service.zone,
            days=tuple(sorted(pathway.service.days)),
            opens=pathway.service.opens,
            closes=pathway.service.closes,
            out_of_hours=pathway.service.out_of_hours,
        ),
        rules=_rules(state, pathway),
        language=spoken or language or reference,
        reference_language=reference,
        texts={
            name: {
                id_: t for id_, t in pathway.texts[name].items() if not id_.startswith(AT_THE_WARD)
            }
            for name in languages
        },
        ward_number=phone,
        interpreter=interpreter,
        reviewed=tuple(name for name in languages if name in pathway.reviewed),
    )


def written(plan: Plan) -> bytes:
    """Return a plan as it crosses the wire.

    Raises:
        PlanError: it is larger than a home takes.
    """
    payload = plan.model_dump_json(exclude_defaults=True).encode()
    if len(payload) > MAX_PLAN:
        raise PlanError(f"it has {len(payload)} bytes, and a home takes {MAX_PLAN}")
    return payload


def read_plan(payload: bytes) -> Plan:
    """Read a plan, and prove that it can be judged by.

    Raises:
        PlanError: it is no plan, has a kind of rule that this program does not know, or is not
            whole. Nothing of it may be used.
    """
    if len(payload) > MAX_PLAN:
        raise PlanError(f"it has {len(payload)} bytes, and a home takes {MAX_PLAN}")
    try:
        plan = Plan.model_validate_json(payload)
    except ValueError as error:  # its own text repeats the plan
        raise PlanError("its shape, or a rule of it, is not known here") from error
    if plan.ended:
        return plan
    rules_of(plan)
    return plan


def rules_of(plan: Plan) -> tuple[Pathway, Limits]:
    """Return what readings are judged by under this plan.

    Raises:
        PlanError: the plan has ended, or is not whole: a number or a text that judging or advice
            needs is not in it.
    """
    if plan.care is None or plan.ended:
        raise PlanError("it has ended" if plan.ended else "there is no care in it")
    care = plan.care
    given = care.rules.limits
    limits = Limits(
        tuple(given.parameters.items()),
        given.target,
        given.baseline_spo2,
        given.home_oxygen,
        given.number,
    )
    pathway = _pathway(care)
    try:
        _must_be_whole(pathway, limits)
        for zone in (care.zone, care.service.zone):
            local(care.since, zone)
    except (KeyError, ValueError) as error:
        raise PlanError("a number, or a text, that it needs is not in it") from error
    return pathway, limits


def known_at_home(
    care: Care, limits: Limits, history: tuple[Past, ...] = (), last_rest: Past | None = None
) -> AtHome:
    """Return what a home knows of its person: of age and pregnancy only what NEWS2 needs."""
    applies = care.rules.news2 is not None and care.rules.news2.applies
    age, pregnant = (MIN_AGE, False) if applies else (None, None)
    return AtHome(care.since, care.zone, limits, age, pregnant, history, last_rest)


def _must_be_whole(pathway: Pathway, limits: Limits) -> None:
    """Look at every number and text that judging and advice may ask for.

    Raises:
        KeyError: one is not there.
        ValueError: the numbers do not rise.
    """
    for vital, rule in pathway.vitals.items():
        for oxygen in (True, False):
            if rule.bands:
                personal_bands(rule.bands[bands_name(vital, limits, oxygen)], limits)
    for finding in pathway.findings:
        for condition in finding.conditions:
            for found in (getattr(condition, name) for name in condition.__slots__):
                if isinstance(found, Edge):
                    limits.number_at(found)
    if pathway.exertion_rest_min is not None:
        limits.get(pathway.exertion_rest_min)
    reference = pathway.texts[pathway.reference_language]
    for name, question in pathway.questions.items():
        asked = (question.said, *(f"answer.{name}.{answer}" for answer in question.answers))
        if missing := [id_ for id_ in asked if id_ not in reference]:
            raise KeyError(missing[0])
    for language in pathway.texts:
        for id_ in texts_needed(pathway):
            text_for(id_, pathway, limits, language)


# --- to the wire ---------------------------------------------------------------------------------


def _rules(state: EpisodeState, pathway: Pathway) -> wire.Rules:
    limits, confirmation, swap = state.limits, pathway.confirmation, pathway.swap
    return wire.Rules(
        limits=wire.Limits(
            number=limits.number,
            parameters=dict(limits.parameters),
            target=limits.target,
            baseline_spo2=limits.baseline_spo2,
            home_oxygen=limits.home_oxygen,
        ),
        vitals={vital: _vital_out(rule) for vital, rule in pathway.vitals.items()},
        fills=pathway.fills,
        questions={
            name: wire.Question(said=q.said, answers=dict(q.answers), several=q.several)
            for name, q in pathway.questions.items()
        },
        asks_for_call=pathway.asks_for_call,
        findings=tuple(_finding_out(rule) for rule in pathway.findings),
        news2=_news2_out(state, pathway),
        continuous=wire.Continuous(
            stable=pathway.continuous.stable,
            stable_spread=pathway.continuous.stable_spread,
            held_red=pathway.continuous.held_red,
            gap=pathway.continuous.gap,
        ),
        confirmation=wire.Confirmation(
            repeat_within=dict(confirmation.repeat_within),
            minimum_gap=confirmation.minimum_gap,
            second_red_within=confirmation.second_red_within,
        ),
        swap=swap
        and wire.SwapDoubt(spo2_at_most=swap.spo2_at_most, pulse_at_least=swap.pulse_at_least),
        exertion_rest_min=pathway.exertion_rest_min,
        late_after=pathway.late_after,
        clock_tolerance=pathway.clock_tolerance,
        before_stay=pathway.before_stay,
        history_spacing=pathway.history_spacing,
        stale_after=pathway.stale_after,
    )


def _news2_out(state: EpisodeState, pathway: Pathway) -> wire.News2Rule | None:
    if not pathway.news2.used:
        return None
    old_enough = state.age_years is not None and state.age_years >= MIN_AGE
    return wire.News2Rule(
        applies=old_enough and state.pregnant is False,
        totals=pathway.news2.totals,
        single_three=pathway.news2.single_three,
    )


def _vital_out(rule: VitalRule) -> wire.VitalRule:
    bands = {
        name: wire.Bands(edges=tuple(map(_edge_out, b.edges)), levels=b.levels, digits=b.digits)
        for name, b in rule.bands.items()
    }
    return wire.VitalRule(believable=rule.believable, bands=bands)


def _edge_out(edge: Edge) -> wire.Edge:
    return wire.Edge(
        parameter=edge.parameter, below_baseline=edge.below_baseline, not_below=edge.not_below
    )


def _maybe_out(edge: Edge | None) -> wire.Edge | None:
    return None if edge is None else _edge_out(edge)


def _finding_out(rule: FindingRule) -> wire.FindingRule:
    return wire.FindingRule(
        id=rule.id,
        level=rule.level,
        alert_class=rule.alert_class,
        conditions=tuple(_condition_out(condition) for condition in rule.conditions),
        confirm=rule.confirm,
        said=rule.said,
    )


def _condition_out(given: Condition) -> wire.Condition:
    match given:
        case ValueIs(vital, context, at_most, at_least):
            return wire.ValueIs(
                kind="value_is",
                vital=vital,
                context=context,
                at_most=_maybe_out(at_most),
                at_least=_maybe_out(at_least),
            )
        case MedianIs(vital, readings, at_most, at_least):
            return wire.MedianIs(
                kind="median_is",
                vital=vital,
                readings=readings,
                at_most=_maybe_out(at_most),
                at_least=_maybe_out(at_least),
            )
        case ChangedBy(vital, hours, falls_by, rises_by):
            return wire.ChangedBy(
                kind="changed_by",
                vital=vital,
                hours=hours,
                falls_by=_maybe_out(falls_by),
                rises_by=_maybe_out(rises_by),
            )
        case ExertionFall(falls_by):
            return wire.ExertionFall(kind="exertion_fall", falls_by=_edge_out(falls_by))
        case AnswerIs(question, one_of):
            codes = tuple(sorted(one_of))
            return wire.AnswerIs(kind="answer_is", question=question, one_of=codes)
        case Missed(windows):
            return wire.Missed(kind="missed", windows=windows)
        case TimeOfDay(since, until):
            return wire.TimeOfDay(kind="time_of_day", since=since, until=until)


# --- from the wire -------------------------------------------------------------------------------


def _pathway(care: Care) -> Pathway:
    """Return the pathway of a plan. What only the ward needs of one is empty in it."""
    id_, _, version = care.pathway.partition("@")
    rules, service, schedule = care.rules, care.service, care.schedule
    news2, swap = rules.news2, rules.swap
    return Pathway(
        id=id_,
        version=int(version),
        title=care.title,
        modes=(care.mode,),
        channels=(),
        enrolment=Enrolment(0, None, (), ()),
        parameters={},
        vitals={vital: _vital(rule) for vital, rule in rules.vitals.items()},
        fills=rules.fills,
        questions={
            name: Question(q.said, q.answers, q.several) for name, q in rules.questions.items()
        },
        asks_for_call=rules.asks_for_call,
        findings=tuple(_finding(rule) for rule in rules.findings),
        news2=News2Rule(
            used=news2 is not None,
            reason="",
            totals=news2.totals if news2 else (),
            single_three=news2.single_three if news2 else None,
        ),
        continuous=Continuous(
            rules.continuous.stable,
            rules.continuous.stable_spread,
            rules.continuous.held_red,
            rules.continuous.gap,
        ),
        schedule=Schedule(care.zone, schedule.times, schedule.window, schedule.overdue_after),
        missing=Missing((), NEVER, NEVER, 0, NEVER),
        confirmation=Confirmation(
            rules.confirmation.repeat_within,
            rules.confirmation.minimum_gap,
            rules.confirmation.second_red_within,
        ),
        swap=SwapDoubt(swap.spo2_at_most, swap.pulse_at_least) if swap else None,
        service=Service(
            service.zone,
            frozenset(service.days),
            service.opens,
            service.closes,
            (),
            service.out_of_hours,
        ),
        ladders={},
        check_in_days=(),
        duration=Duration(0, from_onset=False),
        discharge=Discharge((), ()),
        late_after=rules.late_after,
        clock_tolerance=rules.clock_tolerance,
        before_stay=rules.before_stay,
        further_fall=None,
        exertion_rest_min=rules.exertion_rest_min,
        history_spacing=rules.history_spacing,
        stale_after=rules.stale_after,
        start_up_grace=NEVER,
        reference_language=care.reference_language,
        texts=care.texts,
        reviewed=frozenset(care.reviewed),
    )


def _vital(rule: wire.VitalRule) -> VitalRule:
    bands = {
        name: BandsRule(tuple(map(_edge, b.edges)), b.levels, b.digits)
        for name, b in rule.bands.items()
    }
    return VitalRule(rule.believable, bands)


def _edge(given: wire.Edge) -> Edge:
    return Edge(given.parameter, given.below_baseline, given.not_below)


def _maybe(given: wire.Edge | None) -> Edge | None:
    return None if given is None else _edge(given)


def _finding(given: wire.FindingRule) -> FindingRule:
    return FindingRule(
        given.id,
        given.level,
        given.alert_class,
        tuple(_condition(condition) for condition in given.conditions),
        given.confirm,
        given.said,
    )


def _condition(given: wire.Condition) -> Condition:
    match given:
        case wire.ValueIs():
            edges = _maybe(given.at_most), _maybe(given.at_least)
            return ValueIs(given.vital, given.context, *edges)
        case wire.MedianIs():
            edges = _maybe(given.at_most), _maybe(given.at_least)
            return MedianIs(given.vital, given.readings, *edges)
        case wire.ChangedBy():
            edges = _maybe(given.falls_by), _maybe(given.rises_by)
            return ChangedBy(given.vital, given.hours, *edges)
        case wire.ExertionFall():
            return ExertionFall(_edge(given.falls_by))
        case wire.AnswerIs():
            return AnswerIs(given.question, frozenset(given.one_of))
        case wire.Missed():
            return Missed(given.windows)
        case wire.TimeOfDay():
            return TimeOfDay(given.since, given.until)
