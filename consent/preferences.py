"""Every write of consent: in, what a person decided; out, an event in the ledger and the state that follows from it.

The two are written in one transaction, under the customer's lock. `consent/ledger.py` has the rule.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils.translation import get_language

from consent.double_opt_in import UNPROVEN, ask, asked_lately, asks
from consent.ledger import Change, ConsentError, Fact, Key, State, fold, state_of
from consent.models import GRANTS, ConfirmRequest, ConsentEvent, CustomerConsent, Source
from consent.write import lock_customers, write_events, write_states

__all__ = ["Change", "ConsentError", "confirm", "current", "grant", "record_many", "request", "revoke"]

BATCH = 2_000


def grant(
    *,
    customer_id: str,
    channel: str,
    category: str,
    source: str,
    actor: str,
    at: dt.datetime,
    wording: str = "",
    evidence: Mapping[str, Any] | None = None,
    locale: str = "",
) -> ConsentEvent | None:
    """The customer agreed at `at`. Answers the event, or None when that stood already.

    `actor` is `customer`, `staff:<id>`, `provider:<name>` or `job:<name>`; `wording` the exact text that the person
    read, in the language `locale` (the active one); `evidence` JSON without addresses or names. Raises ConsentError. Takes part in the caller's transaction.
    """
    if source in UNPROVEN and asks(channel=channel, category=category):
        raise ConsentError(
            "consent.unconfirmed",
            f"{category.capitalize()} by {channel} asks for double opt-in: call request(), which asks the address itself.",
        )
    return _record_one(
        Change(customer_id, channel, category, True, source, actor, at, wording, evidence or {}, locale)
    )


def revoke(
    *,
    customer_id: str,
    channel: str,
    category: str,
    source: str,
    actor: str,
    at: dt.datetime,
    wording: str = "",
    evidence: Mapping[str, Any] | None = None,
    locale: str = "",
) -> ConsentEvent | None:
    """The customer withdrew at `at`; as `grant`, but what is said again on another day is on record again. Security and transactional can't be withdrawn: ConsentError."""
    return _record_one(
        Change(customer_id, channel, category, False, source, actor, at, wording, evidence or {}, locale)
    )


def request(
    *,
    customer_id: str,
    channel: str,
    category: str,
    source: str,
    actor: str,
    at: dt.datetime,
    wording: str = "",
    evidence: Mapping[str, Any] | None = None,
    locale: str = "",
) -> ConsentEvent | None:
    """Somebody says, in a form or on the phone, that the customer wants this; as `grant`. Where the category asks for double
    opt-in, it allows nothing yet: the event is `requested`, and a message asks the address itself. None when it stands
    already, or when the question was sent within the last hour."""
    change = Change(customer_id, channel, category, True, source, actor, at, wording, evidence or {}, locale)
    if not asks(channel=channel, category=category):
        return _record_one(change)
    change.check()
    with transaction.atomic():
        lock_customers({customer_id})
        state = current(customer_id).get((channel, category), State())
        key = {"customer_id": customer_id, "channel": channel, "category": category}
        if state.enabled or asked_lately(**key, now=at, left_at=state.revoked_at):
            return None
        [event] = write_events([replace(change, action=ConsentEvent.Action.REQUESTED.value)])
        ask(event, locale=locale or get_language() or "en", now=at)
    return event


def confirm(
    asked: ConfirmRequest,
    *,
    at: dt.datetime,
    wording: str = "",
    evidence: Mapping[str, Any] | None = None,
    locale: str = "",
) -> bool:
    """The owner of the address says yes. Answers whether it stands now: not where the question is too old, or where the
    customer withdrew after it. Again changes nothing."""
    event = asked.event
    change = Change(
        customer_id=asked.customer_id,
        channel=asked.channel,
        category=asked.category,
        enabled=True,
        source=Source.WEB_FORM.value,
        actor="customer",
        at=at,
        wording=wording,
        evidence={**(evidence or {}), "requested": str(event.pk)},
        locale=locale,
        action=ConsentEvent.Action.CONFIRMED.value,
    )
    with transaction.atomic():
        lock_customers({asked.customer_id})
        state = current(asked.customer_id).get((asked.channel, asked.category), State())
        withdrawn = state.revoked_at is not None and state.revoked_at >= event.occurred_at
        if state.enabled or withdrawn or asked.expires_at <= at:
            return state.enabled
        _record([change])
        ConfirmRequest.objects.filter(pk=asked.pk, confirmed_at=None).update(confirmed_at=at)
    return True


def record_many(changes: Iterable[Change]) -> int:
    """Write thousands of changes a second; answers how many were news (`ledger.fold`).

    Each batch of 2,000 commits by itself, unless the caller holds a transaction. Raises ConsentError before
    anything of its batch is written.
    """
    remaining = iter(changes)
    return sum(len(_record(batch)) for batch in iter(lambda: list(islice(remaining, BATCH)), []))


def current(customer_id: str) -> dict[tuple[str, str], State]:
    """What the customer said, by (channel, category); a pair that is missing was never decided."""
    rows = CustomerConsent.objects.filter(customer_id=customer_id)
    return {(row.channel, row.category): state_of(row) for row in rows}


def _record_one(change: Change) -> ConsentEvent | None:
    events = _record([change])
    return events[0] if events else None


def _record(changes: Sequence[Change]) -> list[ConsentEvent]:
    for change in changes:
        change.check()
    customers = {change.customer_id for change in changes}
    with transaction.atomic():
        lock_customers(customers)
        rows = {
            (row.customer_id, row.channel, row.category): row
            for row in CustomerConsent.objects.filter(customer_id__in=customers)
        }
        states = {key: state_of(row) for key, row in rows.items()}
        states, news = fold(
            states, changes, known=_known_facts(states, changes), asked=_asked(states, changes)
        )
        events = write_events(news)
        write_states({change.key: states[change.key] for change in news})
    return events


def _known_facts(states: Mapping[Key, State], changes: Iterable[Change]) -> list[Fact]:
    """What the ledger has of customers with changes that are older than the state: asked only when there are any."""
    late = {
        change.customer_id
        for change in changes
        if change.key in states and states[change.key].outlasts(change)
    }
    if not late:
        return []
    events = ConsentEvent.objects.exclude(action=ConsentEvent.Action.REQUESTED).filter(customer_id__in=late)
    return [
        ((event.customer_id, event.channel, event.category), event.action in GRANTS, event.occurred_at)
        for event in events
    ]


def _asked(states: Mapping[Key, State], changes: Iterable[Change]) -> dict[Key, dt.datetime]:
    """When we last asked, without an answer, those who say no once more: asked only when there are any."""
    off = {key for key, state in states.items() if not state.enabled}
    again = {change.customer_id for change in changes if not change.enabled and change.key in off}
    if not again:
        return {}
    questions = ConfirmRequest.objects.filter(customer_id__in=again, confirmed_at=None).order_by("asked_at")
    return {(one.customer_id, one.channel, one.category): one.asked_at for one in questions}
