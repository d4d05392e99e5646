"""Addresses we must not write to: in, an address and the reason; out, a Suppression that knows only its keyed hash.

What a suppression does is `policy.decide`'s business; who asked and why is kept with it.
"""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models.functions import Now

from consent.addresses import blind_index, hint
from consent.models import Suppression
from consent.policy import Scope


def suppress(
    *,
    channel: str,
    address: str,
    reason: str,
    scope: str = Scope.ALL.value,
    note: str = "",
    expires_at: dt.datetime | None = None,
) -> Suppression:
    """Suppress an address, for ever unless `expires_at` is given. The address itself is not stored.

    Again for the same address, channel and reason: the one in force is kept, with the wider scope and the later
    end of the two. Raises AddressError for what is no address, and ValueError for an unknown reason or scope.
    """
    asked = Suppression(
        address_hmac=blind_index(channel, address),
        address_hint=hint(channel, address),
        channel=channel,
        scope=Scope(scope).value,
        reason=Suppression.Reason(reason).value,
        note=note,
        expires_at=expires_at,
    )
    while True:
        with transaction.atomic():
            Suppression.objects.bulk_create([asked], ignore_conflicts=True)
            kept = (
                Suppression.objects.select_for_update()
                .filter(
                    address_hmac=asked.address_hmac,
                    channel=channel,
                    reason=asked.reason,
                    lifted_at__isnull=True,
                )
                .first()
            )
            if kept is not None:  # None: somebody lifted it between the two statements
                return _widened(kept, asked)


def lift(suppression_id: uuid.UUID | str, *, by: str, reason: str) -> Suppression:
    """Write to the address again. Lifted already: nothing changes. Raises Suppression.DoesNotExist, and ValueError
    without a reason."""
    if not reason.strip():
        raise ValueError("Lifting a suppression needs a reason.")
    Suppression.objects.filter(pk=suppression_id, lifted_at__isnull=True).update(
        lifted_at=Now(), lifted_by=by, lift_reason=reason.strip()
    )
    return Suppression.objects.get(pk=suppression_id)


def _widened(kept: Suppression, asked: Suppression) -> Suppression:
    scope = Scope.ALL.value if Scope.ALL.value in (kept.scope, asked.scope) else kept.scope
    forever = kept.expires_at is None or asked.expires_at is None
    expires_at = None if forever else max(filter(None, (kept.expires_at, asked.expires_at)))
    if (scope, expires_at) != (kept.scope, kept.expires_at):
        kept.scope, kept.expires_at = scope, expires_at
        kept.save(update_fields=["scope", "expires_at"])
    return kept
