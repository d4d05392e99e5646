"""Is the setting of templates right? In, the settings; out, what `manage.py check` says of them."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import Error, register

from templates_app.looks import sms_price


@register()
def check_price(**_kwargs: Any) -> Sequence[Error]:
    """SMS_PRICE is shown to editors as an estimate: a malformed one would break their pages."""
    try:
        sms_price()
    except ValueError:
        hint = "Write an amount and a currency, such as 0.0079 CAD; or leave it out, and no cost is shown."
        return [Error("SMS_PRICE is no price of a segment.", hint=hint, id="templates_app.E001")]
    return []
