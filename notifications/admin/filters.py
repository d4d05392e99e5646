"""The filters of the queue whose choices are known: in, a parameter of the URL; out, the rows it means.

Choices are never a DISTINCT over the table. Those that come from rows are in filters_seen.py, dates in filters_dates.py.
"""

import datetime as dt
import uuid

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from consent.admin_base import ModelAdmin
from consent.models import Category, Channel
from notifications.admin.choosing import Choosing, Cost
from notifications.admin.find import is_address
from notifications.admin.standings import PARAMETER, STANDINGS, standing_of
from notifications.asked import Span, jobs
from notifications.feedback import TROUBLE
from notifications.models import Feedback, Notification, ProviderEvent
from notifications.state_counts import grouped
from templates_app.models import NotificationTemplate

Rows = QuerySet[Notification]
Choices = list[tuple[str, str]]
Admin = ModelAdmin[Notification]
# What can be found without reading the table: the rest is rare, or soon overtaken by something else.
FOUND = TROUBLE | {Feedback.DELIVERED.value}
TEMPLATES_OFFERED = 500
# Of reports of trouble: each leads to its message by the key, all over the table.
NEWEST_REPORTS = 5_000
# A run's messages carry the start of the transaction that made them, which may lie before the run's own first write.
SLACK = dt.timedelta(minutes=1)


class StandingFilter(Choosing):
    """The tabs."""

    title = _("state")
    parameter_name = PARAMETER
    kind = "tab"

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        return [(one.name, str(one.label)) for one in STANDINGS if one.name]

    def rows(self, rows: Rows, value: str) -> Rows:
        return standing_of(value).rows(rows, now=self.now)


class ChannelFilter(Choosing):
    title = _("channel")
    parameter_name = "channel__exact"
    cost = Cost.SIZED

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        return [(value, str(label)) for value, label in Channel.choices]

    def rows(self, rows: Rows, value: str) -> Rows:
        return rows.filter(channel=value)


class CategoryFilter(Choosing):
    title = _("category")
    parameter_name = "category__exact"

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        return [(value, str(label)) for value, label in Category.choices]

    def rows(self, rows: Rows, value: str) -> Rows:
        return rows.filter(category=value)


class TemplateFilter(Choosing):
    title = _("template")
    parameter_name = "template__id__exact"
    cost = Cost.SIZED

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        known = NotificationTemplate.objects.order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in known[:TEMPLATES_OFFERED]]

    def rows(self, rows: Rows, value: str) -> Rows:
        return rows.filter(template_id=uuid.UUID(value))


class FeedbackFilter(Choosing):
    """By the provider's word. What went wrong is found through the reports (provider_events_trouble), since no index of the
    queue holds it; what went well is most of the queue, and is met with soon."""

    title = _("by the provider")
    parameter_name = "feedback"

    @property
    def cost(self) -> Cost:  # type: ignore[override]
        return Cost.NARROW if self.chosen in TROUBLE else Cost.LOOSE

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        return [(word, str(Feedback(word).label)) for word in Feedback.values if word in FOUND]

    def rows(self, rows: Rows, value: str) -> Rows:
        if value in TROUBLE:
            told = ProviderEvent.objects.filter(event_type=value, notification_id__isnull=False).order_by(
                "-id"
            )
            rows = rows.filter(pk__in=told.values("notification_id")[:NEWEST_REPORTS])
            if told[NEWEST_REPORTS : NEWEST_REPORTS + 1].exists():
                self.note = _(
                    "“%(filter)s” looks at the newest %(count)s reports: older ones are not looked for."
                ) % {
                    "filter": self.title,
                    "count": grouped(NEWEST_REPORTS),
                }
        return rows.filter(feedback=value)


class JobFilter(Choosing):
    title = _("job")
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Choices:
        return [(name, name) for name in jobs().names()]

    def rows(self, rows: Rows, value: str) -> Rows:
        return rows.filter(metadata__origin__job=value)


class RunFilter(Choosing):
    """The messages of one run lie where it worked: no index of their own is needed, which every INSERT would pay for."""

    title = _("run of a job")
    parameter_name = "run"
    kind = "text"
    cost = Cost.NARROW
    hint = _("Id of the run")
    _span: Span | None = None

    def accepts(self, value: str) -> bool:
        try:
            self._span = jobs().span(uuid.UUID(value))
        except ValueError:
            return False
        return self._span is not None

    def rows(self, rows: Rows, value: str) -> Rows:
        if self._span is None:
            return rows.none()
        ended_at = self._span.ended_at or self.now
        made = (self._span.began_at - SLACK, ended_at + SLACK)
        return rows.filter(created_at__range=made, metadata__origin__run=str(uuid.UUID(value)))


class CustomerFilter(Choosing):
    title = _("customer")
    parameter_name = "customer"
    kind = "text"
    cost = Cost.NARROW
    hint = _("Id of the customer")

    def accepts(self, value: str) -> bool:
        return not is_address(value)

    def rows(self, rows: Rows, value: str) -> Rows:
        return rows.filter(recipient_key=f"customer:{value}")
