"""E-mail, over SMTP with TLS."""

import hashlib
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Literal

from ward_service.errors import NotifyError
from ward_service.notify.notifier import OutgoingMessage

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class Email:
    """One mail server. `tls_ca` is the authority that it is checked against, if not the usual."""

    host: str
    port: int
    sender: str
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    tls_ca: Path | None = None
    timeout_s: float = 15.0

    def send(self, message: OutgoingMessage) -> None:
        """Hand a mail to the server. Its Message-ID follows from the key: sent twice, it is one.

        Raises:
            NotifyError: the server did not take it.
        """
        mail = self._mail(message)
        try:
            server = self._connect()
            try:
                server.send_message(mail)
                with suppress(smtplib.SMTPException):
                    server.quit()  # it has the mail by now, however it says farewell
            finally:
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            code = next((code for code, _ in error.recipients.values()), 500)  # none was named
            raise _refused("does not take mail for this address", code) from error
        except smtplib.SMTPAuthenticationError as error:
            raise _refused("refuses our name or password", error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            said = "the mail server cannot do what is needed (TLS, signing in, or such an address)"
            raise NotifyError(said, permanent=True) from error
        except smtplib.SMTPResponseException as error:
            raise _refused("refuses the mail", error.smtp_code) from error
        except ssl.SSLError as error:
            said = "the mail server's certificate cannot be trusted"
            raise NotifyError(said, permanent=False) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotifyError("the mail server does not answer", permanent=False) from error
        except ValueError as error:
            raise NotifyError("this is no address for mail", permanent=True) from error

    def _connect(self) -> smtplib.SMTP:
        if self.username and self.security == "none":
            raise NotifyError("a password is not sent without TLS", permanent=True)
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=self.timeout_s, context=self._trust()
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        try:
            if self.security == "starttls":
                server.starttls(context=self._trust())
            if self.username:
                server.login(self.username, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.tls_ca) if self.tls_ca else None)

    def _mail(self, message: OutgoingMessage) -> EmailMessage:
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        name = hashlib.sha256(message.key.encode()).hexdigest()[:32]
        mail = EmailMessage()
        try:
            mail["From"] = self.sender
            mail["To"] = message.address
        except ValueError as error:  # a line break in an address would begin another header
            raise NotifyError("this is no address for mail", permanent=True) from error
        mail["Subject"] = message.subject
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{name}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        mail.set_content(message.text)
        return mail


def _refused(said: str, code: int) -> NotifyError:
    """A reply of 4xx may be another one later; one of 5xx will not (RFC 5321, 4.2.1)."""
    return NotifyError(f"the mail server {said} ({code})", permanent=code >= 500)
