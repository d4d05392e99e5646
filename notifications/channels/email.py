"""E-mail through Anymail: in, a Message with subject, text and HTML; out, what the provider answered.

SendGrid by default, any Anymail backend by setting. One open connection a thread: a new one costs a third of the speed.
"""

import threading
import warnings
from typing import Any, ClassVar

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailNotSupportedWarning
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.mail import get_connection

from notifications.channels.base import Channel
from notifications.channels.network import from_exception, retry_after
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient
from notifications.masking import redact
from notifications.message import Message

# Known and pinned: our contract tests run Anymail's SendGrid adapter against the published protocol.
warnings.filterwarnings("ignore", category=AnymailNotSupportedWarning)


class EmailChannel(Channel):
    name: ClassVar[str] = "email"

    def __init__(self) -> None:
        # "anymail.backends.sendgrid.EmailBackend" → "sendgrid"
        self.provider = settings.EMAIL_BACKEND.split(".")[-2]
        self._open = threading.local()
        self._connections: list[Any] = []

    def deliver_one(self, message: Message) -> Outcome:
        mail = self._build(message)
        try:
            mail.send()
        except AnymailAPIError as error:
            return _from_api_error(error)
        except AnymailError as error:
            return Permanent(code=type(error).__name__, error=redact(str(error)))
        # The id that Anymail puts into custom_args, which SendGrid's webhooks repeat (its own id is not in the answer).
        accepted = mail.anymail_status.recipients[message.address]
        return Sent(reference=accepted.message_id or "")

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _build(self, message: Message) -> Any:
        parts = message.rendered.parts
        mail = AnymailMessage(
            subject=parts["subject"],
            body=parts["text"],
            from_email=settings.EMAIL_FROM,
            to=[_mailbox(message)],
            headers=_headers(message),
            connection=self._connection(),
        )
        if parts.get("html"):
            mail.attach_alternative(parts["html"], "text/html")
        # merge_metadata, not metadata: SendGrid's schema has custom_args inside a personalization only when it is
        # per recipient, and webhooks answer with it.
        mail.merge_metadata = {message.address: {"notification_id": str(message.id)}}
        mail.track_opens = mail.track_clicks = False
        if message.sandbox and _is_real_sendgrid():
            mail.esp_extra = {"mail_settings": {"sandbox_mode": {"enable": True}}}
        return mail

    def _connection(self) -> Any:
        connection = getattr(self._open, "connection", None)
        if connection is None:
            connection = get_connection(settings.EMAIL_BACKEND)
            connection.open()
            self._open.connection = connection
            self._connections.append(connection)
        return connection


def _mailbox(message: Message) -> str:
    """Name and address as Anymail reads them: the name unencoded (the provider encodes it), in quotes, on one line."""
    name = " ".join(message.recipient_name.split()).replace("\\", "").replace('"', "'")
    return f'"{name}" <{message.address}>' if name else message.address


def _headers(message: Message) -> dict[str, str]:
    """RFC 8058: both headers, on the categories that can be left; the URL acts on POST only."""
    headers = {"X-Postroom-Id": str(message.id), "Content-Language": message.rendered.locale}
    if message.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _is_real_sendgrid() -> bool:
    return "api.sendgrid.com" in str(settings.ANYMAIL.get("SENDGRID_API_URL", ""))


def _from_api_error(error: Any) -> Outcome:
    """https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/responses"""
    lost = from_exception(error)
    status = error.status_code
    if status is None:
        return lost or Transient(code="unreadable", error=redact(str(error)))
    text = redact(_words(error.response))
    code = str(status)
    if status == 429:
        return Transient(code=code, error=text, retry_after=retry_after(error.response.headers))
    if status in (401, 403):
        return Misconfigured(code=code, error=text)
    if status >= 500:
        return Transient(code=code, error=text, retry_after=retry_after(error.response.headers))
    return Permanent(code=code, error=text)


def _words(response: Any) -> str:
    """The messages of SendGrid's error body, without the payload that Anymail's own exception text repeats."""
    try:
        return "; ".join(
            f"{entry.get('field') or 'request'}: {entry['message']}" for entry in response.json()["errors"]
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return str(response.reason)
