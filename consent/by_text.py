"""Leaving and coming back by text message: in, a number and what was said; out, the ledger and the number's suppression.

STOP withdraws what a person can leave, of each customer who has the number; where none has it, it is stopped for the number itself.
Security and transactional messages go on, unless the carrier lets nothing through any more (docs/sms-keywords.md). START gives back
what STOP took, and no more: a text of one word is no agreement to what was never agreed to.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from consent.addresses import AddressError, blind_index
from consent.directory import Contact, directory
from consent.ledger import State
from consent.models import ConsentEvent, CustomerConsent, Source, Suppression
from consent.policy import OPTIONAL, REQUIRES, Category, Requires, Scope
from consent.preferences import Change, current, record_many
from consent.suppress import lift, suppress

CHANNEL = "sms"
FREE_TEXT = "free text"
# What a STOP wrote: its webhook, or the provider's answer to the next message (21610) where the webhook was lost.
BY_STOP = frozenset({Source.SMS_KEYWORD.value, Source.PROVIDER_EVENT.value})
# One text a number at a time, so that of two at once one is the first. 8027 keeps ours apart from everybody else's.
_LOCK = "SELECT pg_advisory_xact_lock(8027, hashtext(%s))"


@dataclass(frozen=True, slots=True)
class Said:
    """A text that acts: its keyword (empty for free text), the provider's id of it, and when it came."""

    keyword: str
    message_sid: str
    at: dt.datetime

    @property
    def evidence(self) -> Mapping[str, str]:
        return {"keyword": self.keyword or FREE_TEXT, "message_sid": self.message_sid}


@dataclass(frozen=True, slots=True)
class Effect:
    """What changed. `is_news` is whether anything did; `was_blocked` whether the carrier had let nothing through."""

    is_news: bool
    was_blocked: bool = False


def leave(number: str, said: Said, *, is_blocked: bool) -> Effect:
    """STOP. `is_blocked`: the carrier lets nothing through to this number any more. Raises AddressError."""
    with transaction.atomic():
        known = _in_force(_lock(number))
        customers = sorted(directory().customers_at(CHANNEL, number))
        # Asked of what stood, not of what is written: of two at once the older may come second, and is on record too.
        is_news = not _are_out(customers) if customers else not known
        record_many(
            _change(customer_id, category, said, enabled=False)
            for customer_id in customers
            for category in sorted(OPTIONAL)
        )
        if is_blocked or not customers:
            suppress(
                channel=CHANNEL,
                address=number,
                reason=Suppression.Reason.OPTED_OUT,
                scope=Scope.ALL if is_blocked else Scope.OPTIONAL,
                note="STOP by text message",
            )
    return Effect(is_news=is_news)


def come_back(number: str, said: Said) -> Effect:
    """START. Raises AddressError."""
    with transaction.atomic():
        known = _in_force(_lock(number))
        for row in known:
            lift(row.pk, by="customer", reason="START by text message")
        news = record_many(
            _change(customer_id, category, said, enabled=True)
            for customer_id in sorted(directory().customers_at(CHANNEL, number))
            for category in _taken(customer_id)
        )
    return Effect(is_news=news > 0 or bool(known), was_blocked=any(row.scope == Scope.ALL for row in known))


def answered_stop(customer_id: str) -> bool:
    """Did the customer's number leave by a STOP that only a START undoes? Then a switch by itself brings nothing back."""
    person = directory().customers([customer_id]).get(customer_id)
    try:
        return bool(person and person.phone and _in_force(blind_index(CHANNEL, person.phone)))
    except AddressError:
        return False


def people_at(number: str) -> list[Contact]:
    """The customers who have the number, in a fixed order."""
    found = directory().customers(directory().customers_at(CHANNEL, number))
    return [found[customer_id] for customer_id in sorted(found)]


def _are_out(customers: Sequence[str]) -> bool:
    """Had all of them left all there is to leave?"""
    left = CustomerConsent.objects.filter(
        customer_id__in=customers, channel=CHANNEL, category__in=OPTIONAL, enabled=False
    )
    return left.count() == len(customers) * len(OPTIONAL)


def _taken(customer_id: str) -> Iterable[Category]:
    """What a STOP took: withdrawn by it and not elsewhere too, and allowed before, by a grant or without one."""
    states = current(customer_id)
    revoked = ConsentEvent.objects.filter(
        customer_id=customer_id, channel=CHANNEL, action=ConsentEvent.Action.REVOKED
    )
    elsewhere = dict(
        revoked.exclude(source__in=BY_STOP).order_by("occurred_at").values_list("category", "occurred_at")
    )
    for category in sorted(OPTIONAL):
        state = states.get((CHANNEL, category.value), State())
        was_allowed = state.granted_at is not None or REQUIRES[category] is Requires.NO_REVOCATION
        left = elsewhere.get(category.value)
        is_stops = left is None or (state.granted_at is not None and left < state.granted_at)
        if state.revoked_at is not None and not state.enabled and is_stops and was_allowed:
            yield category


def _change(customer_id: str, category: Category, said: Said, *, enabled: bool) -> Change:
    return Change(
        customer_id=customer_id,
        channel=CHANNEL,
        category=category.value,
        enabled=enabled,
        source=Source.SMS_KEYWORD.value,
        actor="customer",
        at=said.at,
        evidence=said.evidence,
    )


def _lock(number: str) -> str:
    index = blind_index(CHANNEL, number)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [index])
    return index


def _in_force(index: str) -> list[Suppression]:
    return list(
        Suppression.objects.filter(
            address_hmac=index,
            channel=CHANNEL,
            reason=Suppression.Reason.OPTED_OUT,
            lifted_at__isnull=True,
        )
    )
