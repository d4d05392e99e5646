"""Why an operator did it: in, a posted form; out, a reason that may be kept for ever: it holds no address."""

import datetime as dt
from typing import Any

import phonenumbers
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from consent.addresses import DEFAULT_REGION
from consent.local_moment import LocalMomentField

LONGEST_PAUSE = dt.timedelta(days=30)


class ReasonForm(forms.Form):
    """A reason stands in the message's history, in the audit log and in the logs of the server."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("Kept on record, in the audit log. No addresses, no names of customers."),
        error_messages={"required": _("Give a reason: it is kept on record.")},
        widget=forms.Textarea(attrs={"rows": 2, "class": "pr-input", "autofocus": True}),
    )

    def clean_reason(self) -> str:
        reason: str = " ".join(self.cleaned_data["reason"].split())
        if "@" in reason or phonenumbers.PhoneNumberMatcher(reason, DEFAULT_REGION).has_next():
            raise ValidationError(
                _("Leave e-mail addresses and phone numbers out: this text is kept in logs.")
            )
        return reason

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)


class ResumeForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:  # several such forms stand on one page: that with an error leads there
            self.fields["reason"].widget.attrs.pop("autofocus", None)
        self.fields["reason"].help_text = ""


class PauseForm(ResumeForm):
    """How long nothing is sent on a channel; its messages wait."""

    until = LocalMomentField(
        label=_("Until"), required=False, help_text=_("Empty: until somebody resumes it.")
    )

    def clean_until(self) -> dt.datetime | None:
        until: dt.datetime | None = self.cleaned_data["until"]
        if until and not timezone.now() < until <= timezone.now() + LONGEST_PAUSE:
            raise ValidationError(_("Choose a moment within the next 30 days."))
        return until
