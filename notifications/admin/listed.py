"""The queue's list as the URL asks for it: in, tab, filters, search and sorting; out, its rows, chips, tabs and neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from consent.admin_reach import Reach, Reaching
from notifications.admin.choosing import LED_BY, Choosing
from notifications.admin.counting import standing_counts
from notifications.admin.reach import order_of, reach_of
from notifications.admin.standings import PARAMETER, STANDINGS, Standing, standing_of
from notifications.models import Notification
from notifications.state_counts import Counted

NEW_AT_MOST = 100
INDEXED = ("created_at", "scheduled_at")


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that was chosen, and the same list without it."""

    title: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Tab:
    """`count` is None where filters are chosen: that of the whole tab would mislead, and that of the filtered is not asked."""

    standing: Standing
    url: str
    count: Counted | None
    is_current: bool


class Queued(Reaching):
    """Mix in before the admin's own ChangeList."""

    def find_reach(self, request: HttpRequest, rows: QuerySet[Any]) -> Reach:
        return reach_of(self.standing, self._sound, is_search=bool(self.query), now=timezone.now())

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        if ORDER_VAR in self.params:
            wanted = [str(one) for one in super().get_ordering(request, queryset)]
            if wanted[0].lstrip("-") in INDEXED:
                return wanted
        ordering = order_of(self.standing, self._sound)
        return [*ordering, "-pk" if ordering[-1].startswith("-") else "pk"]

    # ── What was chosen ─────────────────────────────────────────────────────────────────────────────────
    @property
    def standing(self) -> Standing:
        return standing_of(str(self.params.get(PARAMETER, "")))

    @property
    def filters(self) -> list[Choosing]:
        """Those chosen, the tab apart."""
        return [one for one in self.fields if one.chosen]

    @property
    def _sound(self) -> list[Choosing]:
        return [one for one in self.filters if not one.problem]

    @property
    def fields(self) -> list[Choosing]:
        return [one for one in self.specs if one.parameter_name != PARAMETER]

    @property
    def specs(self) -> list[Choosing]:
        return [one for one in self.filter_specs if isinstance(one, Choosing)]

    @property
    def problems(self) -> list[str]:
        return [one.problem for one in self.specs if one.problem]

    @property
    def notes(self) -> list[str]:
        return [str(one.note) for one in self.specs if one.note]

    # ── What the page shows beside the rows ─────────────────────────────────────────────────────────────
    def chips(self) -> list[Chip]:
        return [
            Chip(str(one.title), one.shown, self._link(remove=[str(one.parameter_name)]))
            for one in self.filters
        ]

    def tabs(self) -> list[Tab]:
        """Each keeps the filters and the search."""
        alone = not (self.filters or self.query)
        counts = standing_counts(now=timezone.now()) if alone else {}
        return [
            Tab(
                one,
                self._link({PARAMETER: one.name or None}, remove=[ORDER_VAR]),
                counts.get(one.name) if alone else None,
                one.name == self.standing.name,
            )
            for one in STANDINGS
            if one.shown or one.name == self.standing.name
        ]

    def hidden(self) -> list[tuple[str, str]]:
        """What the form of the filters carries along: tab, search and sorting, not the page."""
        kept = (PARAMETER, SEARCH_VAR, ORDER_VAR)
        return [(name, str(self.params[name])) for name in kept if self.params.get(name)]

    def same_from_the_top(self) -> str:
        return self._link()

    def without_filters(self) -> str:
        return self._link(remove=[str(one.parameter_name) for one in self.fields])

    def _link(self, new: Any = None, remove: Sequence[str] = ()) -> str:
        """Django takes a name off by its beginning, and a page of one list is no page of another."""
        kept = {name: value for name, value in self.params.items() if name not in {*remove, PAGE_VAR}}
        kept |= new or {}
        return str(self.get_query_string(kept, remove=list(self.params)))

    @property
    def empty_text(self) -> str:
        """Of a tab in which nothing is, as it should be most of the time."""
        return "" if self.filters or self.query or not self.standing.name else str(self.standing.nobody)

    # ── One row among them ──────────────────────────────────────────────────────────────────────────────
    def neighbours(self, row: Notification) -> tuple[Any, Any]:
        """The ids before and after this one in the list's order, found from the row, not by counting."""
        column, ascends = self._leading()
        at = getattr(row, column)
        later = Q(**{f"{column}__gt": at}) | Q(**{column: at, "pk__gt": row.pk})
        earlier = Q(**{f"{column}__lt": at}) | Q(**{column: at, "pk__lt": row.pk})
        above = self._next(later, [column, "pk"])
        below = self._next(earlier, [f"-{column}", "-pk"])
        return (below, above) if ascends else (above, below)

    def _leading(self) -> tuple[str, bool]:
        order = next(str(one) for one in self.queryset.query.order_by if one != LED_BY)
        return order.lstrip("-"), not order.startswith("-")

    def _next(self, beyond: Q, order: list[str]) -> Any:
        led = [one for one in self.queryset.query.order_by if one == LED_BY]
        found = self.queryset.filter(beyond).order_by(*led, *order).values_list("pk", flat=True)[:1]
        return next(iter(found), None)


class Unread(Queued):
    """The same list, of which no row is read: only what lies around one row is asked for."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_count = self.full_result_count = 0
