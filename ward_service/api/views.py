"""Rows into the shapes that the contract promises. No rule lives here."""

from collections.abc import Sequence
from datetime import datetime

from ward_service.contract.http.alerts import (
    AlertView,
    CallView,
    FindingView,
    LedgerEntryView,
    StepView,
)
from ward_service.contract.http.board import BandView
from ward_service.contract.http.readings import News2View, ReadingView, ToldView
from ward_service.contract.http.stays import LimitsView, ParameterView
from ward_service.contract.messages import Reading, read_payload
from ward_service.contract.vocabulary import Level, Speaker, Vital
from ward_service.domain.alerts import AlertFinding
from ward_service.domain.bands import WORRY
from ward_service.domain.exertion import exertion_prompt
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState
from ward_service.store.alerts import findings_of
from ward_service.store.tables.alerts import AlertRow, LedgerRow, TimerRow
from ward_service.store.tables.messages import MessageRow
from ward_service.store.tables.readings import ReadingRow


def alert_view(
    row: AlertRow,
    ledger: Sequence[LedgerRow] = (),
    steps: Sequence[TimerRow] = (),
    calls: Sequence[MessageRow] = (),
) -> AlertView:
    """Return an alert, its worst finding first, with as much of its story as is handed in.

    Of one level the lowest SpO2 is the worst; reasons that are no numbers keep their order.
    """
    findings = sorted(findings_of(row), key=_worst_first)
    return AlertView(
        id=row.id,
        episode_id=row.episode_id,
        version=row.version,
        alert_class=row.alert_class,
        level=row.level,
        state=row.state,
        opened_at=row.opened_at,
        noticed_at=row.noticed_at,
        respond_by=row.respond_by,
        next_call_at=row.step_at,
        owner=row.owner,
        acknowledged_at=row.acknowledged_at,
        contact_by=row.contact_by,
        contacted_at=row.contacted_at,
        outcome=row.outcome,
        pathway=row.pathway,
        limits=row.limits,
        late=row.late,
        review=row.review,
        findings=tuple(_finding_view(found) for found in findings),
        ledger=tuple(entry_view(entry) for entry in ledger),
        steps=tuple(_step_view(step) for step in steps),
        calls=tuple(_call_view(call) for call in calls),
    )


def entry_view(entry: LedgerRow) -> LedgerEntryView:
    """Return one line of a ledger."""
    return LedgerEntryView(
        at=entry.at, noticed_at=entry.noticed_at, by=entry.by, what=entry.what, words=entry.words
    )


def _step_view(row: TimerRow) -> StepView:
    return StepView(
        round=row.round,
        step=row.step + 1,
        due_at=row.due_at,
        taken_at=row.taken_at,
        stopped_at=row.stopped_at,
    )


def _call_view(row: MessageRow) -> CallView:
    return CallView(
        to=row.to,
        due_at=row.due_at,
        channel=row.channel,
        sent_at=row.sent_at,
        stopped_at=row.stopped_at,
        given_up_at=row.given_up_at,
        attempts=row.attempts,
        problem=row.problem,
        arrived_at=row.arrived_at,
    )


def spo2_bands(pathway: Pathway, limits: Limits) -> tuple[BandView, ...]:
    """Return the bands by which this person's SpO2 is judged, for drawing."""
    rule = pathway.vitals.get(Vital.SPO2)
    name = bands_name(Vital.SPO2, limits, bool(limits.home_oxygen))
    ruled = rule.bands.get(name) if rule else None
    bands = personal_bands(ruled, limits) if ruled else None
    edges = bands.edges() if bands else []
    return tuple(BandView(low=low, high=high, level=level) for low, high, level in edges)


def limits_view(pathway: Pathway, state: EpisodeState, now: datetime) -> LimitsView:
    """Return what a person is judged by, each number beside the pathway's own."""
    limits, prompt = state.limits, exertion_prompt(state, pathway, now)
    return LimitsView(
        number=limits.number,
        target=limits.target,
        usual_spo2=limits.baseline_spo2,
        home_oxygen=limits.home_oxygen,
        parameters=tuple(
            ParameterView(
                name=name,
                means=pathway.parameters[name].means,
                value=value,
                usual=pathway.parameters[name].default,
                low=pathway.parameters[name].low,
                high=pathway.parameters[name].high,
            )
            for name, value in limits.parameters
        ),
        spo2_bands=spo2_bands(pathway, limits),
        may_exert=prompt.allowed,
        may_exert_words=prompt.words,
    )


def _worst_first(found: AlertFinding) -> tuple[int, float]:
    finding = found.finding
    low = finding.value if finding.vital is Vital.SPO2 and finding.value is not None else 0.0
    return -WORRY.get(finding.level, 0), low


def _finding_view(found: AlertFinding) -> FindingView:
    finding = found.finding
    return FindingView(
        level=finding.level,
        words=finding.words,
        at=found.at,
        doubtful=finding.doubtful,
        reading_ids=(found.reading_id,) if found.reading_id else (),
        rule=finding.rule,
    )


def reading_view(row: ReadingRow, told: ToldView | None = None) -> ReadingView:
    """Return a reading as it was kept and judged, and what was told about it at home."""
    return ReadingView(
        reading_id=row.reading_id,
        measured_at=row.measured_at,
        received_at=row.received_at,
        source=row.source,
        entered_by=row.entered_by,
        spoke=Speaker(row.spoke) if row.spoke else None,
        values=_values(row),
        level=row.level,
        findings=finding_views(row),
        doubts=tuple(row.doubts or ()),
        late=row.late,
        time_doubtful=row.time_doubtful,
        news2=News2View.model_validate(row.news2) if row.news2 else None,
        told=told,
        pathway=row.pathway,
    )


def finding_views(row: ReadingRow) -> tuple[FindingView, ...]:
    """Return what was found in a reading, worst first."""
    return tuple(
        FindingView(
            level=Level(finding["level"]),
            words=finding["words"],
            at=row.judged_at,
            doubtful=finding["doubtful"],
            reading_ids=(row.reading_id,),
            rule=finding.get("rule", ""),
        )
        for finding in row.findings or ()
    )


def _values(row: ReadingRow) -> dict[Vital, float]:
    """Return every number of a reading; of a minute of samples, those that stand for it."""
    read = read_payload(row.payload)
    if isinstance(read, Reading):
        return {o.vital: o.value for o in read.observations}
    stand_for = {Vital.SPO2: row.spo2, Vital.PULSE_RATE: row.pulse_rate}
    return {vital: value for vital, value in stand_for.items() if value is not None}
