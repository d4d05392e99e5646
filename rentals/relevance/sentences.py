"""Every sentence of these rules that holds no date, marked for translation: in, nothing; out, what the tools collect.

A message keeps the English sentence; the page of the message says it in its reader's language (`notifications/reasons.py`). One with a
date in it is shown as it is stored.
"""

from django.utils.translation import gettext_noop as _

SENTENCES = frozenset(
    {
        _("All of these alerts are resolved."),
        _("It has become critical, which is told by itself."),
        _("The alert is gone."),
        _("The alert is resolved."),
        _("It was picked up."),
        _("No deposit is open any more."),
        _("The booking has begun."),
        _("The booking is cancelled."),
        _("The booking is completed."),
        _("The booking is gone."),
        _("The booking is not confirmed any more."),
        _("The delivery was moved."),
        _("The machine is delivered, not picked up."),
        _("Nobody is to sign any more."),
        _("The contract has expired."),
        _("The contract is expired."),
        _("The contract is signed."),
        _("The contract is voided."),
        _("The signer has declined."),
        _("The signer has signed."),
        _("The instalment is cancelled."),
        _("The instalment is gone."),
        _("The instalment is paid."),
        _("A newer document took its place."),
        _("It was asked for anew since."),
        _("The document does not run out any more."),
        _("The document is gone."),
        _("The document is rejected."),
        _("The machine is back."),
        _("What it speaks of is resolved."),
        _("Stripe has not paid it out yet."),
        _("The payout is in order now."),
        _("The promotion is expired."),
        _("The promotion is gone."),
        _("The ticket has another target by now."),
        _("The ticket is closed."),
        _("The ticket is gone."),
        _("The ticket is resolved."),
        _("The ticket was answered."),
    }
)
