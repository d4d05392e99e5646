"""Contracts: in, what is sent for signature; out, who has signed, until when the others can."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rentals.models.booking import Booking
from rentals.models.record import Record
from rentals.querysets.contracts import ContractSignerQuerySet


class Contract(Record):
    """The contract of a booking, from draft to signed, expired or voided."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SENT = "sent", _("Sent")
        SIGNED = "signed", _("Signed")
        EXPIRED = "expired", _("Expired")
        VOIDED = "voided", _("Voided")

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="contracts")
    contract_number = models.TextField()
    status = models.TextField(choices=Status.choices, default=Status.DRAFT)
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "contracts"
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ["-created_at", "-id"]
        indexes = [
            # contract_reminders: sent contracts that expire soon, without the history.
            models.Index(fields=["expires_at"], condition=Q(status="sent"), name="contracts_waiting"),
            # The admin's list in its order, a page at a time.
            models.Index(fields=["-created_at", "-id"], name="contracts_latest"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["contract_number"], name="contracts_number"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "sent", "signed", "expired", "voided"]),
                name="contracts_status",
            ),
            # Draft and voided ones may have been sent or not.
            models.CheckConstraint(
                condition=Q(status__in=["draft", "voided"])
                | Q(sent_at__isnull=False, expires_at__isnull=False),
                name="contracts_sent_at",
            ),
            # A signed contract may be voided, and stays signed then.
            models.CheckConstraint(
                condition=Q(status="signed", signed_at__isnull=False)
                | Q(status="voided")
                | Q(status__in=["draft", "sent", "expired"], signed_at__isnull=True),
                name="contracts_signed_at",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True)
                | Q(sent_at__isnull=True)
                | Q(expires_at__gt=F("sent_at")),
                name="contracts_order",
            ),
        ]

    def __str__(self) -> str:
        return self.contract_number


class ContractSigner(Record):
    """Somebody whose signature a contract wants. The customer is the booking's; others are known by address only."""

    class SignerRole(models.TextChoices):
        CUSTOMER = "customer", _("Customer")
        ADMIN = "admin", _("Admin")
        THIRD_PARTY = "third_party", _("Third party")

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        SIGNED = "signed", _("Signed")
        DECLINED = "declined", _("Declined")

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="signers", db_index=False)
    signer_role = models.TextField(choices=SignerRole.choices, default=SignerRole.CUSTOMER)
    signer_name = models.TextField()
    signer_email = models.TextField()
    status = models.TextField(choices=Status.choices, default=Status.PENDING)
    signed_at = models.DateTimeField(null=True, blank=True)

    objects = ContractSignerQuerySet.as_manager()

    class Meta:
        db_table = "contract_signers"
        verbose_name = _("contract signer")
        verbose_name_plural = _("contract signers")
        ordering = ["created_at", "id"]
        constraints = [
            # Nobody is asked twice for one signature. Also the index of a contract's signers (contract_reminders).
            models.UniqueConstraint(
                fields=["contract", "signer_role", "signer_email"], name="contract_signers_once"
            ),
            models.CheckConstraint(
                condition=Q(signer_role__in=["customer", "admin", "third_party"]),
                name="contract_signers_signer_role",
            ),
            models.CheckConstraint(condition=~Q(signer_email=""), name="contract_signers_signer_email"),
            models.CheckConstraint(
                condition=Q(status="signed", signed_at__isnull=False)
                | Q(status__in=["pending", "declined"], signed_at__isnull=True),
                name="contract_signers_signed_at",
            ),
        ]

    def __str__(self) -> str:
        # Not the name: this text ends up in logs and error reports.
        return f"{self.signer_role} {self.status}"
