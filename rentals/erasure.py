"""Forget who a customer is: in, their id; out, how many business records lost what names them. The records themselves stay.

`NOTIFICATIONS["ERASE"]` names it. Bookings, payments and contracts are kept for the books, under a customer without a name.
"""

import datetime as dt
from collections.abc import Mapping

from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Concat

from consent.ids import uuid_of
from rentals.models import (
    AuditEvent,
    Booking,
    ContractSigner,
    Customer,
    CustomerSegmentMember,
    LogisticsTask,
    SupportTicket,
)

NAME = "Erased"
# RFC 2606: nobody has an address below it.
NOWHERE = "@erased.invalid"


def forget(customer_id: str, *, now: dt.datetime) -> Mapping[str, int]:
    """Anonymise; 0 everywhere for an id that is nobody's, and the second time."""
    if (pk := uuid_of(customer_id)) is None:
        return {}
    blank = {
        "email": "", "phone": "", "company_name": "", "city": "", "province": "", "stripe_customer_id": "",
    }  # fmt: skip
    named = {"first_name": NAME, "last_name": NAME, "status": Customer.Status.INACTIVE, **blank}
    customers = Customer.objects.filter(pk=pk).exclude(**named)
    bookings = Booking.objects.filter(customer_id=pk).exclude(delivery_address="")
    tasks = LogisticsTask.objects.filter(booking__customer_id=pk).exclude(address="")
    signers = ContractSigner.objects.filter(
        contract__booking__customer_id=pk, signer_role=ContractSigner.SignerRole.CUSTOMER
    ).exclude(signer_email__endswith=NOWHERE)
    tickets = SupportTicket.objects.filter(customer_id=pk).exclude(subject=NAME)
    events = AuditEvent.objects.filter(actor_id=f"customer:{pk}").exclude(
        Q(user_agent="") & Q(ip_address__isnull=True)
    )
    stamp = {"updated_at": now}
    return {
        "customers": customers.update(**named, **stamp),
        "delivery addresses": bookings.update(delivery_address="", **stamp)
        + tasks.update(address="", **stamp),
        "contract signers": signers.update(
            signer_name=NAME, signer_email=Concat(Cast("id", TextField()), Value(NOWHERE)), **stamp
        ),
        "support tickets": tickets.update(subject=NAME, **stamp),
        "audit events": events.update(user_agent="", ip_address=None, **stamp),
        "segment memberships": CustomerSegmentMember.objects.filter(customer_id=pk).delete()[0],
    }
