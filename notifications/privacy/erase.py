"""Forget a customer: in, their id, who asks and why; out, what is gone, and the receipt that proves it.

What remains is the proof: the consent ledger (ids and hashes, append-only), suppressions of their addresses by keyed hash, so that
they stay unwritten to even when they are imported again, and the receipt. One transaction; done twice, the second finds nothing.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db import connection, transaction
from django.db.models import Q
from django.utils.module_loading import import_string

from consent.addresses import DOTS
from consent.models import ConfirmRequest, Suppression, UnsubscribeToken
from consent.policy import Scope
from consent.suppress import suppress_index
from consent.write import lock_customers
from notifications.bulk.choose import without_addresses
from notifications.conf import conf
from notifications.history import forget, of_recipient
from notifications.models import BulkAct, DataRequest, InboxItem, ProviderEvent, PushSubscription
from notifications.privacy.person import Person, person
from notifications.privacy.receipts import checked_reason, newest, write_receipt
from notifications.validate import RESERVED

# Our own words about a message stay: they are why it was sent or not. The inline text and what callers added go.
KEPT = sorted(RESERVED - {"body", "parts"})

# In the order in which workers settle rows, so that neither waits for the other in a circle.
LOCK = """
SELECT id FROM notification_queue
WHERE recipient_key = ANY(%(keys)s) AND NOT "to" ? 'erased' ORDER BY id FOR UPDATE
"""
# What has not been handed to a provider is stopped: a worker that holds it loses its lease, and finds so before the call
# (`deliver.dispatch`). What is being sent at this moment stays its worker's, who writes down what came of it; should it go back
# to the queue, the gate withholds it.
ERASE = """
UPDATE notification_queue AS q
SET "to" = '{"erased": true}', subject = NULL, payload = '{}',
    metadata = (SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM jsonb_each(q.metadata) WHERE key = ANY(%(kept)s))
        || jsonb_build_object('erased', %(at)s::text)
        || CASE WHEN stopped.is THEN jsonb_build_object('withheld', %(withheld)s::jsonb) ELSE '{}' END,
    status = CASE WHEN stopped.is THEN 'cancelled' ELSE q.status END,
    lease_token = CASE WHEN stopped.is THEN NULL ELSE q.lease_token END,
    lease_until = CASE WHEN stopped.is THEN NULL ELSE q.lease_until END
