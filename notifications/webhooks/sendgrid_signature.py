"""Is this SendGrid's post? In, its headers and its raw body; out, when they signed it, or a refusal.

ECDSA on P-256 with SHA-256, over the timestamp and the body as it came.
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from notifications.webhooks.door import Refused

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
# A timestamp of more digits is no moment.
_DIGITS = 11


@lru_cache(maxsize=4)
def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """The key as SendGrid's console shows it: base64 of DER, with or without PEM's lines around it. Raises ValueError."""
    body = "".join(line.strip() for line in text.splitlines() if "-----" not in line)
    try:
        key = load_der_public_key(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise ValueError("is no public key: copy the verification key from SendGrid's console") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("is no key on the curve P-256: copy the verification key from SendGrid's console")
    return key


def verify(
    headers: Mapping[str, str], body: bytes, *, key: str, now: dt.datetime, oldest: dt.timedelta
) -> dt.datetime:
    """When it was signed. Raises Refused unless SendGrid signed it, and not longer ago than `oldest`."""
    if not key:
        raise Refused(503, "no_key", "SENDGRID_WEBHOOK_KEY is not set here, so nothing can be verified.")
    try:
        known = public_key(key)
    except ValueError:
        raise Refused(
            503, "bad_key", "SENDGRID_WEBHOOK_KEY cannot be read here: see manage.py check."
        ) from None
    timestamp = headers.get(TIMESTAMP, "")
    try:
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        known.verify(signature, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (binascii.Error, ValueError, InvalidSignature):
        raise Refused(403, "signature", "This is not signed with the key that we know.") from None
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _DIGITS):
        raise Refused(400, "timestamp", f"{TIMESTAMP} must be a Unix time in seconds.")
    signed_at = dt.datetime.fromtimestamp(int(timestamp), tz=dt.UTC)
    if not abs(now - signed_at) <= oldest:
        raise Refused(403, "too_old", "This was signed too long ago, or a clock is wrong.")
    return signed_at
