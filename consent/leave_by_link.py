"""Leaving by the link of a message: in, the link; out, consent withdrawn or the address suppressed, and whether that stands.

A customer leaves a channel's category, on record in the ledger. Whoever is no customer has no ledger: their address leaves all that
can be left. «This isn't me» is about the address in any case, never about the customer, who may have another by now.
"""

import datetime as dt
from collections.abc import Mapping

from django.db.models import Q

from consent.addresses import DOTS, AddressError, blind_index, hint
from consent.directory import directory
from consent.models import Source, Suppression, UnsubscribeToken
from consent.policy import Scope
from consent.preferences import current, revoke
from consent.suppress import suppress_index


def has_left(link: UnsubscribeToken, *, now: dt.datetime) -> bool:
    """Is what the link is about switched off already?"""
    if link.customer_id:
        state = current(link.customer_id).get((link.channel, link.category))
        return state is not None and not state.enabled
    in_force = Suppression.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        address_hmac=link.address_hmac,
        channel=link.channel,
        scope__in=[Scope.ALL, Scope.OPTIONAL],
        lifted_at=None,
    )
    return in_force.exists()


def leave(link: UnsubscribeToken, *, wording: str, evidence: Mapping[str, str], now: dt.datetime) -> None:
    """Withdraw. Again: nothing changes."""
    if link.customer_id:
        revoke(
            customer_id=link.customer_id,
            channel=link.channel,
            category=link.category,
            source=Source.ONE_CLICK,
            actor="customer",
            at=now,
            wording=wording,
            evidence=evidence,
        )
    elif link.address_hmac:
        _suppress(link, link.address_hmac, DOTS, scope=Scope.OPTIONAL, note="One-click unsubscribe")


def disown(link: UnsubscribeToken) -> None:
    """Write no more to the address that the message went to, not even about bookings."""
    index, shown = _address(link)
    if index:
        _suppress(link, index, shown, scope=Scope.ALL, note="«This isn't me», on the preference page")


def _suppress(link: UnsubscribeToken, index: str, shown: str, *, scope: Scope, note: str) -> None:
    suppress_index(
        channel=link.channel,
        address_hmac=index,
        address_hint=shown,
        reason=Suppression.Reason.OPTED_OUT,
        scope=scope,
        note=note,
    )


def _address(link: UnsubscribeToken) -> tuple[str, str]:
    """The index and the mask of the address, if there is one. Links of earlier releases know none: the customer's does then."""
    customer = directory().customers([link.customer_id]).get(link.customer_id) if link.customer_id else None
    known = {"email": customer.email, "sms": customer.phone}.get(link.channel, "") if customer else ""
    try:
        index = blind_index(link.channel, known) if known else ""
    except AddressError:  # what is no address is never written to: disowned already
        index = ""
    if link.address_hmac in ("", index):
        return index, hint(link.channel, known) if index else ""
    return link.address_hmac, DOTS
