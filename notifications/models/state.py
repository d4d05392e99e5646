"""What workers share: which channels are paused, and whether a drain has been asked for."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models import Channel


class ChannelState(models.Model):
    """Whether a channel may send now. No row means open."""

    channel = models.TextField(primary_key=True, choices=Channel.choices)
    paused_until = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)
    changed_by = models.TextField(blank=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "channel_states"
        verbose_name = _("channel state")
        verbose_name_plural = _("channel states")
        constraints = [
            models.CheckConstraint(
                condition=Q(paused_until__isnull=True) | ~Q(reason=""), name="channel_states_pause_says_why"
            ),
        ]

    def __str__(self) -> str:
        return self.channel


class DrainSignal(models.Model):
    """One row: whether a drain has been asked for and not begun, so that a thousand commits start one task."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    asked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "drain_signal"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="drain_signal_single")]

    def __str__(self) -> str:
        return f"asked {self.asked_at}"
