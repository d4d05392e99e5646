"""What operators fill in about consent: in, a POST; out, checked values, or an error beside the field."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consent.addresses import AddressError, mentions_address, normalise
from consent.admin_base import ModelForm, SelectWidget, TextareaWidget, TextWidget
from consent.directory import directory
from consent.ledger import CHANNELS
from consent.models import Channel, CustomerConsent, Suppression
from consent.policy import can_leave
from consent.preferences import current


def refuse_addresses(text: str) -> None:
    """What operators write outlives the customer's record, and stands in audit entries."""
    if mentions_address(text):
        raise forms.ValidationError(_("Leave e-mail addresses and phone numbers out of this text."))


class ReasonField(forms.CharField):
    """Why an operator does it; it is kept for ever, so it asks for no personal data."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Reason"),
            max_length=500,
            widget=TextareaWidget(attrs={"rows": 3}),
            help_text=_("Kept with the change for ever. No names and no addresses, please."),
            validators=[refuse_addresses],
        )


class ConsentForm(ModelForm[CustomerConsent]):
    """Grant or revoke for a customer who said so by phone or in person. It writes through `preferences`, never here."""

    GRANT, REVOKE = "grant", "revoke"
    HOW = (
        ("phone", _("By telephone")),
        ("in_person", _("In person")),
        ("email", _("By e-mail")),
        ("text", _("By text message")),
        ("letter", _("By letter")),
    )

    decision = forms.ChoiceField(
        label=_("Decision"), choices=[(GRANT, _("Grant")), (REVOKE, _("Revoke"))], widget=SelectWidget
    )
    how = forms.ChoiceField(
        label=_("How the customer said it"), choices=[("", "—"), *HOW], widget=SelectWidget
    )
    reason = ReasonField()

    class Meta:
        model = CustomerConsent
        fields = ["customer_id", "channel", "category"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.enabled and "decision" in self.fields:
            self.fields["decision"].initial = self.REVOKE

    def clean_customer_id(self) -> str:
        customer_id: str = self.cleaned_data["customer_id"].strip()
        if customer_id not in directory().customers([customer_id]):
            raise forms.ValidationError(_("No customer has this id."))
        return customer_id

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        # On the page of an existing row the three are read-only, so they come from the row.
        customer_id = cleaned.get("customer_id") or self.instance.customer_id
        channel = cleaned.get("channel") or self.instance.channel
        category = cleaned.get("category") or self.instance.category
        wanted = cleaned.get("decision")
        if not (customer_id and channel and category and wanted):
            return cleaned
        state = current(customer_id).get((channel, category))
        if wanted == self.REVOKE and not can_leave(channel=channel, category=category):
            self.add_error("decision", _("Messages of this category can't be switched off."))
        elif state is not None and state.enabled == (wanted == self.GRANT):
            self.add_error("decision", _("It stands so already."))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # A decision about a key that has a row already is the normal case: its uniqueness is not ours to check.
        return {*super()._get_validation_exclusions(), "category"}  # type: ignore[misc]


class SuppressionForm(ModelForm[Suppression]):
    """Suppress an address by hand. The address is used to make the index and the hint, and not stored."""

    channel = forms.ChoiceField(
        label=_("Channel"), choices=[c for c in Channel.choices if c[0] in CHANNELS], widget=SelectWidget
    )
    address = forms.CharField(
        label=_("Address"),
        max_length=2048,
        widget=TextWidget(attrs={"autocomplete": "off"}),
        help_text=_(
            "E-mail address, phone number or push endpoint. Only a keyed hash and a mask of it are kept."
        ),
    )

    class Meta:
        model = Suppression
        fields = ["channel", "reason", "scope", "note", "expires_at"]

    def clean_note(self) -> str:
        note: str = self.cleaned_data["note"]
        refuse_addresses(note)
        return note

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "channel" in cleaned and "address" in cleaned:
            try:
                normalise(cleaned["channel"], cleaned["address"])
            except AddressError as error:
                self.add_error("address", str(error))
        return cleaned


class LiftForm(forms.Form):
    """Why the address may be written to again."""

    reason = ReasonField()
