"""Rows into the shapes that the contract promises. No rule lives here."""

from collections.abc import Sequence

from ward_service.contract.api import AlertView, FindingView, LedgerEntryView, ReadingView
from ward_service.contract.vocabulary import Level, Vital
from ward_service.domain.alerts import AlertFinding
from ward_service.domain.bands import WORRY
from ward_service.store.stays import findings_of
from ward_service.store.tables import AlertRow, LedgerRow, ReadingRow


def alert_view(row: AlertRow, ledger: Sequence[LedgerRow] = ()) -> AlertView:
    """Return an alert, its worst finding first, with as much of its ledger as is handed in.

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
        owner=row.owner,
        acknowledged_at=row.acknowledged_at,
        outcome=row.outcome,
        pathway=row.pathway,
        late=row.late,
        review=row.review,
        findings=tuple(_finding_view(found) for found in findings),
        ledger=tuple(
            LedgerEntryView(
                at=entry.at,
                noticed_at=entry.noticed_at,
                by=entry.by,
                what=entry.what,
                words=entry.words,
            )
            for entry in ledger
        ),
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
    )


def reading_view(row: ReadingRow) -> ReadingView:
    """Return a reading as it was kept and judged."""
    values = {Vital.SPO2: row.spo2, Vital.PULSE_RATE: row.pulse_rate}
    return ReadingView(
        reading_id=row.reading_id,
        measured_at=row.measured_at,
        received_at=row.received_at,
        source=row.source,
        values={vital: value for vital, value in values.items() if value is not None},
        level=row.level,
        findings=tuple(
            FindingView(
                level=Level(finding["level"]),
                words=finding["words"],
                at=row.judged_at,
                doubtful=finding["doubtful"],
                reading_ids=(row.reading_id,),
            )
            for finding in row.findings or ()
        ),
        doubts=tuple(row.doubts or ()),
        late=row.late,
        time_doubtful=row.time_doubtful,
        pathway=row.pathway,
    )
