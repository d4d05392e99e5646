"""Did the owner of the address agree, or somebody in their name? In: a wish that a form took; out, a question to the address.

Where `NOTIFICATIONS["DOUBLE_OPT_IN"]` asks for it, a wish is an event `requested`, which allows nothing, and a link that only
the owner of the address gets. Pressing the button behind it is the event `confirmed`. Only `preferences.py` calls this.
"""

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from consent.models import ConfirmRequest, ConsentEvent, Source
from consent.opt_in_defaults import DEFAULT, DEFAULT_WITHIN, SENDER
from consent.tokens import address_of, token_sha256

# A form must not become a way to fill somebody's inbox: one question an hour, however often it is sent.
ASK_AGAIN_AFTER = dt.timedelta(hours=1)
# consent_requests_expires_at, from its old end.
DELETE = """
DELETE FROM consent_requests WHERE token_sha256 = ANY(ARRAY(
    SELECT token_sha256 FROM consent_requests WHERE expires_at < %s ORDER BY expires_at LIMIT %s
    FOR UPDATE SKIP LOCKED))
"""
# Where anybody may have typed the address. The others come from the address itself, or bring their own proof (import).
UNPROVEN = frozenset({Source.WEB_FORM.value, Source.API.value, Source.ADMIN.value})


@dataclass(frozen=True, slots=True)
class Question:
    """What the message that asks needs. `url` is a secret of whoever gets it."""

    customer_id: str
    channel: str
    category: str
    locale: str
    url: str
    event_id: str
    asked_at: dt.datetime
    expires_at: dt.datetime


class Sender(Protocol):
    """`NOTIFICATIONS["SEND_CONFIRMATION"]`: queues the message, in the caller's transaction."""

    def __call__(self, question: Question) -> None: ...


def asks(*, channel: str, category: str) -> bool:
    """Does consent for this need the confirmation of whoever owns the address?"""
    return channel in settings.NOTIFICATIONS.get("DOUBLE_OPT_IN", DEFAULT).get(category, ())


def asked_lately(
    *, customer_id: str, channel: str, category: str, now: dt.datetime, left_at: dt.datetime | None
) -> bool:
    """Has the question just been sent, and does its link still work? Not where the customer left after it."""
    earliest = now - ASK_AGAIN_AFTER
    return ConfirmRequest.objects.filter(
        customer_id=customer_id,
        channel=channel,
        category=category,
        asked_at__gt=max(earliest, left_at) if left_at else earliest,
        confirmed_at=None,
    ).exists()


def ask(event: ConsentEvent, *, locale: str, now: dt.datetime) -> None:
    """Send the question. Only the hash of its token is kept."""
    token = secrets.token_urlsafe(32)
    within: dt.timedelta = settings.NOTIFICATIONS.get("CONFIRM_WITHIN", DEFAULT_WITHIN)
    made = ConfirmRequest.objects.create(
        token_sha256=token_sha256(token),
        event=event,
        customer_id=event.customer_id,
        channel=event.channel,
        category=event.category,
        locale=locale,
        asked_at=now,
        expires_at=now + within,
    )
    send: Sender = import_string(settings.NOTIFICATIONS.get("SEND_CONFIRMATION", SENDER))
    send(
        Question(
            customer_id=made.customer_id,
            channel=made.channel,
            category=made.category,
            locale=locale,
            url=address_of("consent:confirm", token),
            event_id=str(event.pk),
            asked_at=now,
            expires_at=made.expires_at,
        )
    )


def find_request(token: str) -> ConfirmRequest | None:
    """The request that this token answers, whatever became of it; None when it never did."""
    return ConfirmRequest.objects.select_related("event").filter(pk=token_sha256(token)).first()


def delete_expired_requests(before: dt.datetime, limit: int) -> int:
    """Delete up to `limit` questions whose life ended before that moment, the oldest first; answers how many there were. The
    ledger keeps that they were asked and answered."""
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [before, limit])
        return int(cursor.rowcount)
