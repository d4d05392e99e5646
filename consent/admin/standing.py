"""What may be sent to a customer now, and why: in, an id; out, a grid of channels and categories, what suppresses, what waits.

The gate itself is asked, so the page cannot differ from what happens to a message.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from consent.addresses import AddressError, blind_index
from consent.directory import Contact
from consent.gate import Subject, check_many
from consent.models import Category, Channel, ConfirmRequest, Suppression
from consent.policy import Decision, can_leave

WHY: Mapping[str, str | Promise] = {
    "consent.not_needed": _("needs no consent"),
    "consent.revoked": _("the customer switched it off"),
    "consent.not_revoked": _("the customer did not switch it off"),
    "consent.granted": _("the customer agreed"),
    "consent.missing": _("the customer never agreed"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One category on one channel. `event_id` is the event of the ledger that decides; `decide_url` where it can be changed."""

    channel: str
    is_allowed: bool
    why: str
    event_id: str
    decide_url: str


@dataclass(frozen=True, slots=True)
class CustomerStanding:
    """`rows` by category, a cell a channel; `suppressions` in force for the customer's addresses; `waiting`: asked, unanswered."""

    channels: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    suppressions: Sequence[Suppression]
    waiting: Sequence[ConfirmRequest]


def standing_of(
    customer_id: str, contact: Contact | None, *, now: dt.datetime, may_decide: bool
) -> CustomerStanding:
    """In three queries."""
    hashes = _hashes(contact)
    keys = [(category, channel) for category in Category for channel in Channel]
    decisions = check_many(
        [
            Subject(customer_id, channel.value, category.value, hashes.get(channel.value))
            for category, channel in keys
        ],
        now=now,
    )
    by_key = dict(zip(keys, decisions, strict=True))
    return CustomerStanding(
        [str(channel.label) for channel in Channel],
        [
            (
                str(category.label),
                [
                    _cell(customer_id, category, channel, by_key[category, channel], may_decide)
                    for channel in Channel
                ],
            )
            for category in Category
        ],
        in_force(hashes.values(), now=now),
        list(
            ConfirmRequest.objects.filter(
                customer_id=customer_id, confirmed_at=None, expires_at__gt=now
            ).order_by("asked_at")
        ),
    )


def in_force(hashes: Iterable[str], *, now: dt.datetime) -> list[Suppression]:
    """The suppressions of these hashed addresses that stop something now."""
    rows = Suppression.objects.filter(address_hmac__in=list(hashes), lifted_at=None)
    return [row for row in rows if row.expires_at is None or row.expires_at > now]


def _hashes(contact: Contact | None) -> dict[str, str]:
    found = {}
    for channel, address in (("email", contact.email), ("sms", contact.phone)) if contact else ():
        try:
            found[channel] = blind_index(channel, address) if address else ""
        except AddressError:
            continue
    return {channel: known for channel, known in found.items() if known}


def _cell(
    customer_id: str, category: Category, channel: Channel, decision: Decision, may_decide: bool
) -> Cell:
    url = ""
    if may_decide and can_leave(channel=channel.value, category=category.value):
        asked = {"customer_id": customer_id, "channel": channel.value, "category": category.value}
        asked["decision"] = (
            "revoke" if decision.rule in ("consent.granted", "consent.not_revoked") else "grant"
        )
        url = f"{reverse('admin:consent_customerconsent_add')}?{urlencode(asked)}"
    return Cell(channel.value, decision.allowed, _why(decision), str(decision.consent_event_id or ""), url)


def _why(decision: Decision) -> str:
    head, _dot, reason = decision.rule.partition(".")
    if head == "suppressed":
        known = dict(Suppression.Reason.choices)
        return gettext("the address is suppressed: %s") % known.get(reason, reason)
    return str(WHY.get(decision.rule, decision.reason))
