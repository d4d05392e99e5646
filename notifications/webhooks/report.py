"""A provider's report in our words: in, what was read from a post; out, a Report without an address. Pure.

The address is needed once, to suppress it if it is dead: its keyed hash does for that, and a mask for people's eyes.
"""

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from consent.addresses import AddressError, blind_index, hint
from consent.ids import uuid_of
from notifications.masking import redact

# The longest texts that are kept; what is longer is no id or reference of a provider's.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Report:
    """One event. `event_type` is a ProviderEvent.Type, `code` what the provider's table of codes knows it by."""

    provider: str
    event_id: str
    event_type: str
    occurred_at: dt.datetime
    notification_id: uuid.UUID | None = None
    reference: str = ""
    code: str = ""
    address_hmac: str = ""
    address_hint: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


def hidden(channel: str, address: str) -> tuple[str, str]:
    """The keyed hash and the mask of an address; nothing of what is no address."""
    try:
        return blind_index(channel, address), hint(channel, address)
    except AddressError:
        return "", ""


def without(address: str, text: str) -> str:
    """A provider's words without addresses, nor the name before the @ that a mail server likes to quote alone."""
    local = address.partition("@")[0]
    if len(local) > 1:
        text = re.sub(re.escape(local), "•••", redact(text), flags=re.IGNORECASE)
    return redact(text)[:LONGEST]


def plain(text: str) -> str:
    """The text as PostgreSQL can store it: without NUL and without halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def our_id(value: object) -> uuid.UUID | None:
    """The id that we sent along, if it is one."""
    return uuid_of(value) if isinstance(value, str) else None
