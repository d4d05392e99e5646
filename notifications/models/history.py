"""What is kept of messages that ended long ago: when, what and why, and nobody's name, address or words."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models import Category, Channel
from notifications.models.feedback import Feedback
from notifications.models.queue import Notification, Priority


class NotificationHistory(models.Model):
    """One message that left the queue, under the same id. Written by `archive.py` alone.

    It points to no other table, so that nothing is kept for its sake. What it counts as «who» is a keyed hash.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    channel = models.TextField(choices=Channel.choices)
    category = models.TextField(choices=Category.choices)
    priority = models.SmallIntegerField(choices=Priority.choices)
    template_name = models.TextField(blank=True, help_text=_("Empty for an inline text"))
    template_id = models.UUIDField(null=True, blank=True)
    template_version_id = models.UUIDField(null=True, blank=True)
    status = models.TextField(choices=Notification.Status.choices)
    attempts = models.IntegerField()
    error = models.TextField(null=True, blank=True)
    idempotency_key = models.TextField(null=True, blank=True)
    recipient_index = models.TextField(
        null=True,
        blank=True,
        help_text=_("Keyed hash of customer, staff member or address; empty once erased"),
    )
    parent_id = models.UUIDField(null=True, blank=True)
    provider_reference = models.TextField(blank=True)
    feedback = models.TextField(choices=Feedback.choices, null=True, blank=True)
    feedback_at = models.DateTimeField(null=True, blank=True)
    # Of the metadata: origin, the decisions, held, withheld, history (without what people wrote), outcome_unknown, released, sandbox.
    facts = models.JSONField(default=dict)
    # The rows of `delivery_attempts`, oldest first.
    tries = models.JSONField(default=list)
    scheduled_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    moved_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "notification_history"
        verbose_name = _("past message")
        verbose_name_plural = _("past messages")
        ordering = ["-finished_at", "-id"]
        indexes = [
            # The list, newest first, and what is old enough to be forgotten (retention.py).
            models.Index(fields=["finished_at", "id"], name="notification_history_finished"),
            # The list by state.
            models.Index(fields=["status", "finished_at"], name="notification_history_status"),
            # «What did this person get?», and the frequency cap.
            models.Index(
                fields=["recipient_index", "finished_at"],
                condition=Q(recipient_index__isnull=False),
                name="notification_history_recipient",
            ),
            models.Index(
                fields=["provider_reference"],
                condition=~Q(provider_reference=""),
                name="notification_history_reference",
            ),
            # What was sent again from a message (its page).
            models.Index(
                fields=["parent_id"], condition=Q(parent_id__isnull=False), name="notification_history_parent"
            ),
        ]
        constraints = [
            # «Once» outlives the move: every enqueue asks here too (insert.py).
            models.UniqueConstraint(
                fields=["channel", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="notification_history_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["sent", "failed", "cancelled"]), name="notification_history_ended"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="notification_history_channel"
            ),
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="notification_history_category"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.id}"
