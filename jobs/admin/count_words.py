"""What the jobs count, in the reader's language: in, a word of a run's summary; out, how it is shown.

The summary keeps codes and English words, as scripts and logs read them. What is not in this list is shown as it is.
"""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

# Every word that the jobs of the catalogue count by; a test runs them and names what is missing.
WORDS = frozenset(
    [
        # found
        _("failed_logins_by_address"),
        _("failed_logins_by_account"),
        _("privilege_change_after_hours"),
        _("bulk_export"),
        _("session_in_two_networks"),
        _("first_secret_read"),
        _("deposit"),
        _("delivery"),
        _("pickup"),
        _("return"),
        _("signature"),
        _("expiring"),
        _("low_utilization"),
        _("overdue_insurance"),
        _("sla_breach"),
        _("payout_delay"),
        _("booking_conflict"),
        _("payment_failure_spike"),
        _("due_soon"),
        _("due_today"),
        _("overdue"),
        _("overdue_second"),
        _("overdue_final"),
        _("expiry"),
        _("missing_info"),
        _("hours_based"),
        _("calendar_based"),
        _("fault_code"),
        _("overdue_and_out"),
        _("reconciled"),
        _("discrepancy"),
        _("pending"),
        _("begun"),
        _("ended"),
        _("missed"),
        _("members"),
        _("due"),
        _("asked for"),
        _("segments"),
        _("response_warned"),
        _("response_breached"),
        _("resolution_warned"),
        _("resolution_breached"),
        _("cannot be said"),
        _("messages to move"),
        # changed
        _("incidents opened"),
        _("reminders planned"),
        _("reminders cancelled"),
        _("reminders sent"),
        _("alerts opened"),
        _("alerts updated"),
        _("alerts resolved"),
        _("alerts raised"),
        _("alerts changed"),
        _("instalments postponed"),
        _("instalments overdue"),
        _("machines now normal"),
        _("machines now due"),
        _("machines now overdue"),
        _("payments linked"),
        _("payouts written"),
        _("promotions now active"),
        _("promotions now expired"),
        _("views refreshed"),
        _("requests settled"),
        _("left to another refresh"),
        _("members added"),
        _("members removed"),
        _("clocks kept"),
        _("clocks stopped"),
        _("messages moved"),
        _("API answers deleted"),
        _("inbox items deleted"),
        _("provider events deleted"),
        _("unsubscribe links deleted"),
        _("past messages forgotten"),
    ]
)


def count_word(word: str) -> str:
    """«alertes ouvertes» for «alerts opened»."""
    return gettext(word) if word in WORDS else word
