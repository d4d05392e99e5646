"""What went through the pipeline, counted by the minute, the hour and the day. Only `notifications/traffic/` writes here."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consent.models import Channel


class Traffic(models.Model):
    """How often one thing happened on one channel in one stretch of time (of UTC).

    `what` is an outcome of a delivery attempt; `call` and `wait`, how long those calls took and how long what was sent had
    been due (`code` is then the bucket's upper bound in milliseconds); or `failed` and `withheld`, how messages ended
    (`code` is the error class or the rule).
    """

    class Step(models.TextChoices):
        MINUTE = "minute", _("Minute")
        HOUR = "hour", _("Hour")
        DAY = "day", _("Day")

    class What(models.TextChoices):
        SENT = "sent", _("Sent")
        TRANSIENT = "transient", _("Transient failure")
        PERMANENT = "permanent", _("Permanent failure")
        MISCONFIGURED = "misconfigured", _("Misconfigured")
        UNKNOWN = "unknown", _("Unknown")
        CALL = "call", _("Call")
        WAIT = "wait", _("Wait")
        FAILED = "failed", _("Failed")
        WITHHELD = "withheld", _("Withheld")

    pk = models.CompositePrimaryKey("step", "start", "channel", "what", "provider", "code")
    step = models.TextField(choices=Step.choices)
    start = models.DateTimeField()
    channel = models.TextField(choices=Channel.choices)
    what = models.TextField(choices=What.choices)
    provider = models.TextField(help_text=_("Empty for how messages ended"))
    code = models.TextField()
    count = models.BigIntegerField()

    class Meta:
        db_table = "traffic"
        verbose_name = _("traffic")
        verbose_name_plural = _("traffic")
        constraints = [
            models.CheckConstraint(condition=Q(step__in=["minute", "hour", "day"]), name="traffic_step"),
            models.CheckConstraint(
                condition=Q(
                    what__in=[
                        "sent", "transient", "permanent", "misconfigured", "unknown", "call", "wait", "failed", "withheld",
                    ]
                ),
                name="traffic_what",
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="traffic_counts_something"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.step} {self.start:%Y-%m-%d %H:%M} {self.channel} {self.what}"


class TrafficFold(models.Model):
    """One row: how far the counting is. It is locked by whoever counts, so that one does at a time."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    # Each attempt with an id up to this one is counted, and no other.
    attempt = models.BigIntegerField(default=0)
    # Messages that ended before this moment are counted, those of the last minutes anew each time.
    ended = models.DateTimeField(null=True)
    folded_at = models.DateTimeField(null=True)
    # When what ended in the last days was last counted anew.
    swept_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "traffic_fold"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="traffic_fold_single")]

    def __str__(self) -> str:
        return f"up to attempt {self.attempt}"
