"""Groups of customers: in, a rule or a choice by hand; out, who belongs to it now."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from rentals.models.customer import Customer
from rentals.models.record import Record
from rentals.querysets.promotions import SegmentMemberQuerySet


class CustomerSegment(Record):
    """A group of customers. With `auto_refresh` its members follow from `filter`, every night."""

    name = models.TextField()
    description = models.TextField(blank=True, default="")
    filter = models.JSONField(default=dict, blank=True, help_text=_("The rule, in the filter language"))
    auto_refresh = models.BooleanField(default=False)
    member_count = models.PositiveIntegerField(default=0)
    refreshed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "customer_segments"
        verbose_name = _("customer segment")
        verbose_name_plural = _("customer segments")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="customer_segments_name"),
            # An empty rule would make everybody a member.
            models.CheckConstraint(
                condition=Q(auto_refresh=False) | ~Q(filter__in=[{}, []]), name="customer_segments_has_filter"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CustomerSegmentMember(Record):
    """A customer who belongs to a segment."""

    segment = models.ForeignKey(
        CustomerSegment, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="segment_members")
    added_at = models.DateTimeField(db_default=Now())

    objects = SegmentMemberQuerySet.as_manager()

    class Meta:
        db_table = "customer_segment_members"
        verbose_name = _("segment member")
        verbose_name_plural = _("segment members")
        ordering = ["-added_at", "-id"]
        constraints = [
            # Also the index of «who belongs to it?» (segment_refresh's difference, a promotion's recipients).
            models.UniqueConstraint(fields=["segment", "customer"], name="customer_segment_members_once"),
        ]

    def __str__(self) -> str:
        return f"{self.segment_id} {self.customer_id}"
