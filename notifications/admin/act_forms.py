"""What an act asks for besides a reason: in, a posted form; out, its arguments, as they are kept."""

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.local_moment import LocalMomentField
from notifications.admin.reason import ReasonForm
from notifications.models import Priority

FURTHEST = dt.timedelta(days=365)
Arguments = dict[str, Any]


class ActForm(ReasonForm):
    """`own` are the fields of the act itself. A form that `is_checked` shows what would happen before it may be confirmed."""

    own: ClassVar[tuple[str, ...]] = ()
    is_checked: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.own:
            self.order_fields([*self.own, "reason"])
            self.fields["reason"].widget.attrs.pop("autofocus", None)

    def arguments(self) -> Arguments:
        """Of a valid form."""
        return {}

    def shown(self, now: dt.datetime) -> Arguments:
        """What the page's preview is about: the answers, as far as they can be read, or else what the form begins with."""
        if self.is_bound and not any(self.errors.get(name) for name in self.own):
            return self.arguments()
        return self.beginning(now)

    def beginning(self, now: dt.datetime) -> Arguments:
        return {}

    @property
    def own_fields(self) -> list[Any]:
        return [self[name] for name in self.own]


class RescheduleForm(ActForm):
    """A moment by the operator's own clock."""

    own = ("to",)
    is_checked = True

    to = LocalMomentField(
        label=_("Send it at"),
        error_messages={"required": _("Say when."), "invalid": _("Write a date and a time of day.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = timezone.get_current_timezone_name()
        self.fields["to"].help_text = _("By your clock, %(zone)s. A moment in the past means now.") % {
            "zone": zone
        }

    def clean_to(self) -> dt.datetime:
        to: dt.datetime = self.cleaned_data["to"]
        if abs(to - timezone.now()) > FURTHEST:
            raise ValidationError(_("Choose a moment within a year."))
        return to

    def arguments(self) -> Arguments:
        return {"to": self.cleaned_data["to"].isoformat()}

    def beginning(self, now: dt.datetime) -> Arguments:
        return {"to": now.isoformat()}


class PriorityForm(ActForm):
    own = ("priority",)

    priority = forms.TypedChoiceField(
        label=_("Priority"),
        choices=Priority.choices,
        coerce=int,
        initial=Priority.HIGH.value,
        widget=forms.Select(attrs={"class": "pr-input"}),
        help_text=_("What is due goes out by priority, then by its moment."),
    )

    def arguments(self) -> Arguments:
        return {"priority": self.cleaned_data["priority"]}

    def beginning(self, now: dt.datetime) -> Arguments:
        return {"priority": Priority.HIGH.value}


VERDICTS: tuple[tuple[str, str | Promise], ...] = (
    ("sent", _("It was sent: it counts as sent, at the moment of its attempt")),
    ("not_sent", _("It was not sent: it stays failed, with no doubt left")),
    ("replay", _("It was not sent, and is to be replayed now")),
)


class SettleForm(ActForm):
    own = ("verdict",)

    verdict = forms.ChoiceField(
        label=_("What did you find out?"),
        choices=VERDICTS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say whether it was sent.")},
    )

    def arguments(self) -> Arguments:
        verdict = self.cleaned_data["verdict"]
        return {"was_sent": verdict == "sent", "then_replay": verdict == "replay"}

    def beginning(self, now: dt.datetime) -> Arguments:
        return {"was_sent": False}
