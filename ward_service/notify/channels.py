"""Which channels this ward has, as its settings say."""

from collections.abc import Mapping
from dataclasses import dataclass

from ward_service.contract.vocabulary import Channel
from ward_service.errors import NotifyError
from ward_service.notify.email import Email
from ward_service.notify.notifier import Notifier, OutgoingMessage
from ward_service.notify.phone import Phone
from ward_service.notify.screen import Screen
from ward_service.notify.sms import open_sms
from ward_service.notify.webhook import Webhook
from ward_service.settings import Settings

_HOW = {
    Channel.EMAIL: "email is not set up here (HOMEWARD_SMTP_HOST and HOMEWARD_SMTP_FROM)",
    Channel.WEBHOOK: "webhooks are not set up here (HOMEWARD_WEBHOOK_SECRET_FILE)",
    Channel.SMS: (
        "text messages are not set up here (HOMEWARD_NOTIFY_API_KEY_FILE and "
        "HOMEWARD_NOTIFY_TEMPLATE_ID)"
    ),
}


@dataclass(frozen=True, slots=True)
class NotSetUp:
    """A channel that this ward does not have: it refuses, and says what is missing."""

    said: str
    timeout_s: float = 5.0

    def send(self, message: OutgoingMessage) -> None:
        """Refuse.

        Raises:
            NotifyError: always, and for good.
        """
        raise NotifyError(self.said, permanent=True)


def open_channels(settings: Settings) -> Mapping[Channel, Notifier]:
    """Return a notifier for every channel there is.

    Raises:
        WardError: a secret can be read by others, or is none; or an address is not https.
    """
    channels: dict[Channel, Notifier] = {channel: NotSetUp(said) for channel, said in _HOW.items()}
    channels[Channel.SCREEN] = Screen()
    channels[Channel.PHONE] = Phone()
    if settings.smtp_host and settings.smtp_from:
        channels[Channel.EMAIL] = Email(
            host=settings.smtp_host,
            port=settings.smtp_port,
            sender=settings.smtp_from,
            security=settings.smtp_security,
            username=settings.smtp_username,
            password=settings.smtp_password,
            tls_ca=settings.smtp_tls_ca,
            timeout_s=settings.smtp_timeout_s,
        )
    if settings.webhook_secret_file is not None:
        channels[Channel.WEBHOOK] = Webhook(
            settings.webhook_secret(), timeout_s=settings.webhook_timeout_s
        )
    if sms := open_sms(settings):
        channels[Channel.SMS] = sms
    return channels
