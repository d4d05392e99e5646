"""The default recipient directory: in, ids as text; out, Contacts from `customers` and Django's users, one query a call."""

import re
from collections.abc import Collection, Iterable, Mapping

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from consent.arrays import array
from consent.directory import Contact
from consent.prepared import prepared_cursor
from rentals.models import Customer

# Asked for each message, twice: written out, since the ORM would take longer to write it than the database to answer.
_CONTACTS = """
SELECT id::text, first_name, last_name, company_name, email, phone, locale, timezone, preferred_contact_method
FROM customers WHERE id = """
_CUSTOMERS = f"{_CONTACTS} ANY(%s::uuid[])"
# PostgreSQL plans a list anew each time, since it counts it.
_CUSTOMER = f"{_CONTACTS} %s::uuid"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BIGGEST_KEY = 2**63 - 1


class RentalDirectory:
    """Customers by uuid, staff by user id. An id that cannot be one of ours is unknown, never an error.

    Customers are answered whatever their status: a suspended one who has a machine out must still hear when it is due
    back, and what may be said to whom is the gate's to decide. Staff who left (inactive users) are unknown.
    """

    def customers(self, ids: Collection[str]) -> Mapping[str, Contact]:
        # Only the one spelling that `str(uuid)` gives, or one person would have several recipient keys.
        wanted = [text for text in ids if _UUID.fullmatch(text)]
        with prepared_cursor() as cursor:
            if len(wanted) == 1:
                cursor.execute(_CUSTOMER, wanted)
            else:
                cursor.execute(_CUSTOMERS, [array(wanted)])
            rows = cursor.fetchall()
        return {row[0]: Contact(*row) for row in rows}

    def staff(self, ids: Collection[str]) -> Mapping[str, Contact]:
        wanted = [known for text in ids if (known := _number(text))]
        users = get_user_model().objects.filter(pk__in=wanted, is_active=True)
        rows = users.order_by().values_list("pk", "first_name", "last_name", "email")
        return {
            str(pk): Contact(str(pk), first, last, email=email, timezone=settings.TIME_ZONE)
            for pk, first, last, email in rows
        }

    def group(self, name: str) -> Collection[str] | None:
        # One row even for an empty group, so that a single query tells «nobody in it» from «no such group».
        rows = list(Group.objects.filter(name=name).values_list("user__pk", "user__is_active"))
        return sorted(_texts(pk for pk, is_active in rows if is_active)) if rows else None

    def customers_at(self, channel: str, address: str) -> Collection[str]:
        if not address:
            return []
        match channel:
            case "email":
                found = Customer.objects.filter(email__iexact=address)
            case "sms":
                found = Customer.objects.filter(phone=address)
            case _:
                return []
        return sorted(_texts(found.order_by().values_list("pk", flat=True)))


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and not text.startswith("0")):
        return None
    number = int(text)
    return number if number <= _BIGGEST_KEY else None


def _texts(keys: Iterable[object]) -> Iterable[str]:
    return (str(key) for key in keys)
