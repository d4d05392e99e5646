"""Which promotions begin or end, and who is to hear of one: in, `now`; out, rows, chosen in SQL."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from rentals.models import CustomerSegmentMember, PromoRule  # noqa: F401 (named in the generic bases)


class PromoRuleQuerySet(models.QuerySet["PromoRule"]):
    def to_begin(self, *, now: dt.datetime) -> "PromoRuleQuerySet":
        """Scheduled ones whose time is now."""
        return self._begun(now).filter(Q(end_at__isnull=True) | Q(end_at__gt=now))

    def missed(self, *, now: dt.datetime) -> "PromoRuleQuerySet":
        """Scheduled ones whose time is over before anybody made them active."""
        return self._begun(now).filter(end_at__lte=now)

    def to_end(self, *, now: dt.datetime) -> "PromoRuleQuerySet":
        """Active ones whose time is over."""
        return self.filter(status="active", end_at__lte=now)

    def _begun(self, now: dt.datetime) -> "PromoRuleQuerySet":
        return self.filter(status="scheduled", start_at__lte=now)


class SegmentMemberQuerySet(models.QuerySet["CustomerSegmentMember"]):
    def to_hear_of(self, promotion: "PromoRule") -> "SegmentMemberQuerySet":
        """The members of its segment who may rent: an offer to a suspended customer would only annoy."""
        return (
            self.filter(segment=promotion.segment_id, customer__status="active")
            .select_related("customer")
            .only("customer__locale")
            .order_by("customer_id")
        )
