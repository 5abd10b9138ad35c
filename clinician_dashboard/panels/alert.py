"""One alert on the patient's page: why, what is due, who was called, and what may be done."""

from datetime import datetime

import streamlit as st

from clinician_dashboard.forms import (
    attempt,
    carried_out,
    forget,
    opened,
    seen_version,
    shut,
    sight,
)
from clinician_dashboard.panels.explanation import show_explanation
from clinician_dashboard.view_models.outcomes import took_words
from clinician_dashboard.view_models.patient import OUTCOMES, AlertText, alert_text
from clinician_dashboard.view_models.words import plain
from ward_service.contract.http.alerts import AlertView, ContactNote, Resolution
from ward_service.contract.vocabulary import Channel

CHANNELS = {
    Channel.PHONE: "By phone",
    Channel.SMS: "By text message",
    Channel.EMAIL: "By email",
}
REACHED = {True: "Yes, we spoke", False: "No, not reached"}


def show_alert(alert: AlertView, now: datetime, me: str, scene: str) -> None:
    """Draw one alert with its reasons, what is due, its history, and what may be done."""
    text = alert_text(alert, now)
    with st.container(border=True):
        st.markdown(f"**{plain(text.headline)}**")
        for reason in text.reasons:
            st.text(f"• {reason}")
        show_explanation(alert.id, now)
        for due in text.due:
            if due.past:
                st.error(plain(due.words), icon="⏰")
            else:
                st.text(f"→ {due.words}")
        if text.in_play:
            own(alert, text, me)
            if opened("Record a contact with the patient", f"contact-{alert.id}", scene):
                contact_form(alert)
            if text.may_be_resolved and opened(
                "Record what was done and close", f"close-{alert.id}", scene
            ):
                resolve_form(alert, text.needs_note)
        if text.calls:
            with st.expander(f"Calls about this ({len(text.calls)})"):
                for call in text.calls:
                    st.text(call)
        with st.expander(f"History ({len(text.history)})"):
            for entry in text.history:
                st.text(entry)


def own(alert: AlertView, text: AlertText, me: str) -> None:
    """Offer the one way in which this person may own the alert now."""
    # The version is part of the key: a click on what has changed since does nothing.
    key = f"{alert.id}-{alert.version}"
    if not text.owner:
        st.button("Take", key=f"take-{key}", type="primary", on_click=take, args=(alert,))
    elif text.owner == me:
        st.button("Keep it for the next shift", key=f"keep-{key}", on_click=keep, args=(alert,))
    else:
        label = f"Take over from {plain(text.owner)}"
        st.button(label, key=f"over-{key}", on_click=take_over, args=(alert,))


def take(alert: AlertView) -> None:
    """Take an alert that is nobody's, as it was seen."""
    took: list[AlertView] = []
    done, why_not = attempt(
        lambda api, who: took.append(api.acknowledge(alert.id, alert.version, who))
    )
    st.session_state.told = took_words(took[0]) if done else f"NOT taken. {why_not}"


def keep(alert: AlertView) -> None:
    """Keep an alert that is mine past the end of the shift."""
    done, why_not = attempt(lambda api, who: api.acknowledge(alert.id, alert.version, who))
    said = "Kept: it is yours until the end of the next shift."
    st.session_state.told = said if done else f"NOT kept. {why_not}"


def take_over(alert: AlertView) -> None:
    """Take an alert from whoever has it, as it was seen."""
    took: list[AlertView] = []
    done, why_not = attempt(
        lambda api, who: took.append(api.take_over(alert.id, alert.version, who))
    )
    st.session_state.told = took_words(took[0]) if done else f"NOT taken over. {why_not}"


def contact_form(alert: AlertView) -> None:
    """Ask how it went; only having spoken with the patient counts as a contact."""
    form = f"contact-{alert.id}"
    opening = sight(form)
    with st.form(form):
        channel = st.radio("How", list(CHANNELS), format_func=CHANNELS.__getitem__, horizontal=True)
        # Nothing is chosen beforehand: a hurried click must not say that somebody was reached.
        reached = st.radio(
            "Did you speak with the patient?",
            list(REACHED),
            index=None,
            format_func=REACHED.__getitem__,
        )
        note = st.text_area("What was said, or where a message was left", max_chars=2_000)
        if st.form_submit_button("Record this contact"):
            if reached is None:
                st.error("Say whether you spoke with the patient. Nothing was written down.")
                return
            given = ContactNote(channel=channel, reached=reached, note=note)
            said = "Written down: you spoke with the patient."
            if not reached:
                said = "Written down: not reached. The time by which to speak with them still runs."
            if carried_out(lambda api, who: api.contact(alert.id, opening, who, given), said):
                shut(form)


def resolve_form(alert: AlertView, needs_note: bool) -> None:
    """Ask what came of an alert; the ward decides whether that is enough."""
    form = f"close-{alert.id}"
    seen = seen_version(form, alert.version)
    with st.form(form):
        # Nothing is chosen beforehand: "no action" must not be what a hurried click says.
        outcome = st.radio("Outcome", list(OUTCOMES), index=None, format_func=OUTCOMES.__getitem__)
        needed = st.checkbox("A response was needed", value=True)
        done = st.checkbox("The response is completed", value=True)
        changed = st.checkbox("The patient's management changed")
        note = st.text_area("What was done" + (" (needed for a red)" if needs_note else ""))
        if st.form_submit_button("Close this alert"):
            if outcome is None:
                st.error("Choose an outcome first. Nothing was changed.")
                return
            given = Resolution(
                outcome=outcome,
                response_needed=needed,
                response_completed=done,
                management_changed=changed,
                note=note,
            )
            if carried_out(lambda api, who: api.resolve(alert.id, seen, who, given), "Closed."):
                shut(form)
            elif seen != alert.version:
                forget(form)  # what it has become stands above by now: the next click has seen it
