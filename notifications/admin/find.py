"""Find a message: in, what an operator typed; out, the rows. An address never reaches a URL.

The search box posts. An address in it becomes the recipient keys it stands for (customers from the directory, the
blind index of an address without a customer), and the list's query string holds those: browsers keep URLs in their
history, servers in access logs. A request's body is logged by nobody (SENTRY: `max_request_body_size="never"`), and
Django's Referrer-Policy `same-origin` keeps the query string to ourselves.
"""

import re

from django.db.models import Q, QuerySet

from consent.addresses import AddressError, blind_index, normalise
from consent.directory import directory
from consent.ids import uuid_of
from consent.models import Channel
from notifications.history import recipient_index
from notifications.models import DeliveryAttempt, Notification, NotificationHistory

KEY_PREFIXES = ("customer:", "staff:", "address:")
# One number may be the front desk of a large company.
MOST_CUSTOMERS = 50
_NUMBER_LIKE = re.compile(r"\+?[\d\s().-]{7,25}")


def is_address(text: str) -> bool:
    """Would this be somebody's address, so that it must not stand in a URL?"""
    if "@" in text:
        return True
    if not _NUMBER_LIKE.fullmatch(text.strip()):
        return False
    try:
        normalise(Channel.SMS, text)
    except AddressError:
        return False
    return True


def as_keys(address: str) -> str:
    """The recipient keys that an address stands for, as one search text. Raises AddressError."""
    channel = Channel.EMAIL if "@" in address else Channel.SMS
    normal = normalise(channel, address)
    customers = sorted(directory().customers_at(channel, normal))[:MOST_CUSTOMERS]
    return " ".join(
        [*(f"customer:{known}" for known in customers), f"address:{blind_index(channel, normal)}"]
    )


def search(rows: QuerySet[Notification], text: str) -> QuerySet[Notification]:
    """The rows with this id, idempotency key, provider reference, customer or staff id, or these recipient keys.

    Every branch is an equality on an index: `idempotency_key` is the second column of its index, hence the channels.
    """
    text = text.strip()
    words = text.split()
    if words and all(word.startswith(KEY_PREFIXES) for word in words):
        return rows.filter(recipient_key__in=words)
    ids = list(
        DeliveryAttempt.objects.filter(provider_reference=text).values_list("notification_id", flat=True)[
            :100
        ]
    )
    if (known := uuid_of(text)) is not None:
        ids.append(known)
    return rows.filter(
        Q(pk__in=ids)
        | Q(channel__in=Channel.values, idempotency_key=text)
        | Q(recipient_key__in=[f"customer:{text}", f"staff:{text}"])
    )


def search_past(rows: QuerySet[NotificationHistory], text: str) -> QuerySet[NotificationHistory]:
    """The same of the history, which knows recipients by their keyed hash alone. Each branch by an index."""
    text = text.strip()
    words = text.split()
    if words and all(word.startswith(KEY_PREFIXES) for word in words):
        return rows.filter(recipient_index__in=[recipient_index(word) for word in words])
    people = [recipient_index(f"{kind}:{text}") for kind in ("customer", "staff")]
    return rows.filter(
        Q(pk=uuid_of(text))
        | Q(channel__in=Channel.values, idempotency_key=text)
        | Q(provider_reference=text)
        | Q(recipient_index__in=people)
    )
