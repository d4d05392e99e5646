"""Promotions begin and end by themselves: in, `now`; out, their states, word to staff, and the offer to its segment.

Staff are the finance team, whose figures a discount moves, and whoever made the promotion. Customers hear of a promotion
that begins, once, if it is to be announced; of one that was missed altogether nobody but staff does. Whether a customer
wants offers is the gate's to say: those who did not ask for any are withheld, each with the reason.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models.functions import Now

from jobs.audience import members
from jobs.links import admin_page, customer_page
from jobs.spec import JobResult, Progress
from jobs.telling import Telling, once
from notifications.message import Group, NotifyRequest, Staff
from rentals.models import CustomerSegmentMember, PromoRule
from rentals.querysets.promotions import PromoRuleQuerySet
from templates_app.formats import in_words

NAME = "promotion_scheduler"
FINANCE = Group("finance")
KINDS = ("begun", "ended", "missed", "members")
# A promotion holds for what the company sells, in its own currency.
CURRENCY = "CAD"


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Turn every promotion whose time has come, and tell who is to know."""
    promotions = PromoRule.objects.select_related("created_by")
    missed = _turn(promotions.missed(now=now), to="expired")
    begun = _turn(promotions.to_begin(now=now), to="active")
    ended = _turn(promotions.to_end(now=now), to="expired")
    announced = [(rule, CustomerSegmentMember.objects.to_hear_of(rule)) for rule in begun if rule.announce]
    moves = (("begun", begun), ("ended", ended), ("missed", missed))
    total = sum(map(len, (begun, ended, missed))) + sum(readers.count() for _, readers in announced)
    telling = Telling(now=now, progress=progress, total=total)
    telling.changed("promotions now active", len(begun))
    telling.changed("promotions now expired", len(ended) + len(missed))
    # Customers hear of their offer also where nobody looks after the figures.
    finance = members(FINANCE, job=NAME) if any(rules for _, rules in moves) else ()
    for kind, rules in moves:
        telling.tell(request for rule in rules for request in _to_staff(kind, rule, finance))
        telling.found(kind, len(rules))
    for rule, readers in announced:
        telling.each("members", readers, _Announcement(rule))
    return telling.result(KINDS)


def _turn(due: PromoRuleQuerySet, *, to: str) -> Sequence[PromoRule]:
    """Make them so. Of two runs at once the second waits for the rows, and then finds them turned."""
    rules = list(due.select_for_update(of=("self",), no_key=True).order_by("pk"))
    PromoRule.objects.filter(pk__in=[rule.pk for rule in rules]).update(status=to, updated_at=Now())
    return rules


def _to_staff(kind: str, rule: PromoRule, finance: Collection[str]) -> Iterator[NotifyRequest]:
    """One each; a maker who belongs to the group hears once."""
    moment = _minute(rule.start_at if kind == "begun" else rule.end_at)
    maker = rule.created_by
    makers = [str(maker.pk)] if maker is not None and maker.is_active else []
    for who in dict.fromkeys([*finance, *makers]):
        yield _staff_request(kind, rule, to=Staff(who), key=once(NAME, kind, rule.pk, moment, "staff", who))


def _staff_request(kind: str, rule: PromoRule, *, to: Staff, key: str) -> NotifyRequest:
    facts: dict[str, Any] = {"name": rule.name, "promo_url": admin_page("rentals_promorule_change", rule.pk)}
    if kind == "begun":
        facts |= {"is_announced": rule.announce} | _ends_on(rule)
    else:
        facts["was_missed"] = kind == "missed"
    return NotifyRequest(
        template="promotion.begun" if kind == "begun" else "promotion.ended",
        to=to,
        channel=("email", "inapp"),
        payload=facts,
        idempotency_key=key,
        metadata={
            "job": NAME,
            "promotion_id": str(rule.pk),
            "says": "active" if kind == "begun" else "expired",
        },
    )


class _Announcement:
    """What one promotion says to each member: a text a language, made once."""

    def __init__(self, rule: PromoRule) -> None:
        self._rule = rule
        self._payloads = {locale: _offer(rule, locale) for locale in ("en", "fr")}

    def __call__(self, member: CustomerSegmentMember) -> NotifyRequest:
        rule = self._rule
        return NotifyRequest(
            template="promotion.announcement",
            to=str(member.customer_id),
            channel="email",
            payload=self._payloads[member.customer.locale],
            idempotency_key=once(NAME, "announce", rule.pk, member.customer_id),
            expires_at=rule.end_at,
            metadata={"job": NAME, "promotion_id": str(rule.pk), "says": "active"},
        )


def _offer(rule: PromoRule, locale: str) -> dict[str, Any]:
    return {
        "name": rule.name,
        "discount": _discount(rule, locale),
        "promo_url": customer_page("PROMOTION_URL", promotion_id=rule.pk),
        **_ends_on(rule),
    }


def _discount(rule: PromoRule, locale: str) -> str:
    """As a Canadian reads it: 12.5% or 12,5 %, $200.00 or 200,00 $."""
    value: Decimal = rule.discount_value
    if rule.discount_type == PromoRule.DiscountType.FIXED:
        return str(in_words("money", {"amount": str(value), "currency": CURRENCY}, locale=locale, zone=""))
    number = f"{value.normalize():f}"
    return f"{number.replace('.', ',')}\xa0%" if locale == "fr" else f"{number}%"


def _ends_on(rule: PromoRule) -> dict[str, str]:
    """The last day on which it holds: one that ends at midnight ends with the day before."""
    if rule.end_at is None:
        return {}
    last = rule.end_at - dt.timedelta(microseconds=1)
    return {"ends_on": last.astimezone(ZoneInfo(settings.TIME_ZONE)).date().isoformat()}


def _minute(moment: dt.datetime | None) -> str:
    # Both are there where they are asked for: by CHECK a scheduled rule has its start, and only one with an end can end.
    assert moment is not None
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%MZ")
