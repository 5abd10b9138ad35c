"""From a stay to the plan that its home holds, and from a plan back to the rules that judge by it.

The home judges with the same code as the ward: the rules travel as they are (`contract/rules.py`),
with this person's own limits. What only the ward does (ladders, silence, admission) stays there.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Literal

from ward_service.contract.plan import MAX_PLAN, Care, HomeRules, PersonalLimits, Plan
from ward_service.contract.rules import Edge, Rules
from ward_service.domain.advice import texts_needed
from ward_service.domain.civil_time import local
from ward_service.domain.history import Past
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.news2 import MIN_AGE
from ward_service.domain.pathway import Guide, Pathway
from ward_service.domain.state import EpisodeState
from ward_service.domain.texts import text_for

# Texts for the ward, and of the letter that it prints: they stay there.
AT_THE_WARD: Final = ("call.", "letter.")
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
    exertion_stopped_at: datetime | None = None


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
        schedule=pathway.schedule,
        service=pathway.service,
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


def rules_of(plan: Plan) -> tuple[Guide, Limits]:
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
    guide = _guide(care)
    try:
        _must_be_whole(guide, limits)
        for zone in (care.zone, care.service.zone):
            local(care.since, zone)
    except (KeyError, ValueError) as error:
        raise PlanError("a number, or a text, that it needs is not in it") from error
    return guide, limits


def known_at_home(
    care: Care, limits: Limits, history: tuple[Past, ...] = (), last_rest: Past | None = None
) -> AtHome:
    """Return what a home knows of its person: of age and pregnancy only what NEWS2 needs."""
    applies = care.rules.news2 is not None and care.rules.news2.applies
    age, pregnant = (MIN_AGE, False) if applies else (None, None)
    return AtHome(care.since, care.zone, limits, age, pregnant, history, last_rest)


def _must_be_whole(guide: Guide, limits: Limits) -> None:
    """Look at every number and text that judging and advice may ask for.

    Raises:
        KeyError: one is not there.
        ValueError: the numbers do not rise.
    """
    for vital, rule in guide.vitals.items():
        for oxygen in (True, False):
            if rule.bands:
                personal_bands(rule.bands[bands_name(vital, limits, oxygen)], limits)
    for finding in guide.findings:
        for condition in finding.conditions:
            for found in (getattr(condition, name) for name in condition.__slots__):
                if isinstance(found, Edge):
                    limits.number_at(found)
    if guide.exertion_rest_min is not None:
        limits.get(guide.exertion_rest_min)
    reference = guide.texts[guide.reference_language]
    for name, question in guide.questions.items():
        asked = (question.said, *(f"answer.{name}.{answer}" for answer in question.answers))
        if missing := [id_ for id_ in asked if id_ not in reference]:
            raise KeyError(missing[0])
    for language in guide.texts:
        for id_ in texts_needed(guide):
            text_for(id_, guide, limits, language)


# --- to the wire ---------------------------------------------------------------------------------


def _rules(state: EpisodeState, pathway: Pathway) -> HomeRules:
    """Return the pathway's rules as they are, with this person's numbers.

    Age and pregnancy stay at the ward: only whether NEWS2 is made for this person is said.
    """
    limits, news2 = state.limits, pathway.news2
    own = PersonalLimits(
        number=limits.number,
        parameters=dict(limits.parameters),
        target=limits.target,
        baseline_spo2=limits.baseline_spo2,
        home_oxygen=limits.home_oxygen,
    )
    old_enough = state.age_years is not None and state.age_years >= MIN_AGE
    applies = old_enough and state.pregnant is False
    rules = _as_they_are(pathway) | {"news2": news2 and replace(news2, applies=applies)}
    return HomeRules(limits=own, **rules)


def _as_they_are(rules: Rules) -> dict[str, Any]:
    return {part.name: getattr(rules, part.name) for part in fields(Rules)}


# --- from the wire -------------------------------------------------------------------------------


def _guide(care: Care) -> Guide:
    id_, _, version = care.pathway.partition("@")
    return Guide(
        id=id_,
        version=int(version),
        title=care.title,
        zone=care.zone,
        schedule=care.schedule,
        service=care.service,
        reference_language=care.reference_language,
        texts=care.texts,
        reviewed=frozenset(care.reviewed),
        **_as_they_are(care.rules),
    )
