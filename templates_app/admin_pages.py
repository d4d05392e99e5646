"""What every admin view of templates needs: in, a request and an id; out, the row or a refusal, a page, an entry in the log."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from templates_app.models import NotificationTemplate, NotificationTemplateVersion

Version = NotificationTemplateVersion


def require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def template_or_404(pk: UUID) -> NotificationTemplate:
    template = NotificationTemplate.objects.select_related("published_version").filter(pk=pk).first()
    if template is None:
        raise Http404
    return template


def version_or_404(pk: UUID) -> Version:
    version = Version.objects.select_related("template", "created_by").filter(pk=pk).first()
    if version is None:
        raise Http404
    return version


def draft_or_404(pk: UUID) -> Version:
    version = version_or_404(pk)
    if version.status != Version.Status.DRAFT:
        raise Http404
    return version


def as_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error


def version_url(version: Version) -> str:
    return reverse("admin:templates_app_notificationtemplateversion_change", args=[version.pk])


def version_page(request: HttpRequest, version: Version, name: str, **context: Any) -> HttpResponse:
    request.current_app = admin.site.name
    values = {
        **admin.site.each_context(request),
        "opts": version._meta,  # noqa: SLF001  # documented API
        "original": version,
        "version": version,
        "template": version.template,
        "title": str(version),
        **context,
    }
    return TemplateResponse(request, f"templates_app/admin/{name}", values)


def log(request: HttpRequest, version: Version, message: str, *, flag: int = CHANGE) -> None:
    """Who did what, in the admin's log."""
    LogEntry.objects.create(
        user=request.user,  # type: ignore[misc]  # the admin site let only users in
        content_type=ContentType.objects.get_for_model(Version),
        object_id=str(version.pk),
        object_repr=str(version),
        action_flag=flag,
        change_message=message,
    )