FROM unnest(%(ids)s::uuid[]) AS wanted(id)
JOIN LATERAL (
    SELECT status = 'queued' OR (status = 'processing' AND dispatched_at IS NULL)
    FROM notification_queue WHERE id = wanted.id
) AS stopped("is") ON true
WHERE q.id = wanted.id
RETURNING q.id, stopped.is, q.status
"""


class Hook(Protocol):
    """The host's own erasure, named in NOTIFICATIONS["ERASE"]: anonymise the customer's record, answer how many rows of what."""

    def __call__(self, customer_id: str, *, now: dt.datetime) -> Mapping[str, int]: ...


class NobodyError(LookupError):
    """Neither the host nor we know of such a customer."""


@dataclass(frozen=True, slots=True)
class Erased:
    """`counts` says what this call did; `receipt` is its proof, or the earlier one when there was nothing left to do."""

    counts: Mapping[str, int] = field(default_factory=dict)
    receipt: DataRequest | None = None
    in_flight: int = 0

    @property
    def did_something(self) -> bool:
        return any(self.counts.values())


def erase(customer_id: str, *, by: str, reason: str, now: dt.datetime, dry_run: bool = False) -> Erased:
    """Forget them. `by` is `staff:<id>` or `command`. Raises ReasonError, and NobodyError for an id that nothing is known of.

    `in_flight` messages were with a provider at that moment: they may arrive, and are as empty as the rest."""
    reason = checked_reason(reason)
    with transaction.atomic():
        lock_customers([customer_id])
        who = person(customer_id)
        earlier = newest(DataRequest.Kind.ERASURE, customer_id)
        messages, in_flight = _messages(who, now)
        counts = {
            **messages,
            "inbox items": InboxItem.objects.filter(user_id=who.key).delete()[0],
            "push subscriptions": PushSubscription.objects.filter(recipient_key=who.key).delete()[0],
            "addresses suppressed": _suppressed(who),
            "unsubscribe links": UnsubscribeToken.objects.filter(customer_id=customer_id).delete()[0],
            "confirmation links": ConfirmRequest.objects.filter(customer_id=customer_id).delete()[0],
            "searches of acts": _searches(who),
            **_of_the_host(customer_id, now),
        }
        erased = Erased(counts, earlier, in_flight)
        if not erased.did_something and earlier is None and who.contact is None:
            raise NobodyError(f"There is no customer {customer_id}, and nothing is kept of one.")
        if dry_run:
            transaction.set_rollback(True)
            return Erased(counts, earlier, in_flight)
        if erased.did_something or earlier is None:
            receipt = write_receipt(
                kind=DataRequest.Kind.ERASURE,
                customer_id=customer_id,
                by=by,
                reason=reason,
                at=now,
                counts=counts,
            )
            return Erased(counts, receipt, in_flight)
        return erased


def _searches(who: Person) -> int:
    """Of acts whose messages are not chosen yet; those that are chosen hold none (bulk/choose.py)."""
    changed = 0
    for _channel, index in who.indexes:
        for act in BulkAct.objects.select_for_update().filter(total=None, query__contains=index):
            changed += BulkAct.objects.filter(pk=act.pk).update(query=without_addresses(act.query))
    return changed


def _messages(who: Person, now: dt.datetime) -> tuple[dict[str, int], int]:
    withheld = {
        "stage": "erasure",
        "rule": "erased",
        "reason": "The recipient asked to be forgotten.",
        "at": now.isoformat(),
    }
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"keys": who.recipient_keys})
        ids = [row[0] for row in cursor.fetchall()]
        asked: dict[str, Any] = {
            "ids": ids, "kept": KEPT, "at": now.isoformat(), "withheld": json.dumps(withheld)
        }  # fmt: skip
        cursor.execute(ERASE, asked)
        rows = cursor.fetchall()
    indexes = [index for _, index in who.indexes]
    past = [row.pk for key in who.recipient_keys for row in of_recipient(key)]
    about = Q(notification_id__in=[*ids, *past]) | Q(
        event_type=ProviderEvent.Type.INBOUND, address_hmac__in=indexes
    )
    reports = ProviderEvent.objects.filter(about).exclude(detail={}, address_hint="")
    counts = {
        "messages emptied": len(rows),
        "messages stopped": sum(stopped for _, stopped, _ in rows),
        "provider reports emptied": reports.update(detail={}, address_hint=""),
        "past messages untied": sum(map(forget, who.recipient_keys)),
    }
    return counts, sum(status == "processing" for _, _, status in rows)


def _suppressed(who: Person) -> int:
    """Every address of theirs, and the masks of all suppressions of them; answers how many are new."""
    indexes = [index for _, index in who.indexes]
    ours = Suppression.objects.filter(address_hmac__in=indexes, lifted_at__isnull=True, reason="erasure")
    before = ours.count()
    for channel, index in sorted(who.indexes):
        suppress_index(
            channel=channel, address_hmac=index, address_hint=DOTS, reason="erasure", scope=Scope.ALL.value
        )
    # A mask is a bit of an address.
    Suppression.objects.filter(address_hmac__in=indexes).exclude(address_hint=DOTS).update(address_hint=DOTS)
    return ours.count() - before


def _of_the_host(customer_id: str, now: dt.datetime) -> Mapping[str, int]:
    path = conf().erase
    if not path:
        return {}
    hook: Hook = import_string(path)
    return hook(customer_id, now=now)
