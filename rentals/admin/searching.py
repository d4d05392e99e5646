"""A list of the business whose search box posts: in, a name or an address; out, the ids of what it finds."""

import uuid
from typing import ClassVar, TypeVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from consent.admin_lists import Bounded
from consent.admin_search import FindByPost
from consent.ids import uuid_of

Row = TypeVar("Row", bound=Model)
# Ids in one URL.
MOST = 50


class PostedSearch(Bounded[Row], FindByPost[Row]):
    """`search_fields` are Django's; what is typed meets them in a POST."""

    change_list_template: ClassVar[str] = "notifications/admin/searched_list.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        words = search_term.split()
        if words and not all(map(uuid_of, words)):
            text = gettext(
                "Type names and addresses into the search box: it keeps them out of the page's URL."
            )
            messages.warning(request, text)
            return queryset.none(), False
        return (queryset.filter(pk__in=words[:MOST]) if words else queryset), False

    def findable(self, request: HttpRequest, text: str) -> str:
        return " ".join(self._found(request, text)) or str(uuid.UUID(int=0))

    def _found(self, request: HttpRequest, text: str) -> list[str]:
        if all(map(uuid_of, text.split())):
            return text.split()
        rows, _ = super().get_search_results(request, self.get_queryset(request), text)
        found = [str(pk) for pk in rows.values_list("pk", flat=True)[: MOST + 1]]
        if len(found) > MOST:
            messages.info(request, gettext("These are the first %d: type more to see the others.") % MOST)
        return found[:MOST]
