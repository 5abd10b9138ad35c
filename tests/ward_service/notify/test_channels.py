"""Each channel against the real other side: what it takes, refuses, or never answers."""

import hashlib
import hmac
import json
import ssl
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.fakes.doors import MailServer, WebhookReceiver, a_certificate, signed_in_as
from tests.services import free_port
from ward_service.contract.vocabulary import Channel
from ward_service.errors import NotifyError, WardError
from ward_service.notify.channels import open_channels
from ward_service.notify.email import Email
from ward_service.notify.notifier import OutgoingMessage
from ward_service.notify.webhook import Webhook, may_post_to
from ward_service.settings import Settings

NURSE = "nurse-3@anytown.example"
SECRET = b"a secret of thirty-two bytes, or more"
CALL = OutgoingMessage(
    "alert-1:1:0:ward_nurse", NURSE, "Homeward: red alert 3F2A9C", "A red alert waits."
)


def to(address: str) -> OutgoingMessage:
    return OutgoingMessage(CALL.key, address, CALL.subject, CALL.text)


def an_email(server: MailServer, **more: object) -> Email:
    given = {"host": "127.0.0.1", "port": server.port, "sender": "Ward <ward@anytown.example>"}
    return Email(**(given | {"security": "none", "timeout_s": 1.0} | more))  # type: ignore[arg-type]


def refusal(notifier: Email | Webhook, message: OutgoingMessage = CALL) -> tuple[str, bool]:
    with pytest.raises(NotifyError) as refused:
        notifier.send(message)
    return str(refused.value), refused.value.permanent


# --- e-mail --------------------------------------------------------------------------------------


def test_a_mail_sent_twice_has_one_message_id_and_nobody_answers_it_by_machine(
    mail: MailServer,
) -> None:
    for _ in range(2):
        an_email(mail).send(CALL)
    first, second = mail.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"].endswith("@anytown.example>")
    assert first["To"] == NURSE
    assert first["From"] == "Ward <ward@anytown.example>"
    assert first["Subject"] == CALL.subject
    assert first["Auto-Submitted"] == "auto-generated"
    assert first.get_content().strip() == CALL.text
    an_email(mail).send(OutgoingMessage("another", NURSE, "", ""))
    assert mail.mails[2]["Message-ID"] != first["Message-ID"]


@pytest.mark.parametrize(
    ("command", "reply", "said", "permanent"),
    [
        ("RCPT", "550 no such person", "does not take mail for this address (550)", True),
        ("RCPT", "450 try later", "does not take mail for this address (450)", False),
        ("MAIL", "421 closing", "refuses the mail (421)", False),
        ("MAIL", "550 not you", "refuses the mail (550)", True),
        ("DATA", "451 disk full", "refuses the mail (451)", False),
        ("DATA", "554 spam", "refuses the mail (554)", True),
    ],
)
def test_a_reply_of_4xx_may_be_another_later_and_one_of_5xx_will_not(
    mail: MailServer, command: str, reply: str, said: str, permanent: bool
) -> None:
    mail.replies[command] = reply
    assert refusal(an_email(mail)) == (f"the mail server {said}", permanent)
    assert mail.mails == []


def test_a_mail_that_was_taken_is_sent_however_the_server_says_farewell(mail: MailServer) -> None:
    mail.replies["QUIT"] = "500 never heard of it"
    an_email(mail).send(CALL)
    assert len(mail.mails) == 1


def test_a_mail_server_that_hangs_or_is_not_there_may_answer_later() -> None:
    hanging = MailServer(hangs=True)
    assert refusal(an_email(hanging)) == ("the mail server does not answer", False)
    hanging.close()
    assert refusal(an_email(hanging)) == ("the mail server does not answer", False)


@pytest.mark.parametrize("address", ["", "nobody", "a@b.example\r\nBcc: all@b.example", "ä@ö"])
def test_what_is_no_address_is_refused_for_good_and_begins_no_other_header(
    mail: MailServer, address: str
) -> None:
    if address == "nobody":  # the server knows whom it knows
        mail.replies["RCPT"] = "501 what?"
    _, permanent = refusal(an_email(mail), to(address))
    assert permanent
    assert mail.mails == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    try:
        return a_certificate(tmp_path_factory.mktemp("tls"))
    except FileNotFoundError:
        missing("openssl", "install it, for example: apt-get install openssl")
        raise


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_and_password_go_over_tls_that_can_be_trusted(
    certificate: tuple[ssl.SSLContext, Path], security: str
) -> None:
    context, authority = certificate
    server = MailServer(tls=context, speaks_tls_at_once=security == "tls")
    over_tls = {"host": "localhost", "security": security, "timeout_s": 5.0}
    signing_in = {"username": "ward", "password": "an invented one"}
    an_email(server, **over_tls, **signing_in, tls_ca=authority).send(CALL)
    assert len(server.mails) == 1
    assert signed_in_as(server.heard) == ("ward", "an invented one")
    said = "the mail server's certificate cannot be trusted"
    assert refusal(an_email(server, **over_tls)) == (said, False)
    server.replies["AUTH"] = "535 wrong"
    said = "the mail server refuses our name or password (535)"
    with_password = an_email(server, **over_tls, **signing_in, tls_ca=authority)
    assert refusal(with_password) == (said, True)
    server.close()


