"""What the jobs count, in the reader's language: in, a word of a run's summary; out, how it is shown.

The summary keeps codes and English words, as scripts and logs read them. What is not in this list is shown as it is.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

# Every word that the jobs of the catalogue count by; a test runs them and names what is missing.
WORDS: Mapping[str, Promise] = {
    # found
    "failed_logins_by_address": pgettext_lazy("count", "failed_logins_by_address"),
    "failed_logins_by_account": pgettext_lazy("count", "failed_logins_by_account"),
    "privilege_change_after_hours": pgettext_lazy("count", "privilege_change_after_hours"),
    "bulk_export": pgettext_lazy("count", "bulk_export"),
    "session_in_two_networks": pgettext_lazy("count", "session_in_two_networks"),
    "first_secret_read": pgettext_lazy("count", "first_secret_read"),
    "deposit": pgettext_lazy("count", "deposit"),
    "delivery": pgettext_lazy("count", "delivery"),
    "pickup": pgettext_lazy("count", "pickup"),
    "return": pgettext_lazy("count", "return"),
    "signature": pgettext_lazy("count", "signature"),
    "expiring": pgettext_lazy("count", "expiring"),
    "low_utilization": pgettext_lazy("count", "low_utilization"),
    "overdue_insurance": pgettext_lazy("count", "overdue_insurance"),
    "sla_breach": pgettext_lazy("count", "sla_breach"),
    "payout_delay": pgettext_lazy("count", "payout_delay"),
    "booking_conflict": pgettext_lazy("count", "booking_conflict"),
    "payment_failure_spike": pgettext_lazy("count", "payment_failure_spike"),
    "due_soon": pgettext_lazy("count", "due_soon"),
    "due_today": pgettext_lazy("count", "due_today"),
    "overdue": pgettext_lazy("count", "overdue"),
    "overdue_second": pgettext_lazy("count", "overdue_second"),
    "overdue_final": pgettext_lazy("count", "overdue_final"),
    "expiry": pgettext_lazy("count", "expiry"),
    "missing_info": pgettext_lazy("count", "missing_info"),
    "hours_based": pgettext_lazy("count", "hours_based"),
    "calendar_based": pgettext_lazy("count", "calendar_based"),
    "fault_code": pgettext_lazy("count", "fault_code"),
    "overdue_and_out": pgettext_lazy("count", "overdue_and_out"),
    "reconciled": pgettext_lazy("count", "reconciled"),
    "discrepancy": pgettext_lazy("count", "discrepancy"),
    "pending": pgettext_lazy("count", "pending"),
    "begun": pgettext_lazy("count", "begun"),
    "ended": pgettext_lazy("count", "ended"),
    "missed": pgettext_lazy("count", "missed"),
    "members": pgettext_lazy("count", "members"),
    "due": pgettext_lazy("count", "due"),
    "asked for": pgettext_lazy("count", "asked for"),
    "segments": pgettext_lazy("count", "segments"),
    "response_warned": pgettext_lazy("count", "response_warned"),
    "response_breached": pgettext_lazy("count", "response_breached"),
    "resolution_warned": pgettext_lazy("count", "resolution_warned"),
    "resolution_breached": pgettext_lazy("count", "resolution_breached"),
    "told by sla_monitor": pgettext_lazy("count", "told by sla_monitor"),
    "cannot be said": pgettext_lazy("count", "cannot be said"),
    "messages to move": pgettext_lazy("count", "messages to move"),
    # changed
    "incidents opened": pgettext_lazy("count", "incidents opened"),
    "reminders planned": pgettext_lazy("count", "reminders planned"),
    "reminders cancelled": pgettext_lazy("count", "reminders cancelled"),
    "reminders sent": pgettext_lazy("count", "reminders sent"),
    "alerts opened": pgettext_lazy("count", "alerts opened"),
    "alerts updated": pgettext_lazy("count", "alerts updated"),
    "alerts resolved": pgettext_lazy("count", "alerts resolved"),
    "alerts raised": pgettext_lazy("count", "alerts raised"),
    "alerts changed": pgettext_lazy("count", "alerts changed"),
    "instalments postponed": pgettext_lazy("count", "instalments postponed"),
    "instalments overdue": pgettext_lazy("count", "instalments overdue"),
    "machines now normal": pgettext_lazy("count", "machines now normal"),
    "machines now due": pgettext_lazy("count", "machines now due"),
    "machines now overdue": pgettext_lazy("count", "machines now overdue"),
    "payments linked": pgettext_lazy("count", "payments linked"),
    "payouts written": pgettext_lazy("count", "payouts written"),
    "promotions now active": pgettext_lazy("count", "promotions now active"),
    "promotions now expired": pgettext_lazy("count", "promotions now expired"),
    "views refreshed": pgettext_lazy("count", "views refreshed"),
    "requests settled": pgettext_lazy("count", "requests settled"),
    "left to another refresh": pgettext_lazy("count", "left to another refresh"),
    "members added": pgettext_lazy("count", "members added"),
    "members removed": pgettext_lazy("count", "members removed"),
    "clocks kept": pgettext_lazy("count", "clocks kept"),
    "clocks stopped": pgettext_lazy("count", "clocks stopped"),
    "messages moved": pgettext_lazy("count", "messages moved"),
    "API answers deleted": pgettext_lazy("count", "API answers deleted"),
    "acts deleted": pgettext_lazy("count", "acts deleted"),
    "messages of acts deleted": pgettext_lazy("count", "messages of acts deleted"),
    "inbox items deleted": pgettext_lazy("count", "inbox items deleted"),
    "provider events deleted": pgettext_lazy("count", "provider events deleted"),
    "unsubscribe links deleted": pgettext_lazy("count", "unsubscribe links deleted"),
    "confirmation links deleted": pgettext_lazy("count", "confirmation links deleted"),
    "past messages forgotten": pgettext_lazy("count", "past messages forgotten"),
}


def count_word(word: str) -> str:
    """«alertes ouvertes» for «alerts opened»."""
    return str(WORDS.get(word, word))
