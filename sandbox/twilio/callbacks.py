"""Twilio's webhooks. A received or an inbound message comes in, a signed form goes out. Signature: base64 of
HMAC-SHA1 with the auth token over the URL and the sorted parameters (docs, «Webhooks security»)."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlencode

from sandbox.server import Headers
from sandbox.store import Received
from sandbox.twilio.sms import Sms

STATUSES = ("queued", "sending", "sent", "delivered", "undelivered", "failed", "read")
FAILED = frozenset({"undelivered", "failed"})
DEFAULT_ERROR = 30008  # «unknown error»: what Twilio gives when the carrier says nothing


def status_form(message: Received, status: str, error_code: int | None) -> dict[str, str]:
    """The parameters of a status callback."""
    sms = message.content
    assert isinstance(sms, Sms)
    form = {
        "AccountSid": sms.account,
        "ApiVersion": "2010-04-01",
        "From": sms.sender or "+15005550006",
        "MessageSid": message.reference,
        "MessageStatus": status,
        "SmsSid": message.reference,
        "SmsStatus": status,
        "To": sms.to,
    }
    if sms.service:
        form["MessagingServiceSid"] = sms.service
    if status in FAILED:
        form["ErrorCode"] = str(error_code or DEFAULT_ERROR)
    return form


def inbound_form(message: Received, opt_out_type: str | None) -> dict[str, str]:
    """The parameters of a message from a customer; OptOutType comes with Advanced Opt-Out only."""
    sms = message.content
    assert isinstance(sms, Sms)
    form = {
        "AccountSid": sms.account,
        "ApiVersion": "2010-04-01",
        "Body": sms.body,
        "From": sms.sender or "",
        "MessageSid": message.reference,
        "NumMedia": "0",
        "NumSegments": str(sms.segments.count),
        "SmsMessageSid": message.reference,
        "SmsSid": message.reference,
        "SmsStatus": "received",
        "To": sms.to,
    }
    if opt_out_type:
        form["OptOutType"] = opt_out_type
    return form


def sign(url: str, form: dict[str, str], token: str) -> tuple[bytes, Headers]:
    """The body of the POST and its headers."""
    text = url + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()
    headers = (
        ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("User-Agent", "TwilioProxy/1.1"),
        ("X-Twilio-Signature", signature),
        ("I-Twilio-Idempotency-Token", secrets.token_hex(16)),
    )
    return urlencode(form).encode(), headers
