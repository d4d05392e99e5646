"""Which contract reminders are to go out, and to whom: in, `now`; out, rows chosen in SQL by local time.

A contract's days are those of its customer, whoever signs.
"""

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Least

from rentals.local_time import local_date, local_date_of, midnight, plus_days

if TYPE_CHECKING:
    from rentals.models import ContractReminder, ContractSigner  # noqa: F401 (named in the generic bases)

# A reminder that could not be delivered for so long makes room for the next.
HOLDS_DAYS = 2
_ZONE = "contract__booking__customer__timezone"


class ContractReminderQuerySet(models.QuerySet["ContractReminder"]):
    def due(self, *, now: dt.datetime) -> "ContractReminderQuerySet":
        """Planned reminders whose moment has come. Once `rentals/plan_contracts.py` went over them, there is one a contract.

        Each row carries `today`, `expiry_date` and `until`, when a message that could not be delivered is late. Rows
        that another run holds are left to it.
        """
        return (
            self.filter(status="pending", scheduled_at__lte=now)
            .annotate(
                today=local_date(now, zone=_ZONE),
                expiry_date=local_date_of("contract__expires_at", zone=_ZONE),
            )
            .annotate(
                until=Least(F("contract__expires_at"), midnight(plus_days("today", HOLDS_DAYS), zone=_ZONE))
            )
            .select_related("contract__booking__equipment", "contract__booking__customer")
            .select_for_update(of=("self",), skip_locked=True)
            # The order of the index of what is due: by id, a cursor would rather read all that ever was sent.
            .order_by("scheduled_at", "pk")
        )


class ContractSignerQuerySet(models.QuerySet["ContractSigner"]):
    def unsigned(self, contracts: Collection[Any]) -> "ContractSignerQuerySet":
        """Those whose signature these contracts want. `is_customer` tells the booking's customer from people who are
        known by address only: the one who signs as a customer, or of several the one with the customer's address."""
        others = self.model.objects.filter(contract=OuterRef("contract"), signer_role="customer").exclude(
            pk=OuterRef("pk")
        )
        is_theirs = Q(signer_email__iexact=F("contract__booking__customer__email"))
        return (
            self.filter(contract__in=contracts, status="pending")
            .annotate(is_customer=Q(Q(signer_role="customer") & (is_theirs | ~Exists(others))))
            .order_by("contract_id", "created_at", "pk")
        )
