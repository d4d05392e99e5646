"""The base of the pages here: in, tables of up to millions of rows; out, lists to read that cost no more than a page."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest

from consent.admin_base import ReadOnlyAdmin, TabularInline
from consent.admin_lists import Bounded

Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:
    _Inline = TabularInline[Any, Any]
else:
    _Inline = TabularInline  # the type checker's brackets do not run


class RecordAdmin(Bounded[Row], ReadOnlyAdmin[Row]):
    """A list in the order of an index, and the details of a row."""


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
