"""A moment by somebody's clock: in, a date and time as a person typed it; out, the one moment it means, or why there is none.

When clocks go forward an hour of that night does not exist, and when they go back an hour comes twice. Guessing would pause
or run something an hour off, so that both are refused. https://peps.python.org/pep-0495/
"""

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

MINUTES = "%Y-%m-%dT%H:%M"


def read_local(typed: dt.datetime) -> dt.datetime:
    """The moment that a naive time is in the current time zone. Raises ValueError, in words for who typed it."""
    zone = timezone.get_current_timezone()
    first, second = (typed.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    shown = {"time": f"{typed:%Y-%m-%d %H:%M}", "zone": timezone.get_current_timezone_name()}
    if first.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != typed:
        raise ValueError(
            _("%(time)s does not exist in %(zone)s: the clocks go forward over it. Choose an hour later.")
            % shown
        )
    raise ValueError(
        _("%(time)s comes twice in %(zone)s: the clocks go back over it. Choose an hour earlier or later.")
        % shown
    )


class LocalMomentField(forms.DateTimeField):
    """Django's field for `datetime-local`, which says what is wrong with a time that a change of the clocks leaves out."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "pr-input"}, format=MINUTES)
    input_formats = (MINUTES, f"{MINUTES}:%S")

    def to_python(self, value: Any) -> dt.datetime | None:
        try:
            return super().to_python(value)
        except ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
            try:
                read_local(dt.datetime.fromisoformat(value.strip()))
            except ValueError as told:
                raise ValidationError(str(told), code="ambiguous_timezone") from None
            raise
