"""What providers reported afterwards: one row an event, stored by a webhook at once and applied off the request."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from notifications.models.feedback import Feedback


class ProviderEvent(models.Model):
    """What a provider told us by webhook, once per provider and event id. It holds no address: only its keyed hash and a mask."""

    class Type(models.TextChoices):
        """A report on a message, in our words (what the provider calls it is in `detail`), or none."""

        PROCESSED = Feedback.PROCESSED.value, Feedback.PROCESSED.label
        DEFERRED = Feedback.DEFERRED.value, Feedback.DEFERRED.label
        DELIVERED = Feedback.DELIVERED.value, Feedback.DELIVERED.label
        OPENED = Feedback.OPENED.value, Feedback.OPENED.label
        CLICKED = Feedback.CLICKED.value, Feedback.CLICKED.label
        UNSUBSCRIBED = Feedback.UNSUBSCRIBED.value, Feedback.UNSUBSCRIBED.label
        DROPPED = Feedback.DROPPED.value, Feedback.DROPPED.label
        BOUNCED = Feedback.BOUNCED.value, Feedback.BOUNCED.label
        COMPLAINED = Feedback.COMPLAINED.value, Feedback.COMPLAINED.label
        # No report on a message of ours: somebody wrote to us.
        INBOUND = "inbound", _("Written by a person")

    id = models.BigAutoField(primary_key=True)
    provider = models.TextField()
    event_id = models.TextField()
    event_type = models.TextField(choices=Type.choices)
    notification_id = models.UUIDField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    detail = models.JSONField(default=dict, db_default={})
    # The provider's own reference of the message, for an event that lacks our id.
    reference = models.TextField(blank=True, db_default="")
    # What its table of codes knows it by (`channels/*_codes.py`).
    code = models.TextField(blank=True, db_default="")
    # Whom it is about, at the time of sending: a keyed hash (`consent.addresses.blind_index`) and a mask.
    address_hmac = models.TextField(blank=True, db_default="")
    address_hint = models.TextField(blank=True, db_default="")
    # When its consequences were drawn, and which; until then it waits, and after too many failures for a person.
    applied_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True, db_default="")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    retry_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "provider_events"
        verbose_name = _("provider event")
        verbose_name_plural = _("provider events")
        indexes = [
            models.Index(fields=["notification_id"], name="provider_events_notification"),
            # What is to be applied (webhooks/apply.py); small, because few wait.
            models.Index(fields=["id"], condition=Q(applied_at__isnull=True), name="provider_events_waiting"),
            # What customers wrote, newest first (the admin's list).
            models.Index(fields=["-id"], condition=Q(event_type="inbound"), name="provider_events_inbound"),
            # What customers wrote that waits for a person (open_texts.py); few do.
            models.Index(
                fields=["-id"],
                condition=Q(event_type="inbound", outcome="unclear") & ~Q(detail__has_key="decided"),
                name="provider_events_open_texts",
            ),
            # «Which messages came back?» (the queue's filter). What was simply delivered does not enter.
            models.Index(
                fields=["event_type", "-id"],
                condition=Q(event_type__in=["unsubscribed", "dropped", "bounced", "complained"]),
                name="provider_events_trouble",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="provider_events_once"),
            models.CheckConstraint(
                condition=Q(
                    event_type__in=[
                        "processed", "deferred", "delivered", "opened", "clicked", "unsubscribed", "dropped", "bounced",
                        "complained", "inbound",
                    ]
                ),
                name="provider_events_type",
            ),
            models.CheckConstraint(
                condition=Q(applied_at__isnull=True) | ~Q(outcome=""), name="provider_events_applied_says_how"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.provider} {self.event_type}"
