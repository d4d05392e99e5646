"""Where a customer stands in our tables: in, their id; out, their addresses, as hashes too, and the keys of their messages."""

from collections.abc import Sequence
from dataclasses import dataclass

from consent.addresses import AddressError, blind_index
from consent.directory import Contact, directory
from consent.models import UnsubscribeToken

# Who sees no row of these would say that there is nothing of anybody.
TABLES = ("notification_queue", "notification_history", "consent_events", "data_requests")


@dataclass(frozen=True, slots=True)
class Person:
    """One customer. `indexes` are (channel, blind index) of the addresses they have, and of those that messages went to."""

    id: str
    contact: Contact | None
    addresses: Sequence[tuple[str, str]]
    indexes: frozenset[tuple[str, str]]

    @property
    def key(self) -> str:
        return f"customer:{self.id}"

    @property
    def recipient_keys(self) -> list[str]:
        """Of the messages to the customer, and of those to an address of theirs that named no customer."""
        return [self.key, *sorted(f"address:{index}" for _, index in self.indexes)]


def person(customer_id: str) -> Person:
    """What the host and we know of them; `contact` is None where the host knows nobody by this id."""
    contact = directory().customers([customer_id]).get(customer_id)
    known = [("email", contact.email), ("sms", contact.phone)] if contact else []
    addresses = [(channel, address) for channel, address in known if address and _is_good(channel, address)]
    indexes = {(channel, blind_index(channel, address)) for channel, address in addresses}
    links = UnsubscribeToken.objects.filter(customer_id=customer_id).exclude(address_hmac="")
    indexes |= set(links.values_list("channel", "address_hmac").distinct())
    return Person(customer_id, contact, addresses, frozenset(indexes))


def _is_good(channel: str, address: str) -> bool:
    try:
        blind_index(channel, address)
    except AddressError:
        return False
    return True
