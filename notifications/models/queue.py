"""The queue: one row a message, with a CHECK for every rule of its states.

State changes are SQL in `insert`, `claim`, `deliver`, `record`, `replay` and `cancel`, never `save()`.
"""

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Collate, Now
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from consent.models import Category, Channel
from notifications.models.feedback import Feedback
from notifications.models.kept import MaybePast
from templates_app.models import NotificationTemplate, NotificationTemplateVersion

# What a refusal is called: an error begins with its code.
ERROR_CODE = models.Func(
    F("error"), models.Value(":"), models.Value(1), function="SPLIT_PART", output_field=models.TextField()
)
# When a message was withheld, as text of UTC (decision.py), whose order is that of time.
WITHHELD_AT = Collate(KeyTextTransform("at", KeyTransform("withheld", "metadata")), "C")


class Priority(models.IntegerChoices):
    URGENT = 0, _("Urgent")
    HIGH = 1, _("High")
    NORMAL = 2, _("Normal")
    LOW = 3, _("Low")


class Notification(MaybePast, models.Model):
    """One message to one recipient on one channel: the blueprint's `notification_queue`."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        PROCESSING = "processing", _("Processing")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    # In the order of their making (RFC 9562, version 7): the rows that workers change lie side by side in every index that
    # holds ids, however long the history.
    id = models.UUIDField(primary_key=True, default=uuid7, db_default=RandomUUID(), editable=False)
    channel = models.TextField(choices=Channel.choices)
    to = models.JSONField(help_text=_("Ids, or an encrypted address; never a plain address"))
    template = models.ForeignKey(
        NotificationTemplate, null=True, blank=True, on_delete=models.PROTECT, related_name="notifications"
    )
    subject = models.TextField(null=True, blank=True)
    payload = models.JSONField(default=dict, db_default={})
    scheduled_at = models.DateTimeField(db_default=Now())
    status = models.TextField(choices=Status.choices, default=Status.QUEUED, db_default="queued")
    attempts = models.IntegerField(default=0, db_default=0)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    metadata = models.JSONField(default=dict, db_default={})
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # Ours, beyond the blueprint.
    category = models.TextField(choices=Category.choices)
    priority = models.SmallIntegerField(
        choices=Priority.choices, default=Priority.NORMAL, db_default=Priority.NORMAL.value
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.TextField(null=True, blank=True)
    template_version = models.ForeignKey(
        NotificationTemplateVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="notifications",
        db_column="template_version",
        db_index=False,
    )
    recipient_key = models.TextField(help_text=_("customer:<id>, staff:<id> or address:<blind index>"))
    # No constraint: the parent may be in the history already, under the same id.
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.DO_NOTHING, related_name="children", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    lease_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    # How far it got, by its provider's word (feedback.py). In no index, so that a report on a message that was simply
    # delivered rewrites the row in its page and nothing else; those with trouble are found through `provider_events`.
    feedback = models.TextField(choices=Feedback.choices, null=True, blank=True)
    feedback_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "notification_queue"
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-created_at", "-id"]
        permissions = [
            ("replay_notification", _("Can replay notifications")),
            ("cancel_notification", _("Can cancel notifications")),
            ("reschedule_notification", _("Can reschedule notifications and change their priority")),
            ("settle_notification", _("Can settle the unknown outcome of notifications")),
            ("view_notification_body", _("Can read the text of notifications")),
            ("reveal_notification", _("Can reveal recipients and sensitive values of notifications")),
        ]
        indexes = [
            # The blueprint's three.
            models.Index(fields=["status", "scheduled_at"], name="notification_queue_status"),
            models.Index(fields=["channel"], name="notification_queue_channel"),
            models.Index(fields=["created_at"], name="notification_queue_created"),
            # The claim: one range scan a channel and priority (claim.py).
            models.Index(
                fields=["channel", "priority", "scheduled_at", "id"],
                condition=Q(status="queued"),
                name="notification_queue_due",
            ),
            # The release of dead workers' rows (release.py); small, because few rows are in flight.
            models.Index(fields=["id"], condition=Q(status="processing"), name="notification_queue_inflight"),
            # What was sent again from a message (the detail page).
            models.Index(
                fields=["parent"], condition=Q(parent__isnull=False), name="notification_queue_parent"
            ),
            # «What did this person get?» (the admin's search, the customer's page).
            models.Index(fields=["recipient_key", "-created_at"], name="notification_queue_recipient"),
            # «What failed with 429?», «what did this rule withhold?» (the admin's filters). What is sent at the first try
            # is in neither, so the street does not pay for them.
            models.Index(
                ERROR_CODE,
                F("created_at").desc(),
                condition=Q(status__in=["failed", "queued"], error__isnull=False),
                name="notification_queue_error",
            ),
            models.Index(
                F("metadata__withheld__rule"),
                F("created_at").desc(),
                condition=Q(status="cancelled"),
                name="notification_queue_withheld",
            ),
            # How messages ended, by the minute (traffic/ended.py): the few that were not sent. «Not null», so that it answers who
            # asks for a time, and tempts no plan for failed messages by id (replay.py) to read all of them.
            models.Index(
                fields=["last_attempt_at"],
                condition=Q(status="failed", last_attempt_at__isnull=False),
                name="notification_queue_failed_at",
            ),
            models.Index(WITHHELD_AT, condition=Q(status="cancelled"), name="notification_queue_withheld_at"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="notification_queue_once",
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="notification_channel"),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="notification_category"),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "processing", "sent", "failed", "cancelled"]),
                name="notification_status",
            ),
            models.CheckConstraint(condition=Q(priority__range=(0, 3)), name="notification_priority"),
            models.CheckConstraint(condition=Q(attempts__gte=0), name="notification_attempts"),
            models.CheckConstraint(
                condition=Q(status="processing", lease_token__isnull=False, lease_until__isnull=False)
                | (
                    ~Q(status="processing")
                    & Q(lease_token__isnull=True, lease_until__isnull=True, dispatched_at__isnull=True)
                ),
                name="notification_lease_while_processing",
            ),
            models.CheckConstraint(
                condition=~Q(status="processing") | Q(attempts__gt=0, last_attempt_at__isnull=False),
                name="notification_processing_is_an_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(metadata__has_key="sent_at"), name="notification_sent_at"
            ),
            models.CheckConstraint(
                condition=~Q(status="failed") | Q(error__isnull=False), name="notification_failed_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled") | Q(metadata__has_key="withheld"),
                name="notification_cancelled_says_why",
            ),
            models.CheckConstraint(
                condition=Q(template__isnull=True) | Q(template_version__isnull=False),
                name="notification_version_pinned",
            ),
            models.CheckConstraint(
                condition=~Q(status="queued")
                | Q(expires_at__isnull=True)
                | Q(expires_at__gt=F("scheduled_at")),
                name="notification_expires_later",
            ),
            models.CheckConstraint(
                condition=Q(feedback__isnull=True, feedback_at__isnull=True)
                | Q(feedback__in=Feedback.values, feedback_at__isnull=False),
                name="notification_feedback",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.id}"
