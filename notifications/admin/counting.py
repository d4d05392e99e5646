"""Pages of a list that may hold millions of rows: in, a query; out, its pages, counted only as far as a person reads."""

from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.utils.functional import cached_property

COUNT_LIMIT = 10_000


if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator  # the type checker's brackets do not run


class CappedPaginator(_Paginator):
    """Counts up to COUNT_LIMIT and then says «more than»: an exact count of everything reads everything.

    Pages end there too, since a far OFFSET costs as much; older rows are found by a filter.
    """

    template_name = "notifications/admin/pagination.html"  # unfold's way to name the footer of a list

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
