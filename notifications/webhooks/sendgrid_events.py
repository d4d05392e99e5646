"""What became of e-mails: in, SendGrid's signed batch of events; out, each event stored, once however often it comes.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. Anymail's own view is not used: it verifies
nothing without a key, checks no age, and makes one word of hard and soft bounces (docs/decisions/0017-our-own-webhooks.md).
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from notifications.channels.sendgrid_codes import name_of
from notifications.conf import conf
from notifications.feedback import ENGAGEMENT
from notifications.models import ProviderEvent
from notifications.webhooks.door import Refused, answer, webhook
from notifications.webhooks.intake import store
from notifications.webhooks.report import LONGEST, Report, hidden, our_id, plain, without
from notifications.webhooks.sendgrid_signature import verify

# SendGrid posts at least every 30 seconds or 1,000 events; an event has some 700 bytes.
BIGGEST = 8 * 1024 * 1024
MOST = 20_000
TYPES: Mapping[str, ProviderEvent.Type] = {
    "processed": ProviderEvent.Type.PROCESSED,
    "deferred": ProviderEvent.Type.DEFERRED,
    "delivered": ProviderEvent.Type.DELIVERED,
    "open": ProviderEvent.Type.OPENED,
    "click": ProviderEvent.Type.CLICKED,
    "bounce": ProviderEvent.Type.BOUNCED,
    "dropped": ProviderEvent.Type.DROPPED,
    "spamreport": ProviderEvent.Type.COMPLAINED,
    "unsubscribe": ProviderEvent.Type.UNSUBSCRIBED,
    "group_unsubscribe": ProviderEvent.Type.UNSUBSCRIBED,
}
_EARLIEST = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
_SKEW = dt.timedelta(minutes=5)


@webhook(provider="sendgrid", biggest=BIGGEST)
def sendgrid_events(request: HttpRequest, body: bytes, now: dt.datetime) -> HttpResponse:
    """`/webhooks/sendgrid/`."""
    given = conf()
    verify(
        request.headers,
        body,
        key=getattr(settings, "SENDGRID_WEBHOOK_KEY", ""),
        now=now,
        oldest=given.webhook_age,
    )
    events = _events(body)
    reports = [report for event in events if (report := _report(event, now, engagement=given.engagement))]
    new = store(reports)
    return answer(f"Stored {new} of {len(events)} events.")


def _events(body: bytes) -> list[Any]:
    try:
        events = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "not_json", "The body must be JSON.") from None
    if not isinstance(events, list):
        raise Refused(400, "no_list", "The body must be a list of events.")
    if len(events) > MOST:
        raise Refused(413, "too_many", f"The limit is {MOST} events: send smaller batches.")
    return events


def _report(event: Any, now: dt.datetime, *, engagement: bool) -> Report | None:
    """None of what is no event, or none that we follow."""
    if not isinstance(event, dict):
        return None
    name = _text(event, "event")
    word = TYPES.get(name)
    if word is None or (word in ENGAGEMENT and not engagement):
        return None
    address = _text(event, "email", longest=320)
    address_hmac, address_hint = hidden("email", address)
    said = {key: _text(event, key, longest=2000) for key in ("type", "status", "reason")}
    # Masked after it was understood: the name before the @ may be a part of their words («ed» of «Bounced»).
    shown = {key: without(address, text) for key, text in said.items() if text}
    return Report(
        provider="sendgrid",
        event_id=_text(event, "sg_event_id") or _fingerprint(event),
        event_type=word,
        occurred_at=_moment(event.get("timestamp"), now),
        notification_id=our_id(event.get("notification_id")),
        # Theirs is «reference.recvd-host-…»: what they answered with is the part before the dot.
        reference=_text(event, "sg_message_id").partition(".")[0],
        code=_code(name, said),
        address_hmac=address_hmac,
        address_hint=address_hint,
        detail={"event": name, **shown},
    )


def _code(name: str, said: Mapping[str, str]) -> str:
    """A name of `sendgrid_codes.EVENTS`, and nothing of what they said besides. A bounce is for good unless they, or the mailbox's server (4.x.x), say otherwise."""
    if name == "bounce":
        is_hard = said["type"].lower() in ("", "bounce") and not said["status"].startswith("4")
        return "bounce" if is_hard else "blocked"
    return name_of(name, reason=said["reason"])


def _text(event: Mapping[str, Any], name: str, *, longest: int = LONGEST) -> str:
    value = event.get(name)
    return plain(value)[:longest] if isinstance(value, str) else ""


def _moment(value: object, now: dt.datetime) -> dt.datetime:
    """Their clock, where it can be right; else ours."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            at = dt.datetime.fromtimestamp(value, tz=dt.UTC)
        except (ValueError, OverflowError, OSError):
            return now
        if _EARLIEST <= at <= now + _SKEW:
            return at
    return now


def _fingerprint(event: Mapping[str, Any]) -> str:
    """An id of its own for an event without one: the same for the same event."""
    return hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
