"""A push message on the wire: in, a Message; out, what our service worker reads, and the headers of RFC 8030. Pure."""

import base64
import datetime as dt
import json
from collections.abc import Mapping

from django.utils import timezone

from notifications.message import Message

# RFC 8030 §5.2: how long the push service keeps it for a browser that is off.
DEFAULT_TTL = dt.timedelta(days=1)
LONGEST_TTL = dt.timedelta(days=28)
# RFC 8030 §7.2 lets a service refuse more than 4,096 encrypted bytes; this much text is below 1,400 in any script.
SHORT_TITLE, SHORT_BODY = 80, 160
_URGENCY = {0: "high", 1: "high", 2: "normal", 3: "low"}


def payload(message: Message, *, short: bool = False) -> bytes:
    """What our service worker reads. `tag` makes a browser replace an earlier copy instead of showing two."""
    parts = message.rendered.parts
    title, body = parts["title"], parts["body"]
    if short:
        title, body = _cut(title, SHORT_TITLE), _cut(body, SHORT_BODY)
    text = json.dumps(
        {
            "id": str(message.id),
            "tag": str(message.id),
            "title": title,
            "body": body,
            "url": parts.get("url", ""),
            "lang": message.rendered.locale,
        },
        ensure_ascii=False,
    )
    return text.encode()


def headers(message: Message) -> Mapping[str, str]:
    """Everything but the authorization."""
    return {
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "TTL": str(int(_ttl(message).total_seconds())),
        "Urgency": _URGENCY[message.priority],
        "Topic": _topic(message),
    }


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _topic(message: Message) -> str:
    """RFC 8030 §5.4: at most 32 url-safe characters; a second copy replaces the first while the browser is off."""
    return base64.urlsafe_b64encode(message.id.bytes).rstrip(b"=").decode()


def _ttl(message: Message) -> dt.timedelta:
    if message.expires_at is None:
        return DEFAULT_TTL
    return max(min(message.expires_at - timezone.now(), LONGEST_TTL), dt.timedelta(0))
