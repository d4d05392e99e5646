"""A list whose search box posts: in, what an operator typed; out, the list with a query string that may stand in a URL."""

from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext

from consent.addresses import AddressError
from notifications.admin.find import as_keys, is_address
from notifications.admin.private import PrivateAdmin

Row = TypeVar("Row", bound=Model)


class SearchedAdmin(PrivateAdmin[Row]):
    """Whoever derives says in `search` which rows a text finds."""

    search_fields = ("id",)  # shows the box
    change_list_template: ClassVar[str] = "notifications/admin/searched_list.html"

    def search(self, request: HttpRequest, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        raise NotImplementedError

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def get_urls(self) -> list[URLPattern]:
        find = self.admin_site.admin_view(self.find_view)
        return [path("find/", find, name=f"{self._name}_find"), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        if not search_term.strip():
            return queryset, False
        if is_address(search_term):
            text = gettext("Type addresses into the search box: it keeps them out of the page's URL.")
            messages.warning(request, text)
            return queryset.none(), False
        return self.search(request, queryset, search_term), False

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """`find/`: turn what was typed into a query string that may stand in a URL."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = QueryDict(request.POST.get("filters", "").lstrip("?"), mutable=True)
        for name in ("q", "p", "e"):
            query.pop(name, None)
        text = request.POST.get("q", "").strip()
        try:
            text = as_keys(text) if is_address(text) else text
        except AddressError as error:
            messages.warning(request, str(error))
            text = ""
        if text:
            query["q"] = text
        there = reverse(f"admin:{self._name}_changelist")
        return HttpResponseRedirect(f"{there}?{query.urlencode()}" if query else there)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        find_url = reverse(f"admin:{self._name}_find")
        return super().changelist_view(request, {**(extra_context or {}), "find_url": find_url})
