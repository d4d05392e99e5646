"""What became of a text message: in, Twilio's status callback; out, an event stored, once a message and status.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

import datetime as dt
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse, QueryDict

from notifications.models import ProviderEvent
from notifications.webhooks.door import Refused, answer
from notifications.webhooks.intake import store
from notifications.webhooks.report import LONGEST, Report, hidden, our_id
from notifications.webhooks.twilio_form import twilio_webhook

TYPES: Mapping[str, ProviderEvent.Type] = {
    "accepted": ProviderEvent.Type.PROCESSED,
    "scheduled": ProviderEvent.Type.PROCESSED,
    "queued": ProviderEvent.Type.PROCESSED,
    "sending": ProviderEvent.Type.PROCESSED,
    "sent": ProviderEvent.Type.PROCESSED,
    "delivered": ProviderEvent.Type.DELIVERED,
    "read": ProviderEvent.Type.OPENED,
    "undelivered": ProviderEvent.Type.BOUNCED,
    "failed": ProviderEvent.Type.DROPPED,
    "canceled": ProviderEvent.Type.DROPPED,
}


@twilio_webhook
def twilio_status(request: HttpRequest, form: QueryDict, now: dt.datetime) -> HttpResponse:
    """`/webhooks/twilio/status/?notification_id=…`, the address that each message named as its own."""
    sid, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
    if not sid or len(sid) > LONGEST or not status:
        raise Refused(400, "no_message", "MessageSid and MessageStatus are needed.")
    if status not in TYPES:
        return answer("This status is none that we follow.")
    code = form.get("ErrorCode", "")
    address_hmac, address_hint = hidden("sms", form.get("To", ""))
    report = Report(
        provider="twilio",
        event_id=f"{sid}:{status}",
        event_type=TYPES[status],
        # They send no time of their own; callbacks come within seconds.
        occurred_at=now,
        notification_id=our_id(request.GET.get("notification_id")),
        reference=sid,
        code=code if code.isdecimal() and len(code) < 10 else "",
        address_hmac=address_hmac,
        address_hint=address_hint,
        detail={"status": status},
    )
    store([report])
    return answer("Stored.")
