"""The tables of consent: the current state, the ledger behind it, dead addresses, unsubscribe links.

Only `consent/preferences.py`, `consent/suppress.py` and `consent/tokens.py` write here; everyone else asks `consent/gate.py`.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from consent import policy


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")
    PUSH = "push", _("Push")
    INAPP = "inapp", _("In-app")


class Category(models.TextChoices):
    SECURITY = policy.Category.SECURITY.value, _("Security")
    TRANSACTIONAL = policy.Category.TRANSACTIONAL.value, _("Transactional")
    REMINDER = policy.Category.REMINDER.value, _("Reminder")
    MARKETING = policy.Category.MARKETING.value, _("Marketing")


class Source(models.TextChoices):
    """Where a change of consent came from."""

    WEB_FORM = "web_form", _("Web form")
    PREFERENCE_PAGE = "preference_page", _("Preference page")
    ONE_CLICK = "one_click", _("One-click unsubscribe")
    SMS_KEYWORD = "sms_keyword", _("SMS keyword")
    PROVIDER_EVENT = "provider_event", _("Provider event")
    ADMIN = "admin", _("Admin")
    IMPORT = "import", _("Import")
    API = "api", _("API")


class Scope(models.TextChoices):
    ALL = policy.Scope.ALL.value, _("Every message")
    MARKETING = policy.Scope.MARKETING.value, _("Marketing only")


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


class ConsentEvent(models.Model):
    """One change of consent, append-only: who, when, from where, what they read, and the evidence."""

    class Action(models.TextChoices):
        GRANTED = "granted", _("Granted")
        REVOKED = "revoked", _("Revoked")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer_id = models.TextField()
    channel = models.TextField(choices=Channel.choices)
    category = models.TextField(choices=Category.choices)
    action = models.TextField(choices=Action.choices)
    source = models.TextField(choices=Source.choices)
    actor = models.TextField(help_text=_("customer, staff:ID, provider:NAME or job:NAME"))
    wording = models.TextField(blank=True, help_text=_("The exact text the person read when deciding"))
    evidence = models.JSONField(default=dict, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

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
                condition=Q(action__in=["granted", "revoked"]), name="consent_events_action"
            ),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="consent_events_source"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.action} {self.channel} {self.category}"


class Suppression(models.Model):
    """An address that must not be written to, by blind index: it outlives the customer's record."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("Hard bounce")
        COMPLAINT = "complaint", _("Complaint")
        INVALID = "invalid", _("Invalid address")
        LANDLINE = "landline", _("Landline")
        OPTED_OUT = "opted_out", _("Opted out")
        MANUAL = "manual", _("By an operator")
        ERASURE = "erasure", _("Erasure request")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address_hmac = models.TextField(help_text=_("Keyed hash of channel and address"))
    address_hint = models.TextField(help_text=_("Masked, for display"))
    channel = models.TextField(choices=Channel.choices)
    scope = models.TextField(choices=Scope.choices, default=Scope.ALL)
    reason = models.TextField(choices=Reason.choices)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.TextField(blank=True)
    lift_reason = models.TextField(blank=True)

    class Meta:
        db_table = "suppressions"
        verbose_name = _("suppression")
        verbose_name_plural = _("suppressions")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["address_hmac", "channel", "reason"],
                condition=Q(lifted_at__isnull=True),
                name="suppressions_one_in_force",
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="suppressions_channel"),
            models.CheckConstraint(condition=Q(scope__in=Scope.values), name="suppressions_scope"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | ~Q(lift_reason=""),
                name="suppressions_lifted_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address_hint} {self.reason}"


class UnsubscribeToken(models.Model):
    """A link in one message that lets its reader leave. Only the token's SHA-256 is kept."""

    token_sha256 = models.TextField(primary_key=True)
    customer_id = models.TextField()
    channel = models.TextField(choices=Channel.choices)
    category = models.TextField(choices=Category.choices)
    notification_id = models.UUIDField(null=True)
    locale = models.TextField(default="en")
    address_hmac = models.TextField(
        blank=True, default="", db_default="", help_text=_("The address it went to; empty when not known")
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "unsubscribe_tokens"
        verbose_name = _("unsubscribe link")
        verbose_name_plural = _("unsubscribe links")
        indexes = [models.Index(fields=["expires_at"], name="unsubscribe_tokens_expires_at")]

    def __str__(self) -> str:
        return f"{self.channel} {self.category} until {self.expires_at:%Y-%m-%d}"
