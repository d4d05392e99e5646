"""What workers share: what stands against sending on a channel, its history, and whether a drain was asked for."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models import Channel


class ChannelState(models.Model):
    """What stands against sending on a channel. No row means nothing does. Written by `channel_state` and `rate` alone."""

    channel = models.TextField(primary_key=True, choices=Channel.choices)
    # A person's pause: until a moment, or until somebody resumes it.
    paused_until = models.DateTimeField(null=True, blank=True)
    until_resumed = models.BooleanField(default=False, db_default=False)
    reason = models.TextField(blank=True, db_default="")
    changed_by = models.TextField(blank=True, db_default="")
    changed_at = models.DateTimeField(db_default=Now())
    # Our own pause, where the provider refuses our key or sender.
    refused_until = models.DateTimeField(null=True, blank=True)
    refused_reason = models.TextField(blank=True, db_default="")
    # The provider said «not so fast» (429), and until when.
    limited_until = models.DateTimeField(null=True, blank=True)
    # The circuit breaker (breaker.py).
    faults = models.IntegerField(default=0, db_default=0)
    openings = models.IntegerField(default=0, db_default=0)
    open_until = models.DateTimeField(null=True, blank=True)
    probe_until = models.DateTimeField(null=True, blank=True)
    last_fault = models.TextField(blank=True, db_default="")
    # Our own rate limit (rate.py): when all that was taken will have been earned again.
    rate_tat = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "channel_states"
        verbose_name = _("channel state")
        verbose_name_plural = _("channel states")
        constraints = [
            models.CheckConstraint(
                condition=Q(paused_until__isnull=True, until_resumed=False) | ~Q(reason=""),
                name="channel_states_pause_says_why",
            ),
            models.CheckConstraint(
                condition=Q(refused_until__isnull=True) | ~Q(refused_reason=""),
                name="channel_states_refusal_says_why",
            ),
            models.CheckConstraint(
                condition=Q(open_until__isnull=True, probe_until__isnull=True, openings=0, faults__gte=0)
                | Q(open_until__isnull=False, openings__gte=1, faults=0),
                name="channel_states_breaker",
            ),
        ]

    def __str__(self) -> str:
        return self.channel


class ChannelEvent(models.Model):
    """One change of a channel's state, kept: when, what, by whom, why, until when."""

    class What(models.TextChoices):
        PAUSED = "paused", _("Paused")
        RESUMED = "resumed", _("Resumed")
        REFUSED = "refused", _("Refused by the provider")
        LIMITED = "limited", _("Rate limited by the provider")
        OPENED = "opened", _("Breaker opened")
        CLOSED = "closed", _("Breaker closed")

    id = models.BigAutoField(primary_key=True)
    channel = models.TextField(choices=Channel.choices)
    at = models.DateTimeField(db_default=Now(), editable=False)
    what = models.TextField(choices=What.choices)
    by = models.TextField()
    reason = models.TextField(blank=True)
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "channel_events"
        verbose_name = _("channel event")
        verbose_name_plural = _("channel events")
        ordering = ["-id"]
        indexes = [models.Index(fields=["channel", "-id"], name="channel_events_channel")]
        constraints = [
            models.CheckConstraint(
                condition=Q(what__in=["paused", "resumed", "refused", "limited", "opened", "closed"]),
                name="channel_events_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.what}"


class DrainSignal(models.Model):
    """One row: whether a drain has been asked for and not begun, so that a thousand commits start one task."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    asked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "drain_signal"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="drain_signal_single")]

    def __str__(self) -> str:
        return f"asked {self.asked_at}"
