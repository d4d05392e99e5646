"""Browsers that asked for push messages: in, a subscription's endpoint and keys; out, encrypted rows and PushTargets.

Source: W3C Push API, `PushSubscription.toJSON()` (endpoint, keys.p256dh, keys.auth).
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from consent.sealed import SealError, seal, unseal
from notifications.message import PushTarget
from notifications.models import PushSubscription

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """What a browser handed over, and whose it is (`customer:<id>` or `staff:<id>`)."""

    recipient_key: str
    endpoint: str
    p256dh: str
    auth: str


def subscribe(*, recipient_key: str, endpoint: str, p256dh: str, auth: str) -> None:
    """Keep one subscription; the same endpoint again moves to this recipient with the new keys."""
    subscribe_many([NewSubscription(recipient_key, endpoint, p256dh, auth)])


def subscribe_many(subscriptions: Iterable[NewSubscription], *, batch_size: int = 1000) -> int:
    """Keep many; answers how many were given."""
    rows = [_row(new) for new in subscriptions]
    PushSubscription.objects.bulk_create(
        rows,
        batch_size=batch_size,
        update_conflicts=True,
        unique_fields=["endpoint_sha256"],
        update_fields=["recipient_key", "endpoint_origin", "sealed"],
    )
    return len(rows)


def targets_of(recipient_keys: Collection[str]) -> dict[str, tuple[PushTarget, ...]]:
    """The browsers of each recipient, oldest first, in one query."""
    found: defaultdict[str, list[PushTarget]] = defaultdict(list)
    rows = PushSubscription.objects.filter(recipient_key__in=recipient_keys).order_by("created_at", "id")
    for row in rows:
        try:
            opened = json.loads(unseal(row.sealed))
        except SealError:
            logger.exception("push.unreadable subscription=%s", row.id)
            continue
        found[row.recipient_key].append(
            PushTarget(str(row.id), opened["endpoint"], opened["p256dh"], opened["auth"])
        )
    return {key: tuple(targets) for key, targets in found.items()}


def forget(endpoints: Collection[str]) -> int:
    """Delete gone subscriptions by endpoint: a browser that subscribed anew in the meantime has another one."""
    hashes = [_sha256(endpoint) for endpoint in endpoints]
    return PushSubscription.objects.filter(endpoint_sha256__in=hashes).delete()[0]


def _row(new: NewSubscription) -> PushSubscription:
    parts = urlsplit(new.endpoint)
    return PushSubscription(
        recipient_key=new.recipient_key,
        endpoint_sha256=_sha256(new.endpoint),
        endpoint_origin=f"{parts.scheme}://{parts.netloc}",
        sealed=seal(json.dumps({"endpoint": new.endpoint, "p256dh": new.p256dh, "auth": new.auth})),
    )


def _sha256(endpoint: str) -> str:
    return hashlib.sha256(endpoint.encode()).hexdigest()
