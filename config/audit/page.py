"""The page of the audit log: in, staff who may read it; out, what others did, newest first, by filter, and as a file.

What is typed is posted and then stands in the address as filters, of which none can be an address or a phone number.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.audit.export import MOST, lines
from config.audit.filters import FilterForm, Place, behind, matching
from config.audit.words import Said, said
from config.models import AuditEntry
from consent.admin_base import ReadOnlyAdmin

PAGE = 50
TIMEOUT = "5s"
EXPORT = "config.export_auditentry"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. `url` is empty where the object has no page, or none that this reader may open."""

    entry: AuditEntry
    said: Said
    about: str
    url: str


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Read by those who may; written by nobody."""

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site.admin_view
        return [
            path("find/", site(self.find_view), name="config_auditentry_find"),
            path("export/", site(self.export_view), name="config_auditentry_export"),
            path("", site(self.changelist_view), name="config_auditentry_changelist"),
        ]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """`find/`: what was posted becomes an address."""
        self._refuse(request)
        form = FilterForm(request.POST)
        if request.method == "POST" and not form.is_valid():
            return self._page(request, form)
        return HttpResponseRedirect(f"{_here()}?{urlencode(form.asked())}")

    def changelist_view(
        self,
        request: HttpRequest,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        self._refuse(request)
        return self._page(request, FilterForm(request.GET))

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """`export/`: the entries of the filters in the address, as a file. That somebody took it away is an entry, too."""
        self._refuse(request)
        if not request.user.has_perm(EXPORT):
            raise PermissionDenied
        return _export(request)

    def _refuse(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, form: FilterForm) -> HttpResponse:
        place = Place.read(request.GET.get("behind", ""))
        rows = matching(form).select_related("user", "content_type")
        found: list[AuditEntry] = []
        try:
            with _in_time():
                found = list((behind(rows, place) if place else rows)[: PAGE + 1])
        except OperationalError:
            messages.error(request, _("This takes too long to find. Choose fewer days, or one person."))
        asked = form.asked() if form.is_valid() else {}
        more = found[PAGE - 1] if len(found) > PAGE else None
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": self.opts.verbose_name_plural,
            "form": form,
            "lines": [_line(request, entry) for entry in found[:PAGE]],
            "filtered": bool(asked or form.errors),
            "here": _here(),
            "query": urlencode(asked),
            "newest": f"?{urlencode(asked)}" if place else "",
            "older": f"?{urlencode({**asked, 'behind': Place(more.action_time, more.pk)})}" if more else "",
            "may_export": request.user.has_perm(EXPORT) and bool(found),
            "refused_sign_ins": _refused_sign_ins(request),
        }
        return TemplateResponse(request, "config/audit.html", context)


@require_POST
def _export(request: HttpRequest) -> HttpResponse:
    form = FilterForm(request.GET)
    rows = matching(form).filter(action_time__lte=timezone.now())  # not the entry about itself
    back = HttpResponseRedirect(f"{_here()}?{urlencode(form.asked())}")
    try:
        with _in_time():
            count = rows[: MOST + 1].count()
    except OperationalError:
        messages.error(request, _("This takes too long to find. Choose fewer days, or one person."))
        return back
    if count > MOST or not form.is_valid():
        messages.error(request, _("More than %d entries match: choose fewer days, or one person.") % MOST)
        return back
    assert isinstance(request.user, User)  # behind admin_view
    filters = ", ".join(f"{name} {value}" for name, value in form.asked().items()) or "everything"
    LogEntry.objects.create(
        user=request.user,
        content_type=ContentType.objects.get_for_model(AuditEntry, for_concrete_model=False),
        object_repr="audit log",
        action_flag=CHANGE,
        change_message=f"exported the audit log ({count} of {count}): {filters}",
    )
    response = StreamingHttpResponse(lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
    response["Cache-Control"] = "no-store"
    return response  # type: ignore[return-value]  # the stubs take it for no HttpResponse


@contextmanager
def _in_time() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [TIMEOUT])
        yield


def _here() -> str:
    return reverse("admin:config_auditentry_changelist")


def _line(request: HttpRequest, entry: AuditEntry) -> Line:
    model = entry.content_type.model_class() if entry.content_type else None
    about = str(model._meta.verbose_name) if model else ""  # noqa: SLF001  # documented API
    page = admin.site._registry.get(model) if model else None  # noqa: SLF001
    url = ""
    if page is not None and page.has_view_or_change_permission(request):
        url = entry.get_admin_url() or ""
    return Line(entry, said(entry), about, url)


def _refused_sign_ins(request: HttpRequest) -> str:
    """They are kept apart, with the address that they came from."""
    if not request.user.has_perm("rentals.view_auditevent"):
        return ""
    try:
        return f"{reverse('admin:rentals_auditevent_changelist')}?event_type=auth.login_failed"
    except NoReverseMatch:
        return ""
