"""The pages behind `templates_app/admin.py`: in, requests that the admin site let through; out, pages, or one change and a redirect.

Each view asks for its permission itself: being staff is not enough.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import ADDITION
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from templates_app.admin_pages import (
    as_uuid,
    draft_or_404,
    log,
    require,
    template_or_404,
    version_or_404,
    version_page,
    version_url,
)
from templates_app.drafting import DraftForm
from templates_app.models import NotificationTemplateVersion
from templates_app.preview import preview
from templates_app.publish import PublishError, new_draft, placeholders_of, proof_of, publish, save_draft

Version = NotificationTemplateVersion

VIEW = "templates_app.view_notificationtemplateversion"
CHANGE_DRAFT = "templates_app.change_notificationtemplateversion"
BEGIN_DRAFT = "templates_app.add_notificationtemplateversion"
PUBLISH = "templates_app.publish_notificationtemplateversion"
SEND_TEST = "templates_app.send_test_notificationtemplateversion"

# Nothing runs, nothing is fetched, no form posts; the sandbox gives the document an origin of its own.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


def template_context(request: HttpRequest, object_id: str) -> dict[str, Any]:
    """What a template's page shows beside its form: its versions, and what this person may do."""
    versions = (
        Version.objects.filter(template=as_uuid(object_id))
        .select_related("created_by")
        .defer("source", "content")
    )
    return {
        "versions": versions if request.user.has_perm(VIEW) else [],
        "may_draft": request.user.has_perm(BEGIN_DRAFT),
        "may_test": bool(_test_sender()) and request.user.has_perm(SEND_TEST),
    }


@require_POST
def begin_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new draft from the published words; on to its form."""
    require(request, BEGIN_DRAFT)
    draft = new_draft(template_or_404(pk), by=request.user)  # type: ignore[arg-type]
    log(request, draft, "Began a draft.", flag=ADDITION)
    return HttpResponseRedirect(
        reverse("admin:templates_app_notificationtemplateversion_edit", args=[draft.pk])
    )


@require_POST
def send_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The published words with the samples, to the person who asks, through the queue like any other message."""
    require(request, SEND_TEST)
    template = template_or_404(pk)
    back = HttpResponseRedirect(reverse("admin:templates_app_notificationtemplate_change", args=[pk]))
    send, version, channel = _test_sender(), template.published_version, request.POST.get("channel", "")
    if send is None or version is None or channel not in version.channels:
        messages.error(request, _("There is nothing published to send on this channel."))
        return back
    samples = {p.name: p.sample for p in placeholders_of(version)}
    try:
        told = send(template=template.name, channel=channel, payload=samples, staff_id=str(request.user.pk))
    except ValueError as error:
        messages.error(request, str(error))
        return back
    log(request, version, f"Sent a test by {channel} to themselves.")
    messages.info(request, told)
    return back


@require_safe
def read_version(request: HttpRequest, object_id: str) -> HttpResponse:
    """How a version reads in one language, on every channel, made from the samples."""
    require(request, VIEW)
    version = version_or_404(as_uuid(object_id))
    shown = preview(version, locale=request.GET.get("locale", ""), full=request.GET.get("full", "1") != "0")
    may_publish = request.user.has_perm(PUBLISH) and not shown.problems
    context = {"shown": shown, "may_publish": may_publish, "may_edit": request.user.has_perm(CHANGE_DRAFT)}
    response = version_page(request, version, "version.html", **context)
    response["Content-Security-Policy"] = "frame-src 'self'"
    return response


@require_safe
def html_frame(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The HTML part alone, for a frame in which nothing runs."""
    require(request, VIEW)
    shown = preview(
        version_or_404(pk), locale=request.GET.get("locale", ""), full=request.GET.get("full", "1") != "0"
    )
    if "email" not in shown.messages:
        raise Http404
    html = shown.messages["email"]["html"]
    if request.GET.get("scheme") == "dark":
        # A sandboxed frame does not inherit the page's colour scheme: the rules for the dark are made to hold always.
        html = html.replace("@media (prefers-color-scheme: dark)", "@media all")
    response = HttpResponse(html)
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    return response


def edit_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The form of a draft. Saving keeps it even with problems, and shows each at its field and line."""
    require(request, CHANGE_DRAFT)
    version = draft_or_404(pk)
    form = DraftForm(version, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        version = save_draft(
            template=version.template,
            source=form.source(),
            placeholders=form.cleaned_data["placeholders"],
            note=form.cleaned_data["note"],
            by=request.user,  # type: ignore[arg-type]
            version=version,
        )
        log(request, version, "Changed the draft.")
        problems = proof_of(version).problems
        if not problems:
            messages.success(request, _("The draft is saved, and fit to publish."))
            return HttpResponseRedirect(version_url(version))
        form.show(problems)
        messages.warning(request, _("The draft is saved. It cannot be published yet: see the fields in red."))
    return version_page(request, version, "edit.html", form=form)


def publish_draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask (GET), and put the draft in force (POST)."""
    require(request, PUBLISH)
    version = draft_or_404(pk)
    if request.method != "POST":
        return version_page(request, version, "publish.html", proof=proof_of(version))
    try:
        version = publish(version, by=request.user)  # type: ignore[arg-type]
    except PublishError as error:
        for problem in error.problems:
            messages.error(request, str(problem))
        return HttpResponseRedirect(version_url(version))
    log(request, version, "Published it.")
    messages.success(request, _("%s is in force for every message queued from now on.") % version)
    return HttpResponseRedirect(version_url(version))


def _test_sender() -> Callable[..., str] | None:
    """The host's way to queue a test message: this app stands below the queue and cannot import it."""
    path: str = getattr(settings, "TEMPLATES_APP", {}).get("SEND_TEST", "")
    return import_string(path) if path else None
