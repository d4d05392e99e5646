"""A message as a mail: in, a Message; out, what Anymail builds a request from. Nothing is sent here."""

import re
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from anymail.message import AnymailMessage
from anymail.utils import EmailAddress, parse_single_address
from django.conf import settings

from notifications.conf import conf
from notifications.message import Message

# Addresses that need no grammar to be taken apart; all others are Anymail's to parse.
_PLAIN = re.compile(r"[\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)+", re.ASCII)


def as_mail(message: Message) -> Any:
    """The mail as any backend of Anymail or Django takes it."""
    parts = message.rendered.parts
    mail = AnymailMessage(
        subject=parts["subject"],
        body=parts["text"],
        from_email=settings.EMAIL_FROM,
        to=[_mailbox(message)],
        headers=headers(message),
    )
    if parts.get("html"):
        mail.attach_alternative(parts["html"], "text/html")
    for name, value in _options(message).items():
        setattr(mail, name, value)
    return mail


def sendgrid_payload(backend: Any, message: Message) -> Any:
    """Anymail's SendGrid payload, without the half of its time that goes into parsing addresses which are known.

    Anymail reads whatever attributes there are; sender and recipient are given to its setters, parsed.
    """
    parts = message.rendered.parts
    mail = SimpleNamespace(
        subject=parts["subject"],
        body=parts["text"],
        content_subtype="plain",
        alternatives=[(parts["html"], "text/html")] if parts.get("html") else [],
        extra_headers=headers(message),
        **_options(message),
    )
    payload = backend.build_message_payload(mail, backend.send_defaults)
    payload.set_from_email(sender(settings.EMAIL_FROM))
    payload.set_recipients("to", [recipient(message)])
    return payload


def shared_options(*, sandbox: bool) -> dict[str, Any]:
    """What holds for a request as a whole."""
    follows = conf().engagement
    options: dict[str, Any] = {"track_opens": follows, "track_clicks": follows}
    if sandbox and _is_real_sendgrid():
        options["esp_extra"] = {"mail_settings": {"sandbox_mode": {"enable": True}}}
    return options


def _options(message: Message) -> dict[str, Any]:
    # merge_metadata, not metadata: SendGrid's schema has custom_args inside a personalization only when it is
    # per recipient, and webhooks answer with it.
    own = {"merge_metadata": {message.address: {"notification_id": str(message.id)}}}
    return {**own, **shared_options(sandbox=message.sandbox)}


def headers(message: Message) -> dict[str, str]:
    """RFC 8058: both headers, on the categories that can be left; the URL acts on POST only."""
    headers = {"X-Postroom-Id": str(message.id), "Content-Language": message.rendered.locale}
    if message.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _name(message: Message) -> str:
    """On one line, and free of what would end a quoted string."""
    return " ".join(message.recipient_name.split()).replace("\\", "").replace('"', "'")


def _mailbox(message: Message) -> str:
    """Name and address as Anymail reads them: the name unencoded (the provider encodes it), in quotes."""
    name = _name(message)
    return f'"{name}" <{message.address}>' if name else message.address


def recipient(message: Message) -> EmailAddress:
    if _PLAIN.fullmatch(message.address):
        username, _, domain = message.address.rpartition("@")
        return EmailAddress(_name(message), username=username, domain=domain)
    return EmailAddress(_name(message), message.address)


def recipient_of(payload: Any, message: Message) -> dict[str, str]:
    """The recipient as SendGrid's JSON has it."""
    if not _PLAIN.fullmatch(message.address):
        given: dict[str, str] = payload.email_object(recipient(message))
        return given
    name = _name(message)
    return {"email": message.address, "name": name} if name else {"email": message.address}


@lru_cache(maxsize=8)
def sender(from_email: str) -> EmailAddress:
    return parse_single_address(from_email, field="from_email")


def _is_real_sendgrid() -> bool:
    return "api.sendgrid.com" in str(settings.ANYMAIL.get("SENDGRID_API_URL", ""))
