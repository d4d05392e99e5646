"""Filters of the queue whose choices come from the rows: in, the newest failures or refusals; out, what they had.

Choices are read from the end of the index (status, scheduled_at), never by a DISTINCT over the table. A value that is not
among them is looked for all the same: it may be an older one.
"""

from collections.abc import Iterable

from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from notifications.admin.choosing import LED_BY, Choosing, Cost
from notifications.admin.filters import Admin, Choices, Rows
from notifications.models import Notification
from notifications.models.queue import ERROR_CODE

SAMPLE = 1000


class _RecentChoices(Choosing):
    cost = Cost.ORDERED

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        return [(name, name) for name in sorted(set(self.recent()))]

    def recent(self) -> Iterable[str]:
        raise NotImplementedError

    def accepts(self, value: str) -> bool:
        return True


class ErrorClassFilter(_RecentChoices):
    """Failed and waiting rows by the code that their error begins with (`429`, `timeout`, `outcome_unknown`)."""

    title = _("error class")
    parameter_name = "error_class"

    def recent(self) -> Iterable[str]:
        rows = Notification.objects.filter(status=Notification.Status.FAILED).order_by("-scheduled_at")
        return (error.partition(":")[0] for error in rows.values_list("error", flat=True)[:SAMPLE] if error)

    def rows(self, rows: Rows, value: str) -> Rows:
        # The statuses are those of notification_queue_error; a sent row keeps no error.
        statuses = [Notification.Status.FAILED, Notification.Status.QUEUED]
        return rows.alias(**{LED_BY: ERROR_CODE}).filter(**{LED_BY: value}, status__in=statuses)


class WithheldRuleFilter(_RecentChoices):
    """Withheld rows by the rule that refused them (`consent.revoked`, `suppressed.hard_bounce`, `expired`)."""

    title = _("withheld by")
    parameter_name = "withheld"

    def recent(self) -> Iterable[str]:
        rows = Notification.objects.filter(status=Notification.Status.CANCELLED).order_by("-scheduled_at")
        return (rule for rule in rows.values_list("metadata__withheld__rule", flat=True)[:SAMPLE] if rule)

    def rows(self, rows: Rows, value: str) -> Rows:
        led = rows.alias(**{LED_BY: F("metadata__withheld__rule")})
        return led.filter(status=Notification.Status.CANCELLED, metadata__withheld__rule=value)
