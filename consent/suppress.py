"""Addresses we must not write to: in, addresses (or their keyed hashes) and reasons; out, Suppressions that know only the hash.

What a suppression does is `policy.decide`'s business; who asked and why is kept with it.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models.functions import Now

from consent.addresses import blind_index, hint
from consent.arrays import array
from consent.models import Suppression
from consent.policy import Scope

Reason = Suppression.Reason
# What a report of a provider's means, by channel and reason. Who complained or left can still be told what they must know,
# such as a receipt; a number is given to somebody else, or moved to a mobile, after a while; a mailbox hardly ever is.
SCOPES: Mapping[tuple[str, str], Scope] = {
    ("email", Reason.COMPLAINT): Scope.OPTIONAL,
    ("email", Reason.OPTED_OUT): Scope.OPTIONAL,
}
LIFETIMES: Mapping[tuple[str, str], dt.timedelta] = {
    ("sms", Reason.INVALID): dt.timedelta(days=180),
    ("sms", Reason.LANDLINE): dt.timedelta(days=365),
}
# The one in force is kept, with the wider scope and the later end of the two; one that is over, with what is asked now. In the order of the addresses, so that two
# statements at once cannot deadlock. What was lifted since the event happened is not made again by a late report of it.
SUPPRESS = """
INSERT INTO suppressions AS s (
    id, address_hmac, channel, reason, address_hint, scope, note, expires_at, source_event, lifted_by, lift_reason)
SELECT v.id, v.address_hmac, v.channel, v.reason, v.address_hint, v.scope, v.note, v.expires_at, v.source_event, '', ''
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
            %s::bigint[], %s::timestamptz[])
     AS v(id, address_hmac, channel, reason, address_hint, scope, note, expires_at, source_event, at)
WHERE NOT EXISTS (
    SELECT 1 FROM suppressions AS old
    WHERE old.address_hmac = v.address_hmac AND old.channel = v.channel AND old.reason = v.reason AND old.lifted_at > v.at)
ORDER BY v.address_hmac, v.channel, v.reason
ON CONFLICT (address_hmac, channel, reason) WHERE lifted_at IS NULL DO UPDATE SET
    scope = CASE WHEN s.expires_at <= statement_timestamp() THEN EXCLUDED.scope
                 WHEN 'all' IN (s.scope, EXCLUDED.scope) THEN 'all'
                 WHEN 'optional' IN (s.scope, EXCLUDED.scope) THEN 'optional' ELSE s.scope END,
    expires_at = CASE WHEN s.expires_at IS NOT NULL AND EXCLUDED.expires_at IS NOT NULL
                      THEN GREATEST(s.expires_at, EXCLUDED.expires_at) END,
    note = CASE WHEN s.expires_at <= statement_timestamp() THEN EXCLUDED.note ELSE s.note END,
    source_event = CASE WHEN s.expires_at <= statement_timestamp() THEN EXCLUDED.source_event ELSE s.source_event END
RETURNING *
"""


@dataclass(frozen=True, slots=True)
class Dead:
    """An address found dead at a moment, by its keyed hash and mask; `source_event` is the report that said so."""

    channel: str
    address_hmac: str
    address_hint: str
    reason: str
    at: dt.datetime
    source_event: int | None = None

    @property
    def scope(self) -> str:
        return SCOPES.get((self.channel, self.reason), Scope.ALL).value

    @property
    def expires_at(self) -> dt.datetime | None:
        lifetime = LIFETIMES.get((self.channel, self.reason))
        return self.at + lifetime if lifetime else None


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
        reason=Reason(reason).value,
        note=note,
        expires_at=expires_at,
    )
    return _insert([(asked, None)])[0]


def suppress_index(
    *, channel: str, address_hmac: str, address_hint: str, reason: str, scope: str, note: str = ""
) -> Suppression:
    """As `suppress`, where only the keyed hash of the address is known (of a message that went there)."""
    asked = Suppression(
        address_hmac=address_hmac,
        address_hint=address_hint,
        channel=channel,
        scope=Scope(scope).value,
        reason=Reason(reason).value,
        note=note,
    )
    return _insert([(asked, None)])[0]


def suppress_many(found: Iterable[Dead]) -> list[Suppression]:
    """Suppress what providers found dead, with the scope and the end that the reason has. Idempotent, one statement."""
    earliest: dict[tuple[str, str, str], Dead] = {}
    for dead in found:
        key = (dead.address_hmac, dead.channel, dead.reason)
        if key not in earliest or dead.at < earliest[key].at:
            earliest[key] = dead
    return _insert(
        [
            (
                Suppression(
                    address_hmac=dead.address_hmac,
                    address_hint=dead.address_hint,
                    channel=dead.channel,
                    scope=dead.scope,
                    reason=Reason(dead.reason).value,
                    expires_at=dead.expires_at,
                    source_event=dead.source_event,
                ),
                dead.at,
            )
            for dead in earliest.values()
        ]
    )


def erased_among(hashes: Iterable[str]) -> set[str]:
    """Those of the hashed addresses whose owner asked to be forgotten, and was not written to again since."""
    rows = Suppression.objects.filter(
        address_hmac__in=set(hashes) - {""}, reason=Reason.ERASURE, lifted_at__isnull=True
    )
    return set(rows.values_list("address_hmac", flat=True))


def lift(suppression_id: uuid.UUID | str, *, by: str, reason: str) -> Suppression:
    """Write to the address again. Lifted already: nothing changes. Raises Suppression.DoesNotExist, and ValueError
    without a reason."""
    if not reason.strip():
        raise ValueError("Lifting a suppression needs a reason.")
    Suppression.objects.filter(pk=suppression_id, lifted_at__isnull=True).update(
        lifted_at=Now(), lifted_by=by, lift_reason=reason.strip()
    )
    return Suppression.objects.get(pk=suppression_id)


def _insert(asked: list[tuple[Suppression, dt.datetime | None]]) -> list[Suppression]:
    if not asked:
        return []
    rows = [
        (
            row.pk,
            row.address_hmac,
            row.channel,
            row.reason,
            row.address_hint,
            row.scope,
            row.note,
            row.expires_at,
            row.source_event,
            at,
        )
        for row, at in asked
    ]
    return list(Suppression.objects.raw(SUPPRESS, [array(column) for column in zip(*rows, strict=True)]))
