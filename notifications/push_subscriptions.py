"""Browsers that asked for push messages: in, a subscription's endpoint and keys; out, encrypted rows and PushTargets.

Source: W3C Push API, `PushSubscription.toJSON()` (endpoint, keys.p256dh, keys.auth).
"""

import datetime as dt
import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from consent.sealed import SealError, seal, unseal
from notifications.message import PushTarget
from notifications.models import PushSubscription
from notifications.push_hosts import checked

logger = logging.getLogger(__name__)

# An acceptance is written down once an hour; it proves our key for a day.
ACCEPTED_ANEW = dt.timedelta(hours=1)
PROOF = dt.timedelta(days=1)
# A browser that refused our key so often in a row, while its push service took it from others, is dead.
REFUSALS = 3


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """What a browser handed over, and whose it is (`customer:<id>` or `staff:<id>`)."""

    recipient_key: str
    endpoint: str
    p256dh: str
    auth: str


def subscribe(*, recipient_key: str, endpoint: str, p256dh: str, auth: str) -> None:
    """Keep one subscription; the same endpoint again moves to this recipient with the new keys. Raises EndpointError."""
    subscribe_many([NewSubscription(recipient_key, endpoint, p256dh, auth)])


def subscribe_many(subscriptions: Iterable[NewSubscription], *, batch_size: int = 1000) -> int:
    """Keep many, or none; answers how many were given. Raises EndpointError."""
    rows = [_row(new) for new in subscriptions]
    PushSubscription.objects.bulk_create(
        rows,
        batch_size=batch_size,
        update_conflicts=True,
        unique_fields=["endpoint_sha256"],
        update_fields=[
            "recipient_key",
            "endpoint_origin",
            "sealed",
            "refusals",
            "refused_since",
            "refused_at",
        ],
    )
    return len(rows)


def targets_of(recipient_keys: Collection[str]) -> dict[str, tuple[PushTarget, ...]]:
    """The browsers of each recipient, oldest first, in two queries."""
    found: defaultdict[str, list[PushTarget]] = defaultdict(list)
    rows = PushSubscription.objects.filter(recipient_key__in=recipient_keys).order_by("created_at", "id")
    key_works = PushSubscription.objects.filter(last_used_at__gt=timezone.now() - PROOF).exists()
    for row in rows:
        try:
            opened = json.loads(unseal(row.sealed))
        except SealError:
            logger.exception("push.unreadable subscription=%s", row.id)
            continue
        found[row.recipient_key].append(
            PushTarget(str(row.id), opened["endpoint"], opened["p256dh"], opened["auth"], key_works)
        )
    return {key: tuple(targets) for key, targets in found.items()}


def forget(endpoints: Collection[str]) -> int:
    """Delete gone subscriptions by endpoint: a browser that subscribed anew in the meantime has another one."""
    hashes = [_sha256(endpoint) for endpoint in endpoints]
    return PushSubscription.objects.filter(endpoint_sha256__in=hashes).delete()[0]


def note_accepted(subscription_ids: Collection[str], *, at: dt.datetime) -> None:
    """These took a message: whatever they refused before is forgiven. One statement, few writes."""
    anew = Q(last_used_at__isnull=True) | Q(last_used_at__lt=at - ACCEPTED_ANEW) | Q(refusals__gt=0)
    PushSubscription.objects.filter(anew, pk__in=subscription_ids).update(
        last_used_at=at, refusals=0, refused_since=None, refused_at=None
    )


def note_refused(endpoints: Collection[str], *, at: dt.datetime) -> int:
    """These refused our key at `at` (counted once, however often it is told). Deletes those that did so three times
    in a row while others of the same push service accepted it; answers how many."""
    refused = PushSubscription.objects.filter(endpoint_sha256__in=[_sha256(end) for end in endpoints])
    refused.filter(Q(refused_at__isnull=True) | Q(refused_at__lt=at)).update(
        refusals=F("refusals") + 1, refused_since=Coalesce("refused_since", at), refused_at=at
    )
    others = PushSubscription.objects.filter(
        endpoint_origin=OuterRef("endpoint_origin"), last_used_at__gt=OuterRef("refused_since")
    )
    return refused.filter(Exists(others), refusals__gte=REFUSALS).delete()[0]


def _row(new: NewSubscription) -> PushSubscription:
    checked(new.endpoint)
    parts = urlsplit(new.endpoint)
    return PushSubscription(
        recipient_key=new.recipient_key,
        endpoint_sha256=_sha256(new.endpoint),
        endpoint_origin=f"{parts.scheme}://{parts.netloc}",
        sealed=seal(json.dumps({"endpoint": new.endpoint, "p256dh": new.p256dh, "auth": new.auth})),
    )


def _sha256(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()
