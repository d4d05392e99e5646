"""The base of every page here: in, rows that hold people's words in columns no list shows; out, read-only lists.

Django lets anyone who may see a list filter by any column of it (`?payload__name__startswith=M`), and so guess what
they may not read. Here only the declared filters are looked up.
"""

from typing import Any, TypeVar

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from consent.admin_base import ReadOnlyAdmin
from consent.admin_lists import Bounded

Row = TypeVar("Row", bound=Model)
# What Django's own filters ask of a field or of a related row's id.
_COMPARISONS = frozenset({"", "exact", "in", "isnull", "gte", "gt", "lte", "lt", "id__exact"})


class PrivateAdmin(Bounded[Row], ReadOnlyAdmin[Row]):
    """A read-only list without exact counts, free sorting or undeclared look-ups."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        filters = self.get_list_filter(request) if request is not None else self.list_filter
        name, _, rest = lookup.partition("__")
        return name in {_name(declared) for declared in filters} and rest in _COMPARISONS

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if context := getattr(response, "context_data", None):
            context["title"] = self.opts.verbose_name_plural
            if "cl" in context:
                # Both unknown and equal, so that no header claims a total that nobody counted.
                context["cl"].full_result_count = context["cl"].result_count
        return response


def _name(declared: Any) -> str:
    if isinstance(declared, list | tuple):
        declared = declared[0]
    return str(getattr(declared, "parameter_name", declared))
