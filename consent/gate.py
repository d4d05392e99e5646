"""Who may be written to now? In: subjects; out: a Decision each, in order, by two queries whatever their number.

Asked twice for each message, at enqueue and again at delivery: consent may have been withdrawn in between.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from consent.models import CustomerConsent, Suppression
from consent.policy import NEEDS_NO_CONSENT, Category, Decision, Scope, decide

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """One message about to be written: to whom, on which channel, for what, and to which address.

    `customer_id` None is a staff member or an address of no record: nobody there ever agreed to anything, so
    reminders pass and marketing does not. `address_hmac` (`addresses.blind_index`) None means that there is no
    single address to be suppressed: in-app, and push, whose dead endpoints are deleted instead.
    """

    customer_id: str | None
    channel: str
    category: str
    address_hmac: str | None


def check_many(subjects: Sequence[Subject], *, now: dt.datetime) -> list[Decision]:
    """A Decision for each subject, in order. Raises ValueError for an unknown category."""
    enabled = _enabled(subjects)
    suppressions = _suppressions(subjects, now)
    return [
        decide(
            channel=subject.channel,
            category=Category(subject.category),
            enabled=enabled.get(_key(subject)),
            suppressions=suppressions.get((subject.address_hmac or "", subject.channel), ()),
        )
        for subject in subjects
    ]


def _enabled(subjects: Iterable[Subject]) -> dict[Key, bool]:
    """What customers said, by (customer, channel, category); served by the unique key customer_consent_key."""
    asked = {
        _key(subject)
        for subject in subjects
        if subject.customer_id is not None and subject.channel not in NEEDS_NO_CONSENT
    }
    if not asked:
        return {}
    customers, channels, categories = (set(part) for part in zip(*asked, strict=True))
    rows = CustomerConsent.objects.filter(
        customer_id__in=customers, channel__in=channels, category__in=categories
    ).values_list("customer_id", "channel", "category", "enabled")
    return {(customer, channel, category): enabled for customer, channel, category, enabled in rows}


def _suppressions(
    subjects: Iterable[Subject], now: dt.datetime
) -> dict[tuple[str, str], list[tuple[Scope, str]]]:
    """The (scope, reason) pairs in force, oldest first; served by the partial unique key suppressions_one_in_force."""
    hashes = {subject.address_hmac for subject in subjects if subject.address_hmac is not None}
    if not hashes:
        return {}
    rows = (
        Suppression.objects.filter(address_hmac__in=hashes, lifted_at__isnull=True)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        .order_by("created_at", "id")
        .values_list("address_hmac", "channel", "scope", "reason")
    )
    found: defaultdict[tuple[str, str], list[tuple[Scope, str]]] = defaultdict(list)
    for address_hmac, channel, scope, reason in rows:
        found[address_hmac, channel].append((Scope(scope), reason))
    return found


def _key(subject: Subject) -> Key:
    return (subject.customer_id or "", subject.channel, subject.category)
