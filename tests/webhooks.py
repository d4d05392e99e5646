"""Posts of providers for tests: in, what they say; out, the answer to a post signed as they sign."""

import base64
import json
import time
import uuid
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.http import QueryDict
from django.test import Client
from twilio.request_validator import RequestValidator

from sandbox import keys


def twilio_post(
    client: Client,
    path: str,
    form: dict[str, str] | bytes,
    *,
    sent: dict[str, str] | None = None,
    signature: str | None = None,
    token: str | None = None,
    signed_url: str | None = None,
    signed_path: str | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """A form as Twilio posts it. `sent` is posted in place of what was signed."""
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    if signature is None:
        url = signed_url or settings.PUBLIC_URL + (signed_path or path)
        validator = RequestValidator(settings.TWILIO_AUTH_TOKEN if token is None else token)
        signature = validator.compute_signature(
            url, QueryDict(body[:100_000]) if body.count(b"&") < 900 else {}
        )
    return client.post(
        path,
        body if sent is None else urlencode(sent).encode(),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature, **(headers or {})},
    )


def sendgrid_post(
    client: Client,
    events: Any,
    *,
    sent: bytes | None = None,
    age: float = 0,
    timestamp: str | None = None,
    signature: str | None = None,
    seed: str = keys.DEFAULT_SEED,
) -> Any:
    """Events as SendGrid posts them. `sent` is posted in place of what was signed."""
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    stamp = str(int(time.time() - age)) if timestamp is None else timestamp
    if signature is None:
        signed = keys.sendgrid_webhook_key(seed).sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        signature = base64.b64encode(signed).decode()
    return client.post(
        "/webhooks/sendgrid/",
        body if sent is None else sent,
        content_type="application/json",
        headers={
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        },
    )


def event(name: str, notification_id: object = None, **fields: Any) -> dict[str, Any]:
    """One event of SendGrid's."""
    return {
        "event": name,
        "email": "ada@example.com",
        "timestamp": int(time.time()),
        "sg_event_id": uuid.uuid4().hex,
        "sg_message_id": "ref-1.recvd-1",
        **({"notification_id": str(notification_id)} if notification_id else {}),
        **fields,
    }
