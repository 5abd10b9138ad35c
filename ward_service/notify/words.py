"""What a message says. To staff: which alert, no name and no number. To the patient: their own."""

from ward_service.contract.ids import short_reference
from ward_service.contract.vocabulary import PATIENT
from ward_service.domain.pathway import Pathway
from ward_service.domain.texts import text_for
from ward_service.notify.notifier import OutgoingMessage
from ward_service.notify.routing import Way
from ward_service.store.outbox import About
from ward_service.store.stays import state_of
from ward_service.store.tables.messages import MessageRow
from ward_service.ward import Ward

# In every language, and it tells whoever sees a phone lie on a table nothing.
SUBJECT_TO_PATIENT = "Homeward"
PLAIN = "Something waits on the ward list. Open the list, and see what it is."


def outgoing(ward: Ward, message: MessageRow, way: Way, about: About) -> OutgoingMessage:
    """Return a message as it goes out by a way.

    To a patient in their language if somebody has reviewed its words: a message has no room for
    others beside them. An alert speaks by the pathway version that it opened under, everything
    else by the stay's.

    Raises:
        KeyError: there is no such text for a patient, or it needs a number that nobody has set.
    """
    name = about.alert.pathway if about.alert is not None else about.episode.pathway
    if message.to == PATIENT:
        limits, pathway = state_of(about.episode).limits, ward.pathways[name]
        language = pathway.checked(about.episode.language)
        text = text_for(message.text_id, pathway, limits, language)
        return _by(way, message, SUBJECT_TO_PATIENT, text)
    subject, text = "Homeward", _to_staff(ward.pathways.get(name), message.text_id)
    if message.alert_id is not None:
        reference = short_reference(message.alert_id)
        subject = f"Homeward: {message.level or 'an'} alert {reference}"
        text = f"{text} Reference: {reference}."
    return _by(way, message, subject, text)


def _by(way: Way, message: MessageRow, subject: str, text: str) -> OutgoingMessage:
    again = message.attempts > 0
    return OutgoingMessage(message.key, way.address, subject, text, way=way.id, again=again)


def _to_staff(pathway: Pathway | None, text_id: str) -> str:
    """Return the words of the pathway; without them somebody is called all the same."""
    if pathway is None or text_id not in pathway.texts[pathway.reference_language]:
        return PLAIN
    return pathway.text(text_id, None)
