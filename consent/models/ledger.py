"""What people decided: the ledger, and the current state that follows from it."""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent.models.words import Category, Channel, Source

# What lets messages go out; a request alone does not.
GRANTS = ("granted", "confirmed")


class CustomerConsent(models.Model):
    """The current state by customer, channel and category: the projection of `consent_events`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer_id = models.TextField()
    channel = models.TextField(choices=[c for c in Channel.choices if c[0] != Channel.INAPP])
    category = models.TextField(choices=Category.choices)
    enabled = models.BooleanField()
    granted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    source = models.TextField(choices=Source.choices)
    event = models.ForeignKey(
        "ConsentEvent",
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("deciding event"),
    )

    class Meta:
        db_table = "customer_consent"
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.UniqueConstraint(
                fields=["customer_id", "channel", "category"], name="customer_consent_key"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["email", "sms", "push"]), name="customer_consent_channel"
            ),
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="customer_consent_category"
            ),
            models.CheckConstraint(
                condition=Q(enabled=True, granted_at__isnull=False)
                | Q(enabled=False, revoked_at__isnull=False),
                name="customer_consent_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.channel} {self.category}"


class ConsentWording(models.Model):
    """An exact text that people read when they decided. Immutable: its key is its SHA-256, which a CHECK recomputes."""

    sha256 = models.TextField(
        primary_key=True, editable=False, help_text=_("Of the language, a line feed and the text")
    )
    locale = models.TextField(help_text=_("BCP 47; «und» where nobody noted it"))
    text = models.TextField()
    first_shown_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "consent_wordings"
        verbose_name = _("wording")
        verbose_name_plural = _("wordings")

    def __str__(self) -> str:
        return self.text


class ConsentChain(models.Model):
    """Where a customer's chain of events ends, so that a missing end is noticed. Only the database writes here."""

    customer_id = models.TextField(primary_key=True)
    length = models.PositiveIntegerField()
    head = models.TextField(help_text=_("Hash of the last event"))

    class Meta:
        db_table = "consent_chains"
        verbose_name = _("chain of consent events")
        verbose_name_plural = _("chains of consent events")

    def __str__(self) -> str:
        return f"{self.customer_id} {self.length}"


class ConsentEvent(models.Model):
    """One change of consent, append-only: who, when, from where, what they read, and the evidence.

    `place`, `prev_hash` and `hash` chain the events of a customer; a trigger sets them, whatever is given.
    """

    class Action(models.TextChoices):
        GRANTED = "granted", _("Granted")
        REVOKED = "revoked", _("Revoked")
        REQUESTED = "requested", _("Confirmation requested")
        CONFIRMED = "confirmed", _("Confirmed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer_id = models.TextField()
    channel = models.TextField(choices=Channel.choices)
    category = models.TextField(choices=Category.choices)
    action = models.TextField(choices=Action.choices)
    source = models.TextField(choices=Source.choices)
    actor = models.TextField(help_text=_("customer, staff:ID, provider:NAME or job:NAME"))
    wording = models.ForeignKey(
        ConsentWording,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_column="wording_sha256",
        db_index=False,
        help_text=_("The exact text the person read when deciding"),
    )
    evidence = models.JSONField(default=dict, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    place = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("In the customer's chain, from 1")
    )
    prev_hash = models.TextField(
        default="", blank=True, editable=False, help_text=_("Hash of the event before it")
    )
    hash = models.TextField(default="", editable=False)

    class Meta:
        db_table = "consent_events"
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")
        ordering = ["-occurred_at", "-recorded_at"]
        indexes = [
            models.Index(fields=["customer_id", "occurred_at"], name="consent_events_customer"),
            # The newest of all customers (the admin's list).
            models.Index(fields=["-occurred_at", "-recorded_at"], name="consent_events_newest"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="consent_events_channel"),
            models.CheckConstraint(condition=Q(category__in=Category.values), name="consent_events_category"),
            models.CheckConstraint(
                condition=Q(action__in=["granted", "revoked", "requested", "confirmed"]),
                name="consent_events_action",
            ),
            # Also the order in which a chain is read.
            models.UniqueConstraint(fields=["customer_id", "place"], name="consent_events_chain"),
            models.CheckConstraint(
                condition=Q(place__gt=0, hash__regex="^[0-9a-f]{64}$"), name="consent_events_chained"
            ),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="consent_events_source"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.action} {self.channel} {self.category}"
