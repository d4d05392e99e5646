"""Where recipients can be reached now: in, `to` values; out, a Reach for each, in a constant number of queries.

Used when enqueueing and again when delivering, since an address can change in between.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent.directory import Contact, directory
from consent.sealed import SealError, unseal
from notifications.message import PushTarget
from notifications.push_subscriptions import targets_of


@dataclass(frozen=True, slots=True)
class Reach:
    """One recipient: the person, as far as known, and the address of each channel («» where there is none)."""

    contact: Contact
    customer_id: str | None
    addresses: Mapping[str, str]
    push_targets: tuple[PushTarget, ...] = ()
    problem: str = ""  # why the stored address cannot be read

    def reachable(self, channel: str) -> bool:
        return channel == "inapp" or bool(self.addresses.get(channel))


ERASED = "erased"  # in the place of an id or address that was forgotten (privacy/erase.py)


def recipient_key(to: Mapping[str, Any]) -> str:
    """`customer:<id>`, `staff:<id>` or `address:<blind index>`: one text to find a person's messages by."""
    if "customer_id" in to:
        return f"customer:{to['customer_id']}"
    if "staff_id" in to:
        return f"staff:{to['staff_id']}"
    if ERASED in to:
        return ERASED
    return f"address:{to['address']['index']}"


def reach_many(recipients: Sequence[Mapping[str, Any]], *, with_push: bool) -> list[Reach | None]:
    """A Reach for each `to`, in order; None where the directory does not know the id."""
    who = directory()
    customer_ids = {str(to["customer_id"]) for to in recipients if "customer_id" in to}
    staff_ids = {str(to["staff_id"]) for to in recipients if "staff_id" in to}
    customers = who.customers(customer_ids) if customer_ids else {}
    staff = who.staff(staff_ids) if staff_ids else {}
    keys = [recipient_key(to) for to in recipients]
    targets = targets_of(set(keys)) if with_push else {}

    def one(to: Mapping[str, Any], key: str) -> Reach | None:
        if "address" in to:
            return _ad_hoc(to["address"])
        contact = customers.get(str(to.get("customer_id"))) or staff.get(str(to.get("staff_id")))
        if contact is None:
            return None
        push = targets.get(key, ())
        addresses = {"email": contact.email, "sms": contact.phone, "push": push[0].endpoint if push else ""}
        return Reach(contact, contact.id if "customer_id" in to else None, addresses, push)

    return [one(to, key) for to, key in zip(recipients, keys, strict=True)]


def _ad_hoc(stored: Mapping[str, Any]) -> Reach:
    try:
        opened = json.loads(unseal(stored["sealed"]))
    except SealError as error:
        return Reach(Contact(id=""), None, {}, problem=str(error))
    contact = Contact(id="", first_name=opened["name"], locale=stored["locale"])
    return Reach(contact, None, {stored["channel"]: opened["value"]})
