"""The page of the queue's list: in, a query string; out, tabs, chosen filters, rows, and the way back from a message to them."""

import copy
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib.admin.views.main import (
    ALL_VAR,
    ERROR_FLAG,
    ORDER_VAR,
    PAGE_VAR,
    SEARCH_VAR,
    ChangeList,
)
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.admin.choosing import Choosing
from notifications.admin.filters import (
    CategoryFilter,
    ChannelFilter,
    CustomerFilter,
    FeedbackFilter,
    JobFilter,
    RunFilter,
    StandingFilter,
    TemplateFilter,
)
from notifications.admin.filters_dates import EndedFilter, PeriodFilter, SinceFilter, UntilFilter, moment_of
from notifications.admin.filters_seen import ErrorClassFilter, WithheldRuleFilter
from notifications.admin.listed import NEW_AT_MOST, Queued, Unread
from notifications.admin.searching import SearchedAdmin
from notifications.admin.standings import PARAMETER, standing_of
from notifications.models import Notification

FILTERS: tuple[type[Choosing], ...] = (
    StandingFilter,
    ChannelFilter,
    TemplateFilter,
    CategoryFilter,
    ErrorClassFilter,
    WithheldRuleFilter,
    FeedbackFilter,
    JobFilter,
    RunFilter,
    CustomerFilter,
    PeriodFilter,
    SinceFilter,
    UntilFilter,
    EndedFilter,
)
PRESERVED = "_changelist_filters"
PARAMETERS = frozenset(str(one.parameter_name) for one in FILTERS)
KNOWN = PARAMETERS | {ALL_VAR, ERROR_FLAG, "_facets", ORDER_VAR, PAGE_VAR, SEARCH_VAR, PRESERVED}
# Before this moment every row was on the page already; the parameter is the fragment's alone.
SINCE = "shown_at"


@dataclass(frozen=True, slots=True)
class PlaceInList:
    """Where a message stands in the list one came from."""

    back: str
    before: str = ""
    after: str = ""


class QueueList(SearchedAdmin[Notification]):
    """Whoever derives names the columns and the acts."""

    nothing_yet = _(
        "No message was asked for yet. Run a job, or let your program call notify(), and it is listed here."
    )
    change_list_template: ClassVar[str] = "notifications/admin/queue_list.html"
    list_filter = FILTERS
    list_before_template: ClassVar[str] = ""  # says it itself, among its filters

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup in PARAMETERS

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        kind = kwargs.pop("kind", Queued)
        return type("QueueChangeList", (kind, super().get_changelist(request, **kwargs)), {})

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        """By what the tab's index holds, in both directions."""
        by_due = standing_of(request.GET.get(PARAMETER)).order.lstrip("-") == "scheduled_at"
        return ("due",) if by_due else ("asked",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if strange := sorted(set(request.GET) - KNOWN):
            return self._no_such_filter(request, strange)
        now = timezone.now()
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and isinstance(found := context.get("cl"), Queued):
            context.update(
                tabs=found.tabs(),
                live_url=_live_url(request, now.isoformat()),
                reach=found.reach,
                is_filtered=bool(found.filters or found.query),
            )
            # The form above the list takes the place of the admin's own list of links.
            found.has_filters = False
        return response

    def _no_such_filter(self, request: HttpRequest, names: list[str]) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        kept = [(name, value) for name, value in request.GET.items() if name in KNOWN]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.verbose_name_plural,
            "names": names,
            "without": f"{_here()}?{urlencode(kept)}",
        }
        return TemplateResponse(request, "notifications/admin/no_such_filter.html", context, status=400)

    def listed(self, request: HttpRequest, query: str) -> Queued:
        """The list that this query string means, without reading its rows."""
        there = copy.copy(request)
        kept = QueryDict(query, mutable=True)
        for name in set(kept) - (KNOWN - {PRESERVED}):
            del kept[name]
        there.GET = kept  # type: ignore[assignment]
        kind = self.get_changelist(there, kind=Unread)
        found = kind(
            there, self.model, self.get_list_display(there), self.get_list_display_links(there, self.list_display),
            self.get_list_filter(there), self.date_hierarchy, self.get_search_fields(there),
            self.get_list_select_related(there), self.list_per_page, self.list_max_show_all, self.list_editable, self,
            self.get_sortable_by(there), self.search_help_text,  # type: ignore[arg-type]
        )  # fmt: skip
        assert isinstance(found, Queued)
        return found

    def place_in_list(self, request: HttpRequest, row: Notification) -> PlaceInList:
        """Back to the list as it was filtered, and the messages before and after this one in it."""
        query = request.GET.get(PRESERVED, "")
        back = f"{_here()}?{query}" if query else _here()
        if PRESERVED not in request.GET or row.kept is not None:
            return PlaceInList(back)
        kept = urlencode({PRESERVED: query})
        before, after = (
            f"{reverse('admin:notifications_notification_change', args=[pk])}?{kept}" if pk else ""
            for pk in self.listed(request, query).neighbours(row)
        )
        return PlaceInList(back, before, after)


def tabs_view(admin: QueueList, request: HttpRequest) -> HttpResponse:
    """`tabs/`: the tabs as they stand now, and how many messages came since the list was shown; the list itself stays."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    shown_at = moment_of(request.GET.get(SINCE, ""))
    found = admin.listed(request, request.GET.urlencode())
    new = 0
    if shown_at is not None:
        rows = found.queryset.filter(created_at__gt=shown_at).order_by()
        new = rows[: NEW_AT_MOST + 1].count()
    context = {
        "tabs": found.tabs(),
        "base": _here(),
        "new": min(new, NEW_AT_MOST),
        "more": new > NEW_AT_MOST,
        "reload": f"{_here()}{found.same_from_the_top()}",
    }
    return TemplateResponse(request, "notifications/admin/tabs.html", context)


def _here() -> str:
    return reverse("admin:notifications_notification_changelist")


def _live_url(request: HttpRequest, shown_at: str) -> str:
    query = request.GET.copy()
    query[SINCE] = shown_at
    return f"{reverse('admin:notifications_notification_tabs')}?{query.urlencode()}"