def test_no_password_goes_out_in_the_clear_and_no_mail_where_tls_was_asked_for(
    mail: MailServer,
) -> None:
    clear = an_email(mail, username="ward", password="an invented one")
    assert refusal(clear) == ("a password is not sent without TLS", True)
    _, permanent = refusal(an_email(mail, security="starttls"))
    assert permanent
    assert (mail.mails, signed_in_as(mail.heard)) == ([], None)


# --- webhook -------------------------------------------------------------------------------------


def test_a_webhook_carries_its_key_and_a_signature_over_both(receiver: WebhookReceiver) -> None:
    Webhook(SECRET, 1.0).send(to(receiver.url))
    [post] = receiver.posts
    assert json.loads(post.body) == {"key": CALL.key, "subject": CALL.subject, "text": CALL.text}
    assert post.key == CALL.key
    signed = hmac.new(SECRET, CALL.key.encode() + b"." + post.body, hashlib.sha256).hexdigest()
    assert post.headers["Homeward-Signature"] == f"sha256={signed}"
    assert post.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(500, False), (503, False), (408, False), (409, False), (429, False),
     (400, True), (401, True), (404, True), (410, True), (422, True), (304, True)],
)  # fmt: skip
def test_an_answer_that_is_no_receipt(
    receiver: WebhookReceiver, status: int, permanent: bool
) -> None:
    receiver.answer = lambda _: status
    said = f"the webhook answered {status}"
    assert refusal(Webhook(SECRET, 1.0), to(receiver.url)) == (said, permanent)


def test_a_redirect_is_a_refusal_and_is_not_followed(receiver: WebhookReceiver) -> None:
    receiver.answer = lambda _: 302
    receiver.location = receiver.url
    refused = refusal(Webhook(SECRET, 1.0), to(receiver.url))
    assert refused == ("the webhook answered 302", True)
    assert len(receiver.posts) == 1


def test_a_webhook_that_hangs_or_is_not_there_may_answer_later(receiver: WebhookReceiver) -> None:
    receiver.gate.clear()
    assert refusal(Webhook(SECRET, 0.3), to(receiver.url)) == ("the webhook does not answer", False)
    nowhere = f"http://127.0.0.1:{free_port()}/"
    assert refusal(Webhook(SECRET, 1.0), to(nowhere)) == ("the webhook does not answer", False)


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("https://pager.anytown.example/x", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://localhost/x", True),
        ("http://pager.anytown.example/x", False),
        ("https://", False),
        ("file:///etc/passwd", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_a_webhook_is_https_or_of_this_machine(address: str, may: bool) -> None:
    assert may_post_to(address) is may
    if not may:
        assert refusal(Webhook(SECRET, 1.0), to(address)) == (
            "a webhook needs an https address",
            True,
        )


# --- which there are -----------------------------------------------------------------------------


def test_a_channel_that_is_not_set_up_says_what_is_missing(tmp_path: Path) -> None:
    channels = open_channels(Settings(data_dir=tmp_path))
    assert set(channels) == set(Channel)
    for channel, said in (
        (Channel.EMAIL, "HOMEWARD_SMTP_HOST"),
        (Channel.WEBHOOK, "HOMEWARD_WEBHOOK_SECRET_FILE"),
        (Channel.SMS, "HOMEWARD_NOTIFY_API_KEY_FILE"),
    ):
        with pytest.raises(NotifyError, match=said) as refused:
            channels[channel].send(CALL)
        assert refused.value.permanent
    for channel in (Channel.SCREEN, Channel.PHONE):
        channels[channel].send(CALL)


def test_a_webhook_secret_is_private_and_long_enough(tmp_path: Path, secret_file: Path) -> None:
    open_channels(Settings(data_dir=tmp_path, webhook_secret_file=secret_file))
    secret_file.chmod(0o644)
    with pytest.raises(WardError, match="chmod 600"):
        open_channels(Settings(data_dir=tmp_path, webhook_secret_file=secret_file))
    secret_file.chmod(0o600)
    secret_file.write_text("short")
    with pytest.raises(WardError, match="too short"):
        open_channels(Settings(data_dir=tmp_path, webhook_secret_file=secret_file))
    with pytest.raises(WardError, match="HOMEWARD_WEBHOOK_SECRET_FILE"):
        open_channels(Settings(data_dir=tmp_path, webhook_secret_file=tmp_path / "nowhere"))


def test_what_is_sent_and_where_is_in_no_repr(tmp_path: Path, secret_file: Path) -> None:
    settings = Settings(data_dir=tmp_path, webhook_secret_file=secret_file, smtp_password="a word")
    shown = repr([CALL, open_channels(settings), settings])
    assert not any(secret in shown for secret in (NURSE, CALL.text, "a word"))
    assert secret_file.read_text() not in shown
