"""Links that let a reader leave: in, messages about to be sent; out, random tokens, of which only the hash is kept.

A token is a capability: it says nothing about its owner, and a copy of the table is worth nothing.
"""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from consent.models import UnsubscribeToken

DEFAULT_DAYS = 400
# CAN-SPAM asks for 30 days after sending (16 CFR 316.3); mail is kept, and left, much later.
FEWEST_DAYS = 365
_BYTES = 32
_LENGTH = 43  # of 32 bytes in base64url without padding


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The message that carries the link. `address_hmac` (`addresses.blind_index`) says which address it went to."""

    customer_id: str
    channel: str
    category: str
    notification_id: uuid.UUID | None
    locale: str
    address_hmac: str = ""


def issue_many(requests: Sequence[TokenRequest], *, now: dt.datetime) -> list[str]:
    """A token for each request, in order, by one INSERT. They work for NOTIFICATIONS["UNSUBSCRIBE_DAYS"] days."""
    days = max(int(settings.NOTIFICATIONS.get("UNSUBSCRIBE_DAYS", DEFAULT_DAYS)), FEWEST_DAYS)
    tokens = [secrets.token_urlsafe(_BYTES) for _ in requests]
    UnsubscribeToken.objects.bulk_create(
        UnsubscribeToken(
            token_sha256=_sha256(token),
            customer_id=request.customer_id,
            channel=request.channel,
            category=request.category,
            notification_id=request.notification_id,
            locale=request.locale,
            address_hmac=request.address_hmac,
            expires_at=now + dt.timedelta(days=days),
        )
        for token, request in zip(tokens, requests, strict=True)
    )
    return tokens


def find(token: str, *, now: dt.datetime) -> UnsubscribeToken | None:
    """The link that this token opens, or None when it never did or no longer does."""
    found = find_even_expired(token)
    return found if found is not None and found.expires_at > now else None


def find_even_expired(token: str) -> UnsubscribeToken | None:
    """As `find`, for a page that tells «too old» from «never heard of»."""
    if len(token) != _LENGTH:
        return None
    return UnsubscribeToken.objects.filter(pk=_sha256(token)).first()


def mark_used(token: UnsubscribeToken, *, now: dt.datetime) -> None:
    """Keep when the link was first used. It goes on working: readers press twice, mail programs retry."""
    UnsubscribeToken.objects.filter(pk=token.pk, used_at__isnull=True).update(used_at=now)


def unsubscribe_url(token: str) -> str:
    """The address for List-Unsubscribe and for the link in the text."""
    return f"{settings.PUBLIC_URL}{reverse('consent:unsubscribe', args=[token])}"


def preferences_url(token: str) -> str:
    """The page with every switch of the customer."""
    return f"{settings.PUBLIC_URL}{reverse('consent:preferences', args=[token])}"


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
