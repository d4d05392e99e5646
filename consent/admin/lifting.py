"""What lifting a suppression will do and will not: in, its row; out, sentences for whoever decides."""

import datetime as dt

from django.utils.translation import gettext as _

from consent.admin.standing import in_force
from consent.models import Suppression

Reason = Suppression.Reason


def effects(row: Suppression, *, now: dt.datetime) -> tuple[list[str], list[str]]:
    """What it does, and what stays as it is. One query."""
    does = [
        _("The next messages may go to this address again: %s.") % row.get_scope_display().lower(),
        _("The suppression stays on record as lifted, with your name and your reason."),
    ]
    stays = [
        _("What was withheld meanwhile is not sent; replay it from the queue if it still matters."),
        _("What the customer switched off stays off: the ledger of consent is not touched."),
    ]
    if row.channel == "sms" and row.reason == Reason.OPTED_OUT:
        stays.append(
            _(
                "Twilio’s own block stays until the customer texts START; until then it refuses our texts with 21610."
            )
        )
    if row.channel == "email" and row.reason in (Reason.HARD_BOUNCE, Reason.COMPLAINT, Reason.INVALID):
        stays.append(
            _("SendGrid keeps a list of its own: remove the address from it there, or our mails are dropped.")
        )
    others = [
        other
        for other in in_force([row.address_hmac], now=now)
        if other.pk != row.pk and other.channel == row.channel
    ]
    stays += [
        _("The address stays suppressed for another reason: %s.") % other.get_reason_display()
        for other in others
    ]
    return does, stays
