"""Filters of the queue whose choices come from the rows: in, the newest failures or refusals; out, what they had.

Choices are read from the end of the index (status, scheduled_at), never by a DISTINCT over the table.
"""

from collections.abc import Iterable

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from consent.admin_base import ModelAdmin
from notifications.models import Notification
from notifications.models.queue import ERROR_CODE

SAMPLE = 1000


class _RecentChoices(SimpleListFilter):
    """Choices seen in the newest rows, and the chosen one even when it is not among them."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Notification]) -> list[tuple[str, str]]:
        seen = set(self.recent())
        if chosen := self.value():
            seen.add(chosen)
        return [(name, name) for name in sorted(seen)]

    def recent(self) -> Iterable[str]:
        raise NotImplementedError

    def has_output(self) -> bool:
        return True


class ErrorClassFilter(_RecentChoices):
    """Failed and waiting rows by the code that their error begins with (`429`, `timeout`, `outcome_unknown`)."""

    title = _("error class")
    parameter_name = "error_class"

    def recent(self) -> Iterable[str]:
        rows = Notification.objects.filter(status=Notification.Status.FAILED).order_by("-scheduled_at")
        return (error.partition(":")[0] for error in rows.values_list("error", flat=True)[:SAMPLE] if error)

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Notification]
    ) -> QuerySet[Notification] | None:
        code = self.value()
        if not code:
            return None
        # The statuses are those of notification_queue_error; a sent row keeps no error.
        statuses = [Notification.Status.FAILED, Notification.Status.QUEUED]
        return queryset.alias(code=ERROR_CODE).filter(code=code, status__in=statuses)


class WithheldRuleFilter(_RecentChoices):
    """Withheld rows by the rule that refused them (`consent.revoked`, `suppressed.hard_bounce`, `expired`)."""

    title = _("withheld by")
    parameter_name = "withheld"

    def recent(self) -> Iterable[str]:
        rows = Notification.objects.filter(status=Notification.Status.CANCELLED).order_by("-scheduled_at")
        return (rule for rule in rows.values_list("metadata__withheld__rule", flat=True)[:SAMPLE] if rule)

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Notification]
    ) -> QuerySet[Notification] | None:
        rule = self.value()
        if not rule:
            return None
        return queryset.filter(status=Notification.Status.CANCELLED, metadata__withheld__rule=rule)
