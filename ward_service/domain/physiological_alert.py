"""What a judged reading does to the physiological alert: provisional, confirmed, withdrawn, worse.

Everything that calms is per vital: a reading confirms, lowers or withdraws only what it measured
again, believed, and an alert is withdrawn when nothing is left that it stands on.
Source: docs/understand/design.md#alert; docs/reference/clinical.md#what-the-evidence-forces: a
repeat that does not come confirms.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ward_service.contract.vocabulary import AlertClass, AlertState, Context, Level, Vital
from ward_service.domain.alerts import (
    LIFE,
    WARD,
    AlertEvent,
    AlertFinding,
    AlertInPlay,
    VitalInPlay,
)
from ward_service.domain.bands import WORRY, worse
from ward_service.domain.escalation import with_ladder
from ward_service.domain.finding import Finding
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.pathway import Pathway
from ward_service.domain.raise_alert import begin, new_alert, ring_again
from ward_service.domain.replace import replace
from ward_service.domain.state import EpisodeState, Judged, Step
from ward_service.domain.superseded import superseded

InPlay = dict[Vital | None, VitalInPlay]


@dataclass(slots=True)
class _Change:
    """What one reading does to an alert: what it stands on then, and the findings that join it."""

    in_play: InPlay
    joining: list[Finding]
    calmed: list[VitalInPlay]
    repeats: list[Finding]

    @property
    def level(self) -> Level:
        """The worst level of what is left; green: nothing is left."""
        levels = (stake.level for stake in self.in_play.values())
        return max(levels, key=WORRY.__getitem__, default=Level.GREEN)

    @property
    def confirmed(self) -> bool:
        """Whether something at the worst level waits for no repeat."""
        level = self.level
        return any(v.confirmed for v in self.in_play.values() if v.level is level)


def judge_for_alert(step: Step, reading: ReadingArrived, judged: Judged, pathway: Pathway) -> None:
    """Open, join, confirm, worsen or withdraw the physiological alert, as a reading asks for."""
    found = [f for f in judged.assessment.findings if f.alert_class is AlertClass.PHYSIOLOGICAL]
    concerns = [f for f in found if f.level is not Level.GREEN]
    over = [f for f in concerns if superseded(f, judged, step.state, pathway)]
    current = [f for f in concerns if f not in over]
    alert = step.state.alert(AlertClass.PHYSIOLOGICAL)
    if alert is None:
        if current:
            _open(step, current, reading, judged, pathway)
    elif alert.state is AlertState.PROVISIONAL:
        _settle(step, alert, current, reading, judged, pathway)
    elif current:
        _worsen(step, alert, current, reading, judged, pathway)
    if over:
        alert = step.state.alert(AlertClass.PHYSIOLOGICAL)
        if alert is None:
            _open(step, over, reading, judged, pathway)
        else:
            _join_for_review(step, alert, over, reading, judged)


def confirm_unanswered(step: Step, alert: AlertInPlay, at: datetime) -> None:
    """No repeat came in time: the alert is real. It fails safe."""
    step.put(alert.moved(AlertEvent.CONFIRMED), at, WARD, "confirmed", "no repeat in time")


def _open(
    step: Step,
    concerns: Sequence[Finding],
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """Open an alert: provisional when a repeat can still tell, open at once when it cannot."""
    worst = concerns[0]
    review = superseded(worst, judged, step.state, pathway)
    change = _changed((), concerns, reading, judged, step.state, step.now, pathway)
    joining = [_joining(f, reading, judged) for f in concerns]
    alert = replace(
        new_alert(step, joining, step.now, pathway),
        lowest=_value(worst, reading, pathway),
        late=judged.late,
        review=review or step.state.ended_at is not None,
        vitals=tuple(change.in_play.values()),
    )
    if not (judged.late or change.confirmed):
        alert = replace(
            alert,
            state=LIFE[None, AlertEvent.REPEAT_ASKED],
            asked_at=judged.judged_at,
            slot=reading.slot,
            confirm_by=_confirm_by(step, worst.level, pathway),
        )
    begin(step, alert, pathway, "opened for review" if alert.review else "opened")


def _join_for_review(
    step: Step,
    alert: AlertInPlay,
    over: Sequence[Finding],
    reading: ReadingArrived,
    judged: Judged,
) -> None:
    """Show an old worry that a better reading followed in the alert that is in play; ring nobody.

    The alert keeps its level and its lowest value: what it waits for is not of then.
    """
    kept = alert.stands_on
    for finding in over:
        alert = alert.joined(_joining(finding, reading, judged), alert.level)
    alert = replace(alert, vitals=kept)
    step.put(alert, step.now, WARD, "joined for review", over[0].words)


def _settle(
    step: Step,
    alert: AlertInPlay,
    concerns: Sequence[Finding],
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """Take in a reading while a repeat is waited for: each vital is settled by its own alone."""
    before = alert.stands_on
    change = _changed(before, concerns, reading, judged, step.state, step.now, pathway)
    _note_withdrawn_reds(step, before, change)
    joined = _joined_by(alert, change, reading, judged, pathway)
    words = change.joining[0].words if change.joining else ""
    if not change.in_play:
        step.put(
            replace(joined, level=alert.level).moved(AlertEvent.WITHDRAWN),
            step.now,
            WARD,
            "withdrawn",
            f"repeat in range: {words}",
        )
    elif worse(change.level, alert.level):
        confirm_by = _confirm_by(step, change.level, pathway)
        risen = replace(joined, confirm_by=confirm_by, asked_at=judged.judged_at)
        if change.confirmed:
            risen = risen.moved(AlertEvent.NO_REPEAT_NEEDED)
        ring_again(step, risen, alert, step.now, pathway, words)
    elif change.confirmed:
        if change.repeats:
            words = f"repeat: {change.repeats[0].words}"
        event = AlertEvent.CONFIRMED if change.repeats else AlertEvent.NO_REPEAT_NEEDED
        settled = joined.moved(event)
        if change.level is not alert.level:
            # The red was provisional and its repeat is amber: an amber is what is left, open.
            settled = with_ladder(settled, step.now, step.state, pathway)
        step.put(settled, step.now, WARD, "confirmed", words)
    elif change.level is not alert.level:
        # What was worst is in range again; what is left still waits for its own repeat.
        lowered = replace(joined, confirm_by=_confirm_by(step, change.level, pathway))
        lowered = with_ladder(lowered, step.now, step.state, pathway)
        step.put(lowered, step.now, WARD, "joined", f"repeat in range: {words}")
    elif change.joining:
        step.put(joined, step.now, WARD, "joined", words)
    elif concerns and _fell_further(step, alert, _value(concerns[0], reading, pathway), pathway):
        fell = _joined(alert, concerns[0], reading, judged, alert.level, pathway)
        step.put(fell, step.now, WARD, "joined", concerns[0].words)


def _worsen(
    step: Step,
    alert: AlertInPlay,
    concerns: Sequence[Finding],
    reading: ReadingArrived,
    judged: Judged,
    pathway: Pathway,
) -> None:
    """Take in a worrying reading on an open or acknowledged alert: only worse news moves it.

    A vital that is worse than the alert knew is news, although another was as bad before.
    """
    worst = concerns[0]
    # Nothing waits for a repeat any more, so that one which says the same is no news.
    stands_on = tuple(replace(stake, settled=True) for stake in alert.stands_on)
    before = {stake.vital: stake.level for stake in stands_on}
    change = _changed(stands_on, concerns, reading, judged, step.state, step.now, pathway)
    higher = worse(worst.level, alert.level)
    current = alert.review and step.state.ended_at is None
    fell = _fell_further(step, alert, _value(worst, reading, pathway), pathway)
    new_red = any(
        stake.level is Level.RED and before.get(vital) is not Level.RED
        for vital, stake in change.in_play.items()
    )
    if not (higher or current or fell or change.joining):
        return
    level = worst.level if higher else alert.level
    joining = change.joining or [worst]
    joined = alert
    for finding in joining if worst in joining or not (current or fell) else [worst, *joining]:
        joined = _joined(joined, finding, reading, judged, level, pathway)
    joined = replace(joined, vitals=tuple(change.in_play.values()))
    words = joining[0].words if new_red and not higher else worst.words
    if current:  # a fall is measured from now on, not from what is over
        joined = replace(joined, review=False, lowest=_value(worst, reading, pathway))
    owned = alert.state is AlertState.ACKNOWLEDGED
    if higher or current or (owned and (fell or new_red)):
        ring_again(step, joined, alert, step.now, pathway, words)
    else:
        step.put(joined, step.now, WARD, "joined", words)


def _changed(
    stands_on: Iterable[VitalInPlay],
    concerns: Sequence[Finding],
    reading: ReadingArrived,
    judged: Judged,
    state: EpisodeState,
    now: datetime,
    pathway: Pathway,
) -> _Change:
    """Return what an alert stands on once a reading was taken in, vital by vital."""
    change = _Change({stake.vital: stake for stake in stands_on}, [], [], [])
    _calm(change, reading, judged, pathway)
    believed = not (judged.late or judged.time_doubtful)
    for vital, finding, settled in _worst_of_each(concerns, reading):
        second = finding.level is Level.RED and _second_red(state, vital, now, pathway)
        new = VitalInPlay(
            vital,
            finding.level,
            finding.value,
            judged.judged_at,
            reading.slot,
            settled=settled or second or judged.late,
        )
        known = change.in_play.get(vital)
        if known is None or worse(finding.level, known.level):
            worst = _worst(vital, known, finding, state.limits, pathway)
            change.in_play[vital] = replace(new, worst=worst)
            _join(change.joining, finding)
            continue
        known = replace(known, worst=_worst(vital, known, finding, state.limits, pathway))
        doubted = vital is None or vital in judged.assessment.doubted
        if finding.level is known.level and settled and not known.confirmed:
            known = replace(known, settled=True)
            _join(change.joining, finding)
        elif _repeats(known, reading, judged, pathway) and not known.confirmed:
            if finding.level is known.level:
                known = replace(known, repeated=True)
            elif believed and not doubted:  # a doubtful amber neither confirms a red nor lowers it
                known = replace(known, level=finding.level, repeated=True)
            if known.repeated:
                _join(change.joining, finding)
                _join(change.repeats, finding)
        change.in_play[vital] = known
    return change


def _calm(change: _Change, reading: ReadingArrived, judged: Judged, pathway: Pathway) -> None:
    """Take away what was measured again in range, and can be fully believed."""
    if judged.late or judged.time_doubtful:
        return
    for vital in judged.assessment.in_range:
        stake = change.in_play.get(vital)
        if stake is None or stake.repeated or not _repeats(stake, reading, judged, pathway):
            continue
        del change.in_play[vital]
        change.calmed.append(stake)
        for finding in judged.assessment.findings:
            if finding.level is Level.GREEN and finding.vital is vital:
                _join(change.joining, finding)


def _worst_of_each(
    concerns: Sequence[Finding], reading: ReadingArrived
) -> Iterable[tuple[Vital | None, Finding, bool]]:
    """Yield each vital with its worst finding, and whether that level of it needs no repeat.

    After exertion no vital stands for itself: no value at rest takes such a finding away.
    """
    at_rest = reading.context is Context.REST
    by_vital: dict[Vital | None, list[Finding]] = {}
    for finding in concerns:
        for vital in (finding.about if at_rest else ()) or (None,):
            by_vital.setdefault(vital, []).append(finding)
    for vital, [worst, *others] in by_vital.items():
        alike = [worst, *(f for f in others if f.level is worst.level)]
        yield vital, worst, not at_rest or any(not f.confirm for f in alike)


def _join(findings: list[Finding], finding: Finding) -> None:
    if finding not in findings:
        findings.append(finding)


def _worst(
    vital: Vital | None,
    known: VitalInPlay | None,
    finding: Finding,
    limits: Limits,
    pathway: Pathway,
) -> float | None:
    """Return the most worrying value of a vital so far."""
    values = [
        value
        for value in (known.worst if known else None, finding.value)
        if value is not None and vital is not None
    ]
    if len(values) < 2 or vital is None:
        return values[0] if values else None
    rule = pathway.vitals.get(vital)
    ruled = rule.bands.get(bands_name(vital, limits, True)) if rule is not None else None
    bands = personal_bands(ruled, limits) if ruled is not None else None
    return bands.worst(values) if bands is not None else min(values)


def _note_withdrawn_reds(step: Step, before: Iterable[VitalInPlay], change: _Change) -> None:
    """Remember which provisional reds a repeat did not bear out: a second one opens at once."""
    withdrawn = dict(step.state.withdrawn_reds)
    for stake in before:
        left = change.in_play.get(stake.vital)
        if (
            stake.level is Level.RED
            and stake.vital is not None
            and (left is None or left.level is not Level.RED)
        ):
            withdrawn[stake.vital] = step.now
            step.state = replace(
                step.state,
                withdrawn_red_at=step.now,
                withdrawn_reds=tuple(sorted(withdrawn.items())),
            )


def _joining(finding: Finding, reading: ReadingArrived, judged: Judged) -> AlertFinding:
    return AlertFinding(finding, judged.judged_at, reading.reading_id)


def _joined_by(
    alert: AlertInPlay, change: _Change, reading: ReadingArrived, judged: Judged, pathway: Pathway
) -> AlertInPlay:
    """Return the alert with all that a reading changes in it."""
    joined = alert
    for finding in change.joining:
        if finding.level is Level.GREEN:
            joined = joined.joined(_joining(finding, reading, judged), change.level)
        else:
            joined = _joined(joined, finding, reading, judged, change.level, pathway)
    return replace(joined, level=change.level, vitals=tuple(change.in_play.values()))


def _joined(
    alert: AlertInPlay,
    finding: Finding,
    reading: ReadingArrived,
    judged: Judged,
    level: Level,
    pathway: Pathway,
) -> AlertInPlay:
    """Return the alert with one more finding, its lowest value kept."""
    value, lowest = _value(finding, reading, pathway), alert.lowest
    if value is not None:
        lowest = value if lowest is None else min(value, lowest)
    return replace(alert.joined(_joining(finding, reading, judged), level), lowest=lowest)


def _repeats(stake: VitalInPlay, reading: ReadingArrived, judged: Judged, pathway: Pathway) -> bool:
    """Whether a reading repeats the one that asked: same slot, after the minimum gap."""
    gap, asked = pathway.confirmation.minimum_gap, stake.asked_at
    return asked is not None and reading.slot == stake.slot and judged.judged_at >= asked + gap


def _value(finding: Finding, reading: ReadingArrived, pathway: Pathway) -> float | None:
    """Return the value at rest that a fall is measured by; None when there is none."""
    if reading.context is not Context.REST or pathway.fills is None:
        return None
    judged = finding.value if finding.vital is pathway.fills else None
    return reading.values.get(pathway.fills) if judged is None else judged


def _fell_further(step: Step, alert: AlertInPlay, value: float | None, pathway: Pathway) -> bool:
    by = step.state.limits.get(pathway.further_fall) if pathway.further_fall else None
    if value is None or alert.lowest is None or by is None:
        return False
    return value <= round(alert.lowest - by, 6)  # 92.4 - 3 is 89.4, not a little more


def _second_red(state: EpisodeState, vital: Vital | None, now: datetime, pathway: Pathway) -> bool:
    """Whether a provisional red of this vital was withdrawn so lately that this one opens at once.

    An older program did not keep which vital it was: it is then taken to be this one.
    """
    withdrawn = dict(state.withdrawn_reds)
    before = withdrawn.get(vital) if vital is not None else None
    if before is None and state.withdrawn_red_at not in withdrawn.values():
        before = state.withdrawn_red_at
    return before is not None and now <= before + pathway.confirmation.second_red_within


def _confirm_by(step: Step, level: Level, pathway: Pathway) -> datetime:
    return step.now + pathway.confirmation.repeat_within[level]
