"""Promotions: in, a discount and its time; out, whether it holds now, and which segment is to hear of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rentals.models.record import Record
from rentals.models.segment import CustomerSegment
from rentals.querysets.promotions import PromoRuleQuerySet


class PromoRule(Record):
    """One discount. Without `end_at` it holds until somebody ends it."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        ACTIVE = "active", _("Active")
        EXPIRED = "expired", _("Expired")

    class DiscountType(models.TextChoices):
        PERCENTAGE = "percentage", _("Percentage")
        FIXED = "fixed", _("Fixed amount")

    name = models.TextField()
    status = models.TextField(choices=Status.choices, default=Status.DRAFT)
    start_at = models.DateTimeField(null=True, blank=True)
    end_at = models.DateTimeField(null=True, blank=True)
    priority = models.SmallIntegerField(default=0)
    stackable = models.BooleanField(default=False)
    discount_type = models.TextField(choices=DiscountType.choices, default=DiscountType.PERCENTAGE)
    discount_value = models.DecimalField(max_digits=12, decimal_places=2)
    announce = models.BooleanField(default=False, help_text=_("Tell the segment when it begins"))
    segment = models.ForeignKey(
        CustomerSegment, null=True, blank=True, on_delete=models.PROTECT, related_name="promo_rules"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="promo_rules",
    )

    objects = PromoRuleQuerySet.as_manager()

    class Meta:
        db_table = "promo_rules"
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        ordering = ["-start_at", "-id"]
        indexes = [
            # promotion_scheduler: what begins, and what ends, without drafts and history.
            models.Index(fields=["start_at"], condition=Q(status="scheduled"), name="promo_rules_begin"),
            models.Index(fields=["end_at"], condition=Q(status="active"), name="promo_rules_end"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "scheduled", "active", "expired"]), name="promo_rules_status"
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(start_at__isnull=False), name="promo_rules_start_at"
            ),
            models.CheckConstraint(
                condition=Q(end_at__isnull=True) | Q(start_at__isnull=True) | Q(end_at__gt=F("start_at")),
                name="promo_rules_order",
            ),
            models.CheckConstraint(
                condition=Q(discount_type="percentage", discount_value__gt=0, discount_value__lte=100)
                | Q(discount_type="fixed", discount_value__gt=0),
                name="promo_rules_discount",
            ),
            # «Nobody in particular» must never become «everybody».
            models.CheckConstraint(
                condition=Q(status="draft") | Q(announce=False) | Q(segment__isnull=False),
                name="promo_rules_announced_to",
            ),
        ]

    def __str__(self) -> str:
        return self.name
