"""Reading templates: in, requests that the admin site let through; out, how a version reads, what differs between two, what a language lacks.

Each view asks for its permission itself: being staff is not enough.
"""

from collections.abc import Sequence
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from templates_app.admin.frames import POLICY, darkened
from templates_app.admin.pages import (
    PUBLISH,
    SEND_TEST,
    VIEW,
    as_uuid,
    numbered,
    require,
    template_or_404,
    version_or_404,
    version_page,
)
from templates_app.admin.testing import sender
from templates_app.completeness import side_by_side, uneven, unused
from templates_app.diff import Difference, difference
from templates_app.drafts import placeholders_of, state_of
from templates_app.models import NotificationTemplateVersion
from templates_app.preview import preview
from templates_app.problem_words import in_words
from templates_app.publish import is_overtaken
from templates_app.spoken import site_locales

Version = NotificationTemplateVersion


@require_safe
def read_version(request: HttpRequest, object_id: str) -> HttpResponse:
    """How a version reads in one language, on every channel, made from the samples."""
    require(request, VIEW)
    version = version_or_404(as_uuid(object_id))
    shown = preview(version, locale=request.GET.get("locale", ""), full=request.GET.get("full", "1") != "0")
    overtaken = is_overtaken(version)
    response = version_page(
        request,
        version,
        "version.html",
        shown=shown,
        problems=[in_words(problem) for problem in shown.problems],
        overtaken=overtaken,
        may_publish=request.user.has_perm(PUBLISH) and not shown.problems and not overtaken,
        may_roll_back=request.user.has_perm(PUBLISH) and _was_in_force(version),
        may_test=bool(sender()) and request.user.has_perm(SEND_TEST) and bool(shown.messages),
        seen=state_of(version),
        placeholders=placeholders_of(version),
    )
    response["Content-Security-Policy"] = "frame-src 'self'"
    return response


@require_safe
def html_frame(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The HTML part alone, for a frame in which nothing runs."""
    require(request, VIEW)
    shown = preview(
        version_or_404(pk), locale=request.GET.get("locale", ""), full=request.GET.get("full", "1") != "0"
    )
    if "html" not in shown.messages.get("email", {}):
        raise Http404
    html = shown.messages["email"]["html"]
    response = HttpResponse(darkened(html) if request.GET.get("scheme") == "dark" else html)
    response["Content-Security-Policy"] = POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Two versions of a template, by number: what the second one says otherwise. Without numbers, the newest and what it was
    made from."""
    require(request, VIEW)
    template = template_or_404(pk)
    versions = list(template.versions.defer("source", "content", "placeholders"))
    if not versions:
        raise Http404
    newest = versions[0]
    new = numbered(pk, request.GET.get("to", "")) or numbered(pk, str(newest.number))
    old = numbered(pk, request.GET.get("from", "")) or (
        numbered(pk, str(before)) if new and (before := _before(new, versions)) else None
    )
    if new is None:
        raise Http404
    return version_page(
        request,
        new,
        "compare.html",
        old=old,
        new=new,
        versions=versions,
        changes=between(old, new),
    )


@require_safe
def languages(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every text in every language beside the others, and what one of them lacks."""
    require(request, VIEW)
    version = version_or_404(pk)
    locales = site_locales(version.source)
    placeholders = placeholders_of(version)
    return version_page(
        request,
        version,
        "languages.html",
        locales=locales,
        rows=side_by_side(version.source, locales),
        uneven=uneven(version.source, placeholders, locales),
        unused=unused(version.source, placeholders),
    )


def between(old: Version | None, new: Version) -> Difference:
    """From one version to another; from nothing where there is no older one."""
    if old is None:
        return difference({}, new.source, (), new.placeholders)
    return difference(old.source, new.source, old.placeholders, new.placeholders)


def _before(version: Version, versions: Sequence[Version]) -> int | None:
    """The number of what it was made from, else of the one before it."""
    for other in versions:
        if other.pk == version.based_on_id:
            return other.number
    return next((other.number for other in versions if other.number < version.number), None)


def _was_in_force(version: Version) -> bool:
    return (
        version.status == Version.Status.PUBLISHED
        and version.pk != version.template.published_version_id
        and version.template.archived_at is None
    )
