"""WHY DID THIS RING? Put together from values: findings, limits, confirmation, ladder, ledger.

Pure. `load` reads the values, `text` writes the answer as a nurse reads it aloud.
"""

from ward_service.contract.http.alerts import LedgerEntryView
from ward_service.contract.http.explanation import ExplanationView, ReasonView
from ward_service.contract.vocabulary import UNITS
from ward_service.domain.alerts import AlertFinding
from ward_service.explain.basis import Judge, basis_of
from ward_service.explain.confirmation import tell_confirmation
from ward_service.explain.ladder import tell_ladder
from ward_service.explain.limits import in_force, origins
from ward_service.explain.record import AlertRecord
from ward_service.explain.views import citation_view
from ward_service.pathways.citation import Citations


def explain(record: AlertRecord) -> ExplanationView:
    """Return why an alert rang. The same record always gives the same answer."""
    alert, pathway = record.alert, record.file.pathway
    citations = Citations(record.file)
    ladder = tell_ladder(record, citations)
    return ExplanationView(
        alert_id=alert.id,
        episode_id=record.episode_id,
        alert_class=alert.alert_class,
        level=alert.level,
        state=alert.state,
        opened_at=alert.opened_at,
        noticed_at=alert.noticed_at,
        late=alert.late,
        review=alert.review,
        zone=pathway.service.zone,
        pathway=alert.pathway,
        title=pathway.title,
        signed_by=record.signed_by,
        findings=tuple(_reason(joined, record, citations) for joined in alert.findings),
        confirmation=tell_confirmation(record, citations),
        rungs=ladder.rungs,
        next_rung=ladder.next_rung,
        ladder=ladder.words,
        contact_by=alert.contact_by,
        ledger=tuple(
            LedgerEntryView(
                at=line.at,
                noticed_at=line.noticed_at,
                by=line.by,
                what=line.what,
                words=line.words,
            )
            for line in record.ledger
        ),
    )


def _reason(joined: AlertFinding, record: AlertRecord, citations: Citations) -> ReasonView:
    """Return one finding with its rule, by the limits that were in force for its reading."""
    finding, pathway = joined.finding, record.file.pathway
    facts = record.readings.get(joined.reading_id) if joined.reading_id else None
    history = in_force(record.limits, joined.at, facts.input_no if facts else None)
    limits = history[-1].limits
    said = facts.on_oxygen if facts else None
    on_oxygen = limits.home_oxygen if said is None else said
    basis = basis_of(finding, Judge(pathway, limits, record.mode, on_oxygen))
    value = finding.value
    return ReasonView(
        level=finding.level,
        words=finding.words,
        at=joined.at,
        doubtful=finding.doubtful,
        reading_ids=(joined.reading_id,) if joined.reading_id else (),
        rule=finding.rule,
        value=UNITS[finding.vital].say(value) if finding.vital and value is not None else "",
        limit=basis.limit,
        basis=basis.kind,
        citations=tuple(citation_view(citations.cite(key)) for key in dict.fromkeys(basis.keys)),
        limits=origins(basis.edges, history, pathway),
    )
