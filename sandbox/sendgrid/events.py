"""SendGrid's event webhook. A received e-mail and the name of an event come in, signed event batches go out.
Signature: ECDSA P-256 with SHA-256 over timestamp and raw body, as the «signed event webhook» has it."""

import base64
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.sendgrid.email import Email
from sandbox.server import Headers
from sandbox.store import Received

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
CLIENT = {"useragent": "Mozilla/5.0 (X11; Linux x86_64) Sandbox", "ip": "192.0.2.10"}

# What each event says beside the fields that all share.
DETAILS: dict[str, dict[str, Any]] = {
    "processed": {},
    "deferred": {"response": "451 4.7.1 Please try again later", "attempt": "1"},
    "delivered": {"response": "250 2.0.0 OK sandbox"},
    "bounce": {
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist",
    },
    "blocked": {
        "event": "bounce",
        "type": "blocked",
        "status": "5.7.1",
        "reason": "550 5.7.1 Message blocked as likely spam",
    },
    "dropped": {"status": "5.0.0", "reason": "Bounced Address"},
    "spamreport": {},
    "unsubscribe": {},
    "open": CLIENT | {"sg_machine_open": False},
    "click": CLIENT | {"url": "https://example.com/", "url_offset": {"index": 0, "type": "html"}},
}


def build(message: Received, event: str, now: float, **details: Any) -> list[dict[str, Any]]:
    """One event for each recipient of a message: custom arguments lie beside SendGrid's own fields, and never
    over them."""
    email = message.content
    assert isinstance(email, Email)
    shared = {
        "timestamp": int(now),
        "smtp-id": f"<{message.reference}@geopod-ismtpd-sandbox-0>",
        "event": event,
        "sg_message_id": f"{message.reference}.recvd-sandbox-{message.number}.0",
        **DETAILS[event],
        **details,
    }
    categories = email.request.get("categories")
    if categories:
        shared["category"] = categories
    return [
        {**email.custom_args, "email": recipient, "sg_event_id": secrets.token_urlsafe(16), **shared}
        for recipient in message.recipients
    ]


def sign(events: list[dict[str, Any]], key: ec.EllipticCurvePrivateKey, now: float) -> tuple[bytes, Headers]:
    """The body of one batch and its headers."""
    body = (
        b"[" + b",\r\n".join(json.dumps(event, separators=(",", ":")).encode() for event in events) + b"]\r\n"
    )
    timestamp = str(int(now))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = (
        ("Content-Type", "application/json"),
        ("User-Agent", "SendGrid Event API"),
        (SIGNATURE, base64.b64encode(signature).decode()),
        (TIMESTAMP, timestamp),
    )
    return body, headers
