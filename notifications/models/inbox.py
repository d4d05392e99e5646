"""Where a person is reached without an address: the in-app inbox, and the browsers that asked for push messages."""

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models import Category
from notifications.models.queue import Notification, Priority


class InboxItem(models.Model):
    """A message in a person's in-app inbox: the blueprint's `notifications`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    # No constraint: the message may be in the history already, under the same id.
    notification = models.OneToOneField(
        Notification, null=True, on_delete=models.DO_NOTHING, related_name="inbox_item", db_constraint=False
    )
    user_id = models.TextField(help_text=_("customer:<id> or staff:<id>"))
    category = models.TextField(choices=Category.choices)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    title = models.TextField()
    message = models.TextField()
    action_url = models.TextField(blank=True)
    cta_label = models.TextField(blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "notifications"
        verbose_name = _("inbox item")
        verbose_name_plural = _("inbox items")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user_id", "-created_at"], name="notifications_user"),
            # What is old enough to go (expire.py).
            models.Index(fields=["created_at"], name="notifications_created"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d}"


class PushSubscription(models.Model):
    """A browser that asked for push messages. The endpoint is a capability, so it is stored encrypted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recipient_key = models.TextField()
    endpoint_sha256 = models.TextField(unique=True)
    endpoint_origin = models.TextField()
    sealed = models.TextField(help_text=_("Endpoint and keys, encrypted"))
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When its push service last accepted a message, to the hour")
    )
    # A run of refused keys (403) without an acceptance between them; `notifications/push_subscriptions.py` has the rule.
    refusals = models.SmallIntegerField(default=0, db_default=0, editable=False)
    refused_since = models.DateTimeField(null=True, editable=False)
    refused_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "push_subscriptions"
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")
        indexes = [
            models.Index(fields=["recipient_key"], name="push_subscriptions_recipient"),
            # Is our key good? The newest acceptances tell.
            models.Index(fields=["last_used_at"], name="push_subscriptions_last_used"),
        ]

    def __str__(self) -> str:
        return f"{self.recipient_key} at {self.endpoint_origin}"
