"""A list's filter, kept: in, the query string of the queue's page; out, the messages that match it now, and it in words.

The list itself answers, as it would in the browser: whatever filter or search it learns is understood here too.
"""

import datetime as dt
from collections.abc import Iterator

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from consent.models import Category, Channel
from notifications.admin.choosing import AS_OF
from notifications.admin.filters import TemplateFilter
from notifications.admin.filters_dates import MOMENTS, by_any_clock
from notifications.admin.filters_dates import in_words as moment_in_words
from notifications.admin.queue_list import FILTERS, KNOWN
from notifications.admin.standings import BY_NAME, PARAMETER
from notifications.models import BulkAct, Notification
from templates_app.models import NotificationTemplate

# What a page of the list carries besides its filters.
_PAGING = frozenset({"p", "o", "all", "e", "_changelist_filters"})

ALL = "all=1"
_REFUSED = "The list no longer understands this filter; filter and choose anew."


class FilterNotUnderstood(ValueError):  # noqa: N818
    """The list refuses it: a filter has gone since, or was misspelt."""


def matching(act: BulkAct) -> QuerySet[Notification]:
    """The messages that an act's filter matches, asked as the person who asked for the act, and as of then: what has become
    due since, or belongs to another day by now, is none of its business."""
    kind, _colon, known = act.by.partition(":")
    people = get_user_model().objects
    who = people.filter(pk=known).first() if kind == "staff" else None
    return rows_of(act.query, who or AnonymousUser(), as_of=act.asked_at)


def rows_of(
    query: str, user: AbstractBaseUser | AnonymousUser, *, as_of: dt.datetime | None = None
) -> QuerySet[Notification]:
    """Raises FilterNotUnderstood rather than match more than was meant."""
    queue = admin.site._registry[Notification]  # noqa: SLF001 (public by its documentation)
    request = HttpRequest()
    request.method, request.GET = "GET", QueryDict(query)
    request.user = user  # type: ignore[assignment]
    setattr(request, AS_OF, as_of)
    # A search may have something to tell, which nobody reads here.
    request.session = SessionStore()
    MessageMiddleware(lambda _request: HttpResponse()).process_request(request)
    try:
        page = queue.get_changelist_instance(request)
        found: QuerySet[Notification] = page.get_queryset(request)
    except (IncorrectLookupParameters, DisallowedModelAdminLookup) as error:
        raise FilterNotUnderstood(_REFUSED) from error
    # A filter that the list cannot make sense of must never mean more messages than were meant.
    if set(request.GET) - KNOWN or any(getattr(spec, "problem", "") for spec in page.filter_specs):
        raise FilterNotUnderstood(_REFUSED)
    return found


def kept(request: HttpRequest) -> str:
    """The filters of the page that was looked at, without its number, for whoever reads them later and elsewhere. Never empty:
    «all» is a choice too."""
    query = request.GET.copy()
    for name in _PAGING & set(query):
        del query[name]
    by_any_clock(query, now=timezone.now())
    return query.urlencode() or ALL


def in_words(query: str) -> str:
    """«status: failed, channel: SMS», for the list of acts and the audit log. One query where a template is named."""
    said = ", ".join(f"{name}: {value}" for name, value in _said(QueryDict(query)))
    return said or _("all messages")


def _said(query: QueryDict) -> Iterator[tuple[str, str]]:
    titles = {str(one.parameter_name): str(one.title) for one in FILTERS}
    for name, value in query.items():
        text = str(value)
        if name == "q":
            yield _("search"), " ".join(map(_shown, text.split()))
        elif name == PARAMETER:
            yield titles[name], str(BY_NAME[text].label) if text in BY_NAME else text
        elif name == TemplateFilter.parameter_name:
            template = NotificationTemplate.objects.filter(pk=text).first()
            yield titles[name], template.name if template else text
        elif name in titles:
            yield titles[name], _label(name, text)


def _shown(word: str) -> str:
    """A keyed hash of an address says nothing to anybody, and would outlast the erasure of whose it is."""
    return _("an address") if word.startswith("address:") else word


def _label(name: str, value: str) -> str:
    if name in MOMENTS:
        return moment_in_words(value)
    choices = {"channel__exact": Channel.choices, "category__exact": Category.choices}.get(name, ())
    return next((str(label) for known, label in choices if known == value), value)
