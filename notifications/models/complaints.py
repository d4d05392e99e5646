"""How our sending domains are received: a row a domain and day, and the stops of a category that follow from it."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models import Category, Channel


class SendingDay(models.Model):
    """What was delivered of the e-mails that a domain sent on a day, and how many readers reported as spam, whenever."""

    id = models.BigAutoField(primary_key=True)
    domain = models.TextField()
    day = models.DateField()
    delivered = models.PositiveIntegerField(default=0, db_default=0)
    complained = models.PositiveIntegerField(default=0, db_default=0)
    # Once each, so that what a person resumed is not stopped again for the same day.
    warned_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "sending_days"
        verbose_name = _("sending day")
        verbose_name_plural = _("sending days")
        ordering = ["-day", "domain"]
        constraints = [models.UniqueConstraint(fields=["day", "domain"], name="sending_days_once")]

    def __str__(self) -> str:
        return f"{self.domain} {self.day}"

    @property
    def rate(self) -> float:
        """Complaints a delivered e-mail; 0 where nothing was delivered."""
        return self.complained / self.delivered if self.delivered else 0.0


class CategoryStop(models.Model):
    """One category that does not go out on one channel, until a person says so: who stopped it and why, who ended it and why."""

    id = models.BigAutoField(primary_key=True)
    channel = models.TextField(choices=Channel.choices)
    category = models.TextField(choices=Category.choices)
    reason = models.TextField()
    stopped_by = models.TextField()
    stopped_at = models.DateTimeField(db_default=Now(), editable=False)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.TextField(blank=True, db_default="")
    lift_reason = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "category_stops"
        verbose_name = _("category stop")
        verbose_name_plural = _("category stops")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "category"],
                condition=Q(lifted_at__isnull=True),
                name="category_stops_one_open",
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="category_stops_channel"),
            models.CheckConstraint(condition=Q(category="marketing"), name="category_stops_category"),
            models.CheckConstraint(condition=~Q(reason=""), name="category_stops_says_why"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lift_reason="", lifted_by="")
                | (Q(lifted_at__gte=F("stopped_at")) & ~Q(lift_reason="") & ~Q(lifted_by="")),
                name="category_stops_lifted_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.category}"
