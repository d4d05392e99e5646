"""Who a recipient is and where to reach them: in, opaque ids; out, Contacts, from the host's own tables.

A host monolith names its class in `NOTIFICATIONS["DIRECTORY"]`; the default reads `rentals.Customer`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Contact:
    """One reachable person. Empty strings mean «not known». `timezone` is an IANA name."""

    id: str
    first_name: str = ""
    last_name: str = ""
    company_name: str = ""
    email: str = ""
    phone: str = ""  # E.164
    locale: str = "en"
    timezone: str = ""
    preferred_channel: str = "email"


class Directory(Protocol):
    """What a host must answer. Ids are text here, whatever type the host's keys have."""

    def customers(self, ids: Collection[str]) -> Mapping[str, Contact]:
        """The known customers among these ids, whatever their standing, in one query."""

    def staff(self, ids: Collection[str]) -> Mapping[str, Contact]:
        """The known and active staff members among these ids, in one query."""

    def group(self, name: str) -> Collection[str] | None:
        """The staff ids of a recipient group; empty when nobody is in it, None when there is no such group."""

    def customers_at(self, channel: str, address: str) -> Collection[str]:
        """The customers who are reached at this address (an operator's search, an inbound message)."""


def directory() -> Directory:
    """The host's directory, by the dotted path in settings."""
    found: Directory = import_string(settings.NOTIFICATIONS["DIRECTORY"])()
    return found
