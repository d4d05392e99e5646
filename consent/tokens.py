"""Links that let a reader leave: in, messages about to be sent; out, random tokens, of which only the hash is kept.

A token is a capability: it says nothing about its owner, and a copy of the table is worth nothing.
"""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.db import connection
from django.urls import get_script_prefix, reverse

from consent.arrays import array
from consent.models import UnsubscribeToken

DEFAULT_DAYS = 400
# CAN-SPAM asks for 30 days after sending (16 CFR 316.3); mail is kept, and left, much later.
FEWEST_DAYS = 365
_BYTES = 32
_LENGTH = 43  # of 32 bytes in base64url without padding
_ANY = "-" * _LENGTH


# Outside a transaction its COMMIT does not wait for the disk: a link is worth nothing before its message is sent, and
# the mark that it is being sent is committed later and does wait, for all before it.
ISSUE = """
INSERT INTO unsubscribe_tokens (
    token_sha256, customer_id, channel, category, notification_id, locale, address_hmac, expires_at)
SELECT new.token, new.customer, new.channel, new.category, new.notification, new.locale, new.address, %s
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::text[])
         AS new(token, customer, channel, category, notification, locale, address),
     (SELECT set_config('synchronous_commit', 'off', true) OFFSET 0) AS relaxed
"""
# unsubscribe_tokens_expires_at, from its old end. An ARRAY: the planner may join a set with the whole table.
DELETE = """
DELETE FROM unsubscribe_tokens WHERE token_sha256 = ANY(ARRAY(
    SELECT token_sha256 FROM unsubscribe_tokens WHERE expires_at < %s ORDER BY expires_at LIMIT %s
    FOR UPDATE SKIP LOCKED))
"""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The message that carries the link. `address_hmac` (`addresses.blind_index`) says which address it went to;
    `customer_id` is empty for whoever is no customer: staff, or an address of no record."""

    customer_id: str
    channel: str
    category: str
    notification_id: uuid.UUID | None
    locale: str
    address_hmac: str = ""


def issue_many(requests: Sequence[TokenRequest], *, now: dt.datetime) -> list[str]:
    """A token for each request, in order, by one INSERT. They work for NOTIFICATIONS["UNSUBSCRIBE_DAYS"] days."""
    if not requests:
        return []
    days = max(int(settings.NOTIFICATIONS.get("UNSUBSCRIBE_DAYS", DEFAULT_DAYS)), FEWEST_DAYS)
    tokens = [secrets.token_urlsafe(_BYTES) for _ in requests]
    rows = [
        (
            token_sha256(token),
            r.customer_id,
            r.channel,
            r.category,
            r.notification_id,
            r.locale,
            r.address_hmac,
        )
        for token, r in zip(tokens, requests, strict=True)
    ]
    columns = [array(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(ISSUE, [now + dt.timedelta(days=days), *columns])
    return tokens


def find(token: str, *, now: dt.datetime) -> UnsubscribeToken | None:
    """The link that this token opens, or None when it never did or no longer does."""
    found = find_even_expired(token)
    return found if found is not None and found.expires_at > now else None


def find_even_expired(token: str) -> UnsubscribeToken | None:
    """As `find`, for a page that tells «too old» from «never heard of»."""
    if len(token) != _LENGTH:
        return None
    return UnsubscribeToken.objects.filter(pk=token_sha256(token)).first()


def mark_used(token: UnsubscribeToken, *, now: dt.datetime) -> None:
    """Keep when the link was first used. It goes on working: readers press twice, mail programs retry."""
    UnsubscribeToken.objects.filter(pk=token.pk, used_at__isnull=True).update(used_at=now)


def delete_expired(before: dt.datetime, limit: int) -> int:
    """Delete up to `limit` links whose life ended before that moment, the oldest first; answers how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [before, limit])
        return int(cursor.rowcount)


def unsubscribe_url(token: str) -> str:
    """The address for List-Unsubscribe and for the link in the text."""
    return address_of("consent:unsubscribe", token)


def preferences_url(token: str) -> str:
    """The page with every switch of the customer."""
    return address_of("consent:preferences", token)


def address_of(view: str, token: str) -> str:
    """The public address of a page that takes a token."""
    return f"{settings.PUBLIC_URL}{_path(view, settings.ROOT_URLCONF, get_script_prefix())}".replace(
        _ANY, token
    )


# Two for each message, and the same but for the token.
@lru_cache(maxsize=8)
def _path(view: str, urlconf: str, prefix: str) -> str:  # noqa: ARG001 (`reverse` reads the prefix itself)
    return reverse(view, urlconf=urlconf, args=[_ANY])


def token_sha256(token: str) -> str:
    """All that is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
