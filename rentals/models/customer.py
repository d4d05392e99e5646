"""Customers and their tags: in, who rents; out, names, addresses, language, time zone and preferred channel."""

from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now, Upper
from django.utils.translation import gettext_lazy as _

from rentals.models.record import Record


def default_timezone() -> str:
    return settings.TIME_ZONE


def validate_timezone(name: str) -> None:
    """An IANA name that Python knows; the table's CHECK asks the same of PostgreSQL."""
    if name not in available_timezones():
        raise ValidationError(
            _("«%(name)s» is no IANA time zone, such as America/Moncton."), params={"name": name}
        )


class Customer(Record):
    """A person or company that rents."""

    class Locale(models.TextChoices):
        EN = "en", _("English")
        FR = "fr", _("French")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        INACTIVE = "inactive", _("Inactive")
        SUSPENDED = "suspended", _("Suspended")

    class ContactMethod(models.TextChoices):
        EMAIL = "email", _("E-mail")
        SMS = "sms", _("SMS")
        PUSH = "push", _("Push")

    first_name = models.TextField()
    last_name = models.TextField()
    email = models.TextField(blank=True, default="")
    phone = models.TextField(blank=True, default="", help_text=_("E.164, such as +15065550123"))
    company_name = models.TextField(blank=True, default="")
    locale = models.TextField(choices=Locale.choices, default=Locale.EN)
    timezone = models.TextField(default=default_timezone, validators=[validate_timezone])
    preferred_contact_method = models.TextField(choices=ContactMethod.choices, default=ContactMethod.EMAIL)
    status = models.TextField(choices=Status.choices, default=Status.ACTIVE)
    risk_score = models.PositiveSmallIntegerField(default=0, help_text=_("0 (none) to 100"))
    lifetime_value = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    city = models.TextField(blank=True, default="")
    province = models.TextField(blank=True, default="")
    stripe_customer_id = models.TextField(blank=True, default="")

    class Meta:
        db_table = "customers"
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["last_name", "first_name", "id"]
        indexes = [
            # «Who is reached at this address?» (directory.customers_at, the admin's search); UPPER is Django's iexact.
            models.Index(Upper("email"), name="customers_email"),
            models.Index(fields=["phone"], name="customers_phone"),
            # The admin's list in its order, a page at a time.
            models.Index(fields=["last_name", "first_name", "id"], name="customers_name"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(locale__in=["en", "fr"]), name="customers_locale"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "inactive", "suspended"]), name="customers_status"
            ),
            models.CheckConstraint(
                condition=Q(preferred_contact_method__in=["email", "sms", "push"]),
                name="customers_contact_method",
            ),
            models.CheckConstraint(
                condition=Q(phone="") | Q(phone__regex=r"^\+[1-9][0-9]{6,14}$"), name="customers_phone_e164"
            ),
            models.CheckConstraint(condition=Q(risk_score__lte=100), name="customers_risk_score"),
            # One unknown zone would end a whole job's query, so PostgreSQL refuses it here: timezone() raises.
            models.CheckConstraint(
                condition=Func(
                    F("timezone"),
                    function="timezone",
                    template="%(function)s(%(expressions)s, timestamptz 'epoch') IS NOT NULL",
                    output_field=models.BooleanField(),
                ),
                name="customers_timezone",
            ),
        ]

    def __str__(self) -> str:
        # Not the name: this text ends up in logs and error reports.
        return f"customer {self.id}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


class CustomerTag(Record):
    """A label that staff give to customers."""

    name = models.TextField()
    color = models.TextField(default="#64748b")

    class Meta:
        db_table = "customer_tags"
        verbose_name = _("customer tag")
        verbose_name_plural = _("customer tags")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="customer_tags_name")]

    def __str__(self) -> str:
        return self.name


class CustomerTagMember(Record):
    """A customer who carries a tag."""

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="tag_members", db_index=False
    )
    tag = models.ForeignKey(CustomerTag, on_delete=models.CASCADE, related_name="members")
    assigned_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "customer_tag_members"
        verbose_name = _("customer tag member")
        verbose_name_plural = _("customer tag members")
        constraints = [
            # Also the index of «which tags has this customer?».
            models.UniqueConstraint(fields=["customer", "tag"], name="customer_tag_members_once"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.tag_id}"
