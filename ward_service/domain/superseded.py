"""Whether a worrying finding that came late was followed by a better one: then it rings nobody.

Source: docs/understand/design.md#promise-4. A number is followed by a later believed value of the
same vital in range, and one after exertion by none: it is expected to recover. An answer is
followed by later answers to the same questions only, for a good number proves nothing about a red
flag (docs/reference/clinical.md#red-flags).
"""

from ward_service.contract.vocabulary import AlertClass, Context
from ward_service.domain.finding import Finding
from ward_service.domain.pathway import Guide
from ward_service.domain.state import EpisodeState, Judged


def superseded(finding: Finding, judged: Judged, state: EpisodeState, pathway: Guide) -> bool:
    """Say whether what is known by now is later and better than a late finding.

    What is not late is never so: its repeat settles it. A wish to be called stays one.
    """
    if not judged.late:
        return False
    at = judged.judged_at
    if finding.alert_class is AlertClass.PHYSIOLOGICAL:
        if judged.reading.context is not Context.REST or not finding.about:
            return False
        in_range = dict(state.in_range)
        return all(vital in in_range and in_range[vital] > at for vital in finding.about)
    if judged.reading.call_me and finding.rule == "call_me":
        return False
    cleared = dict(state.cleared)
    questions = pathway.questions
    asked = {
        id_ for id_, _ in judged.reading.answers if id_ in questions and questions[id_].answers
    }
    return bool(asked) and all(id_ in cleared and cleared[id_] > at for id_ in asked)


def stands(judged: Judged, state: EpisodeState, pathway: Guide) -> bool:
    """Say whether anything that worries about a reading is still the latest that is known."""
    concerns = judged.assessment.concerns
    return any(not superseded(finding, judged, state, pathway) for finding in concerns)
