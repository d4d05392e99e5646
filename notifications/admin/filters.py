"""Filters of the queue whose choices come from the rows: in, the newest failures or refusals; out, what they had.

Choices are read from the end of the index (status, scheduled_at), never by a DISTINCT over the table.
"""

from collections.abc import Iterable

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from consent.admin_base import ModelAdmin
from notifications.feedback import TROUBLE
from notifications.models import Feedback, Notification, ProviderEvent
from notifications.models.queue import ERROR_CODE

SAMPLE = 1000
# What can be found without reading the table: the rest is rare, or soon overtaken by something else.
FOUND = TROUBLE | {Feedback.DELIVERED.value}


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


class FeedbackFilter(SimpleListFilter):
    """By the provider's word. What went wrong is found through the reports (provider_events_trouble), since no index of the
    queue holds it; what went well is most of the queue, and is met with soon."""

    title = _("by the provider")
    parameter_name = "feedback"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Notification]) -> list[tuple[str, str]]:
        return [(word, str(Feedback(word).label)) for word in Feedback.values if word in FOUND]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Notification]
    ) -> QuerySet[Notification] | None:
        word = self.value()
        if word not in FOUND:
            return None
        if word in TROUBLE:
            reported = ProviderEvent.objects.filter(event_type=word, notification_id__isnull=False)
            queryset = queryset.filter(pk__in=reported.values("notification_id"))
        return queryset.filter(feedback=word)
