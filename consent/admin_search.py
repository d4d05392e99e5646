"""A list whose search box posts: in, what an operator typed; out, the list, with what may stand in its URL.

Browsers keep URLs in their history and servers in their logs, so no name and no address may stand in one.
"""

from typing import Any, TypeVar

from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse

from consent.admin_base import ReadOnlyAdmin

Row = TypeVar("Row", bound=Model)


class FindByPost(ReadOnlyAdmin[Row]):
    """Whoever derives says in `findable` what stands for the text that was typed, and brings a template with the box."""

    def findable(self, request: HttpRequest, text: str) -> str:
        raise NotImplementedError

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def get_urls(self) -> list[URLPattern]:
        find = self.admin_site.admin_view(self.find_view)
        return [path("find/", find, name=f"{self._name}_find"), *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """`find/`: turn what was typed into a query string; the filters stay, the page does not."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = QueryDict(request.POST.get("filters", "").lstrip("?"), mutable=True)
        for name in (SEARCH_VAR, PAGE_VAR, ERROR_FLAG):
            query.pop(name, None)
        text = request.POST.get("q", "").strip()
        if text and (found := self.findable(request, text)):
            query[SEARCH_VAR] = found
        there = reverse(f"admin:{self._name}_changelist")
        return HttpResponseRedirect(f"{there}?{query.urlencode()}" if query else there)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        find_url = reverse(f"admin:{self._name}_find")
        response = super().changelist_view(request, {**(extra_context or {}), "find_url": find_url})
        if (context := getattr(response, "context_data", None)) and "cl" in context:
            context["cleared"] = context["cl"].get_query_string(remove=[SEARCH_VAR])
        return response
