"""Whom a request is for: in, what a caller wrote in `to`; out, the `to` values of the rows (ids, or a sealed address)."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from consent.addresses import AddressError, blind_index, hint, normalise
from consent.directory import directory
from consent.sealed import seal
from notifications.errors import EnqueueError
from notifications.message import Address, Group, Recipient, Staff


def expand(to: Recipient, channel: str | Sequence[str] | None) -> list[dict[str, Any]]:
    """One `to` value a person. A Group becomes its members now, so that who was told is on record."""
    match to:
        case Group(name):
            members = directory().group(name)
            if members is None:
                raise EnqueueError(
                    "unknown_group",
                    "to",
                    f"There is no recipient group “{name}”: create it or check the name.",
                )
            if not members:
                raise EnqueueError(
                    "empty_group", "to", f"Nobody is in the recipient group “{name}”: add a member."
                )
            return [{"staff_id": str(member)} for member in sorted(members, key=str)]
        case Staff(id):
            return [{"staff_id": _id(id, "staff")}]
        case Address():
            return [{"address": _sealed(to, channel)}]
        case str() | int() | uuid.UUID() if not isinstance(to, bool):
            return [{"customer_id": _id(to, "customer")}]
        case _:
            raise EnqueueError(
                "bad_recipient",
                "to",
                f"A {type(to).__name__} is no recipient: pass a customer's id, Staff, Group or Address.",
            )


def _id(value: object, kind: str) -> str:
    text = str(value).strip()
    if not text or len(text) > 100 or "\x00" in text:
        raise EnqueueError("bad_recipient", "to", f"The {kind} id is empty or not an id.")
    if "@" in text:
        # Somebody's address in the place of an id: it would be stored in the clear.
        raise EnqueueError(
            "bad_recipient", "to", f"This looks like an address, not a {kind} id: use Address(…)."
        )
    return text


def _sealed(address: Address, channel: str | Sequence[str] | None) -> dict[str, Any]:
    kind = "email" if "@" in address.value else "sms"
    named = {channel} if isinstance(channel, str) else set(channel or [kind])
    if named != {kind}:
        raise EnqueueError(
            "bad_channel", "channel", f"An Address of this form can only take channel “{kind}”."
        )
    try:
        value = normalise(kind, address.value)
    except AddressError as error:
        raise EnqueueError("bad_address", "to", str(error)) from None
    return {
        "channel": kind,
        "sealed": seal(json.dumps({"value": value, "name": address.name})),
        "index": blind_index(kind, value),
        "hint": hint(kind, value),
        "locale": address.locale,
    }
