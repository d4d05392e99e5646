"""A list whose search box posts: in, a name or an address; out, the list of what it finds, by ids, which may stand in a URL.

Browsers keep URLs in their history and servers in their logs, so no name and no address may stand in one.
"""

import uuid
from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext

from consent.admin_base import ReadOnlyAdmin

Row = TypeVar("Row", bound=Model)
# Ids in one URL.
MOST = 50


class PostedSearch(ReadOnlyAdmin[Row]):
    """`search_fields` are Django's; what is typed meets them in a POST."""

    change_list_template: ClassVar[str] = "notifications/admin/searched_list.html"

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def get_urls(self) -> list[URLPattern]:
        find = self.admin_site.admin_view(self.find_view)
        return [path("find/", find, name=f"{self._name}_find"), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        words = search_term.split()
        if words and not all(map(_is_id, words)):
            text = gettext(
                "Type names and addresses into the search box: it keeps them out of the page's URL."
            )
            messages.warning(request, text)
            return queryset.none(), False
        return (queryset.filter(pk__in=words[:MOST]) if words else queryset), False

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """`find/`: turn what was typed into the ids of what it finds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = QueryDict(request.POST.get("filters", "").lstrip("?"), mutable=True)
        for name in ("q", "p", "e"):
            query.pop(name, None)
        if text := request.POST.get("q", "").strip():
            query["q"] = " ".join(self._found(request, text)) or str(uuid.UUID(int=0))
        there = reverse(f"admin:{self._name}_changelist")
        return HttpResponseRedirect(f"{there}?{query.urlencode()}" if query else there)

    def _found(self, request: HttpRequest, text: str) -> list[str]:
        if all(map(_is_id, text.split())):
            return text.split()
        rows, _ = super().get_search_results(request, self.get_queryset(request), text)
        found = [str(pk) for pk in rows.values_list("pk", flat=True)[: MOST + 1]]
        if len(found) > MOST:
            messages.info(request, gettext("These are the first %d: type more to see the others.") % MOST)
        return found[:MOST]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        find_url = reverse(f"admin:{self._name}_find")
        response = super().changelist_view(request, {**(extra_context or {}), "find_url": find_url})
        if (context := getattr(response, "context_data", None)) and "cl" in context:
            context["cleared"] = context["cl"].get_query_string(remove=["q"])
        return response


def _is_id(word: str) -> bool:
    try:
        uuid.UUID(word)
    except ValueError:
        return False
    return True
