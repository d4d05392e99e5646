"""The base of the pages here: in, tables of up to millions of rows; out, lists to read that cost no more than a page."""

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property

from consent.admin_base import ReadOnlyAdmin, TabularInline

Row = TypeVar("Row", bound=Model)
COUNT_LIMIT = 10_000

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
    _Inline = TabularInline[Any, Any]
else:
    _Paginator, _Inline = Paginator, TabularInline  # the type checker's brackets do not run


class CappedPaginator(_Paginator):
    """Pages up to COUNT_LIMIT rows: an exact count of five million audit events reads them all. Older ones by a filter."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:COUNT_LIMIT].count())


class RecordAdmin(ReadOnlyAdmin[Row]):
    """A list in the order of an index, and the details of a row."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    sortable_by: ClassVar[tuple[str, ...]] = ()


class RecordInline(_Inline):
    """What belongs to a row, below it, to read. Shown to those who may see that table."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
