"""Lists that may hold millions of rows: in, a query; out, pages that cost no more than a person reads.

Counted only so far, sorted only by what an index holds, looked through only so far where no index holds what is asked: an exact
total, a column somebody names in the URL, or a rare value would read every row.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django.apps import apps
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from consent.admin_base import ModelAdmin
from consent.admin_reach import Reaching

Row = TypeVar("Row", bound=Model)
COUNT_LIMIT = 10_000
_ANY_ROW = SimpleNamespace(pk="-any-row-")
_TICKS: dict[str, str] = {}  # by language

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
    _List = ChangeList
else:
    _Paginator, _List = Paginator, object  # the type checker's brackets do not run


class CappedPaginator(_Paginator):
    """Counts up to COUNT_LIMIT and then says «more than»: an exact count of everything reads everything.

    Pages end there too, since a far OFFSET costs as much; older rows are found by a filter. A page beyond the last is the
    last: the list may have become shorter since its number was shown.
    """

    template_name = "admin/consent/pagination.html"  # unfold's way to name the footer of a list

    def validate_number(self, number: float | str) -> int:
        try:
            asked = int(number)
        except (TypeError, ValueError):
            asked = 1
        return min(max(asked, 1), self.num_pages)

    @cached_property
    def count(self) -> int:
        return min(self._seen, COUNT_LIMIT)

    @property
    def has_more(self) -> bool:
        """Are there rows beyond those that were counted?"""
        return self._seen > COUNT_LIMIT

    @cached_property
    def _seen(self) -> int:
        rows = cast("QuerySet[Model]", self.object_list)
        return rows.order_by()[: COUNT_LIMIT + 1].count()


class _DeclaredSorting(_List):
    """Django sorts by any column that the URL names (`?o=7`), also where no header offers it."""

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        if not self.sortable_by:  # else what is asked for in vain would leave no order but the key's
            self.params.pop(ORDER_VAR, None)
        return list(super().get_ordering(request, queryset))

    def get_ordering_field(self, field_name: Any) -> Any:
        if self.sortable_by is not None and field_name not in self.sortable_by:
            return None
        return super().get_ordering_field(field_name)


class Bounded(ModelAdmin[Row]):
    """Mix in before the admin's base class."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count of each filter's every choice
    list_per_page = 50
    list_max_show_all = 0
    sortable_by: ClassVar[tuple[str, ...]] = ()
    list_before_template: ClassVar[str] = (
        "admin/consent/reach.html"  # unfold's way to say something above a list
    )
    # Does an index lead from each text that is searched for to few rows?
    finds_by_index = True

    def leads(self, name: str, value: str) -> bool:
        """Does an index hold what this parameter of the URL means: few rows, or many in the order of the list?"""
        return False

    def action_checkbox(self, obj: Row) -> SafeString:
        """unfold renders a form's field for each row, a sixth of the page's time: here once, for any row."""
        if not apps.is_installed("unfold"):
            return super().action_checkbox(obj)
        language = get_language() or ""
        if language not in _TICKS:
            _TICKS[language] = super().action_checkbox(cast("Any", _ANY_ROW))
        return mark_safe(_TICKS[language].replace(_ANY_ROW.pk, escape(str(obj.pk))))  # noqa: S308 (escaped)

    action_checkbox.short_description = getattr(ModelAdmin.action_checkbox, "short_description", "")  # type: ignore[attr-defined]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return type(
            "BoundedList", (Reaching, _DeclaredSorting, super().get_changelist(request, **kwargs)), {}
        )
