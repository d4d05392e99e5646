"""Taking a template out of use and back: in, a template and a reason; out, it is archived, or the refusal that names who still uses it."""

from uuid import UUID

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from templates_app.admin.pages import (
    CHANGE_TEMPLATE,
    log,
    refusal_of,
    require,
    template_or_404,
    template_url,
    typed_line,
)
from templates_app.models import NotificationTemplate
from templates_app.usage import mentions, traffic


def archive(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask (GET), and archive it or bring it back (POST). Code that names it would be refused each message: it stays then."""
    require(request, CHANGE_TEMPLATE)
    template = template_or_404(pk)
    users = mentions(template, request.user)
    if request.method != "POST":
        return _ask(request, template)
    reason = typed_line(request, "reason")
    wanted = request.POST.get("archived") == "1"
    if refused := refusal_of(reason, missing=_("Say why: the reason stands in the history.")):
        messages.error(request, refused)
        return _ask(request, template, status=400)
    if wanted and users:
        messages.error(request, _("It is used: take it out of the code first."))
        return _ask(request, template, status=409)
    now = timezone.now()
    with transaction.atomic():
        changed = NotificationTemplate.objects.filter(pk=pk, archived_at__isnull=wanted).update(
            archived_at=now if wanted else None, updated_at=now
        )
        if changed:
            log(request, template, f"{'Archived it' if wanted else 'Brought it back'}: {reason}")
    if not changed:
        messages.warning(request, _("Somebody else has done that meanwhile."))
    else:
        messages.success(request, _("It is archived.") if wanted else _("It is in use again."))
    return HttpResponseRedirect(template_url(template))


def _ask(request: HttpRequest, template: NotificationTemplate, *, status: int = 200) -> HttpResponse:
    request.current_app = admin.site.name
    values = {
        **admin.site.each_context(request),
        "opts": template._meta,  # noqa: SLF001  # documented API
        "original": template,
        "template": template,
        "title": template.name,
        "mentions": mentions(template, request.user),
        "traffic": traffic(template),
    }
    return TemplateResponse(request, "templates_app/admin/archive.html", values, status=status)
