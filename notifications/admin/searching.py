"""A list of messages whose search box posts: in, what an operator typed; out, ids, keys and keyed hashes to look for."""

from typing import ClassVar, TypeVar

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from consent.addresses import AddressError
from consent.admin_search import FindByPost
from notifications.admin.find import as_keys, is_address
from notifications.admin.private import PrivateAdmin

Row = TypeVar("Row", bound=Model)


class SearchedAdmin(FindByPost[Row], PrivateAdmin[Row]):
    """Whoever derives says in `search` which rows a text finds."""

    search_fields = ("id",)  # shows the box
    change_list_template: ClassVar[str] = "notifications/admin/searched_list.html"

    def search(self, request: HttpRequest, rows: QuerySet[Row], text: str) -> QuerySet[Row]:
        raise NotImplementedError

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

    def findable(self, request: HttpRequest, text: str) -> str:
        try:
            return as_keys(text) if is_address(text) else text
        except AddressError as error:
            messages.warning(request, str(error))
            return ""
