"""The proof of an export or an erasure: in, what was done; out, a row that says so, with a hash that can be handed over."""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping

from consent.addresses import mentions_address
from notifications.models import DataRequest


class ReasonError(ValueError):
    """No reason, or one that names somebody: it is kept for ever."""


def checked_reason(text: str) -> str:
    """The reason in one line. Raises ReasonError."""
    reason = " ".join(text.split())
    if not reason:
        raise ReasonError("Give a reason: it is kept with the receipt.")
    if mentions_address(reason):
        raise ReasonError("Leave e-mail addresses and phone numbers out of the reason: it is kept for ever.")
    return reason


def write_receipt(
    *,
    kind: str,
    customer_id: str,
    by: str,
    reason: str,
    at: dt.datetime,
    counts: Mapping[str, int],
    sha256: str = "",
    pk: uuid.UUID | None = None,
) -> DataRequest:
    """Keep it, under `pk` if somebody has named it already. Without `sha256` (of an exported document) the hash is of the receipt's own facts."""
    row = DataRequest(
        kind=kind,
        customer_id=customer_id,
        made_by=by,
        reason=reason,
        made_at=at,
        counts=dict(counts),
        sha256=sha256,
    )
    row.pk = pk or row.pk
    row.sha256 = sha256 or fingerprint(row)
    row.save(force_insert=True)
    return row


def fingerprint(row: DataRequest) -> str:
    """SHA-256 of what a receipt says, as JSON with sorted keys: who has a copy can see whether ours still says the same."""
    facts = {
        "id": str(row.pk),
        "kind": str(row.kind),
        "customer_id": row.customer_id,
        "made_by": row.made_by,
        "reason": row.reason,
        "made_at": row.made_at.astimezone(dt.UTC).isoformat(),
        "counts": row.counts,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def newest(kind: str, customer_id: str) -> DataRequest | None:
    return DataRequest.objects.filter(kind=kind, customer_id=customer_id).order_by("-made_at", "-id").first()
