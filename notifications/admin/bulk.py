"""What was done to messages, and is being done: in, staff; out, the list of acts, each act's page, and stop, go on and undo."""

import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consent.staff_names import with_staff_name
from notifications.admin.act_page import facts, not_undone, progress, rows, which
from notifications.admin.acts import ACTS
from notifications.admin.audit import log_each
from notifications.admin.cells import moment, short
from notifications.admin.private import PrivateAdmin
from notifications.admin.undo_page import undo_view
from notifications.bulk.order import go_on, stop, why_not_undone
from notifications.bulk.work import going
from notifications.models import BulkAct


@admin.register(BulkAct)
class BulkActAdmin(PrivateAdmin[BulkAct]):
    """Acts, newest first."""

    nothing_yet = gettext_lazy(
        "Nobody has acted on messages yet. Tick some in the queue and choose what to do with them."
    )

    list_display = ("what", "about", "who", "why", "how_far", "asked")
    list_display_links = ("what",)
    list_filter = ("act", "status", "asked_at")
    ordering = ("-asked_at", "-id")
    fields = ("act",)  # its page is its own

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may act sees what became of it, and what others do at the same time."""
        return super().has_view_permission(request, obj) or any(
            act.allowed(request.user) for act in ACTS.values()
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkAct]:
        return with_staff_name(super().get_queryset(request).select_related("undoes"), of="by")

    def get_urls(self) -> list[URLPattern]:
        def wrapped(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        pages = {"progress": self.progress_view, "stop": self.stop_view, "go_on": self.go_on_view}
        return [
            *(
                path(f"<uuid:pk>/{name}/", wrapped(view), name=f"notifications_bulkact_{name}")
                for name, view in pages.items()
            ),
            path(
                "<uuid:pk>/undo/",
                wrapped(lambda request, pk: undo_view(self, request, self.act(request, pk))),
                name="notifications_bulkact_undo",
            ),
            *super().get_urls(),
        ]

    # ── One act ─────────────────────────────────────────────────────────────────────────────────────────
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A page to read, that keeps itself up to date while the act runs."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            act = self.act(request, uuid.UUID(unquote(object_id or "")))
        except ValueError as error:
            raise Http404 from error
        only_left = request.GET.get("only") == "left"
        shown, following = rows(act, after=request.GET.get("after", ""), only_left=only_left)
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            **self._about(request, act),
            "opts": self.opts,
            "original": act,
            "title": self.what(act),
            "facts": facts(act),
            "rows": shown,
            "next": following,
            "only_left": only_left,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "notifications/admin/act.html", context)

    def progress_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The part of the page that reloads itself: one row."""
        about = self._about(request, self.act(request, pk))
        return TemplateResponse(request, "notifications/admin/act_progress.html", about)

    def stop_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        act = self._to_change(request, pk)
        if stop(act.pk, by=f"staff:{request.user.pk}", now=timezone.now()):
            log_each(request, [act], "stopped")
            messages.success(request, _("It is stopped. What was done by then is done, and can be undone."))
        else:
            messages.info(request, _("It was over already: nothing was left to stop."))
        return self._page(act)

    def go_on_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        act = self._to_change(request, pk)
        if go_on(act.pk):
            log_each(request, [act], "went on")
            messages.success(request, _("It goes on where it stood."))
        else:
            messages.info(request, _("It goes on already, is done, or was undone."))
        return self._page(act)

    def act(self, request: HttpRequest, pk: uuid.UUID) -> BulkAct:
        row = self.get_queryset(request).filter(pk=pk).first()
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404
        return row

    def may_change(self, request: HttpRequest, act: BulkAct) -> bool:
        """Whoever may do such an act may stop one, and take it back."""
        kind = act.undoes.act if act.undoes is not None else act.act
        return kind in ACTS and ACTS[kind].allowed(request.user)

    def _to_change(self, request: HttpRequest, pk: uuid.UUID) -> BulkAct:
        act = self.act(request, pk)
        if request.method != "POST" or not self.may_change(request, act):
            raise PermissionDenied
        return act

    def _page(self, act: BulkAct) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:notifications_bulkact_change", args=[act.pk]))

    def _about(self, request: HttpRequest, act: BulkAct) -> dict[str, Any]:
        may = self.may_change(request, act)
        return {
            "act": act,
            "progress": progress(act, taking_turns=1 if act.is_over else max(1, going().count())),
            "may_stop": may and not act.is_over,
            "may_go_on": may
            and act.is_over
            and act.status != BulkAct.Status.DONE
            and not act.undone_by.exists(),
            "may_undo": may and not why_not_undone(act),
            "not_undone": not_undone(act),
            "undone_by": act.undone_by.first(),
        }

    # ── The list ────────────────────────────────────────────────────────────────────────────────────────
    @admin.display(description=gettext_lazy("act"))
    def what(self, act: BulkAct) -> str:
        if act.undoes is not None:
            return _("Undo: %s") % BulkAct.Kind(act.undoes.act).label
        return str(BulkAct.Kind(act.act).label)

    @admin.display(description=gettext_lazy("messages"))
    def about(self, act: BulkAct) -> SafeString:
        return short(which(act), 48)

    @admin.display(description=gettext_lazy("by"))
    def who(self, act: BulkAct) -> str:
        return getattr(act, "name", None) or act.by

    @admin.display(description=gettext_lazy("reason"))
    def why(self, act: BulkAct) -> SafeString:
        return short(act.reason, 48)

    @admin.display(description=gettext_lazy("progress"))
    def how_far(self, act: BulkAct) -> SafeString:
        far = progress(act)
        text = _("%(done)s of %(total)s") % {"done": far.done, "total": far.total}
        return format_html('{} <span class="pr-time">{}</span>', far.status, text)

    @admin.display(description=gettext_lazy("asked for"))
    def asked(self, act: BulkAct) -> SafeString:
        return moment(act.asked_at)
