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
from django.utils.translation import gettext as _

from consent.addresses import mentions_address
from consent.ids import uuid_of
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.publish import NOTE
from templates_app.spoken import CHANNEL_NAMES

Version = NotificationTemplateVersion

VIEW = "templates_app.view_notificationtemplateversion"
CHANGE_TEMPLATE = "templates_app.change_notificationtemplate"
CHANGE_DRAFT = "templates_app.change_notificationtemplateversion"
BEGIN_DRAFT = "templates_app.add_notificationtemplateversion"
DISCARD = "templates_app.delete_notificationtemplateversion"
PUBLISH = "templates_app.publish_notificationtemplateversion"
SEND_TEST = "templates_app.send_test_notificationtemplateversion"


def require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def template_or_404(pk: UUID) -> NotificationTemplate:
    template = NotificationTemplate.objects.select_related("published_version").filter(pk=pk).first()
    if template is None:
        raise Http404
    return template


def version_or_404(pk: UUID) -> Version:
    related = (
        "template",
        "template__published_version",
        "created_by",
        "changed_by",
        "published_by",
        "based_on",
    )
    version = Version.objects.select_related(*related).filter(pk=pk).first()
    if version is None:
        raise Http404
    return version


def draft_or_404(pk: UUID) -> Version:
    version = version_or_404(pk)
    if version.status != Version.Status.DRAFT:
        raise Http404
    return version


def numbered(template: UUID, number: str) -> Version | None:
    """None for no number; 404 for one that the template does not have."""
    if not number:
        return None
    found = (
        Version.objects.select_related("template").filter(template=template, number=int(number)).first()
        if number.isdecimal() and len(number) < 9
        else None
    )
    if found is None:
        raise Http404
    return found


def as_uuid(text: str) -> UUID:
    if (known := uuid_of(text)) is None:
        raise Http404
    return known


def version_url(version: Version, page: str = "change") -> str:
    return reverse(f"admin:templates_app_notificationtemplateversion_{page}", args=[version.pk])


def template_url(template: NotificationTemplate, page: str = "change") -> str:
    return reverse(f"admin:templates_app_notificationtemplate_{page}", args=[template.pk])


def version_page(
    request: HttpRequest, version: Version, name: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    request.current_app = admin.site.name
    may = request.user.has_perm
    values = {
        **admin.site.each_context(request),
        "opts": version._meta,  # noqa: SLF001  # documented API
        "original": version,
        "version": version,
        "template": version.template,
        "title": str(version),
        "may_edit": may(CHANGE_DRAFT),
        "may_draft": may(BEGIN_DRAFT),
        "may_discard": may(DISCARD),
        **context,
    }
    return TemplateResponse(request, f"templates_app/admin/{name}", values, status=status)


def log(
    request: HttpRequest, row: NotificationTemplate | Version, message: str, *, flag: int = CHANGE
) -> None:
    """Who did what, in the admin's log."""
    LogEntry.objects.create(
        user=request.user,  # type: ignore[misc]  # the admin site let only users in
        content_type=ContentType.objects.get_for_model(type(row)),
        object_id=str(row.pk),
        object_repr=str(row),
        action_flag=flag,
        change_message=message,
    )


def typed_line(request: HttpRequest, name: str, default: str = "") -> str:
    """What was typed for the history, on one line; PostgreSQL keeps no NUL."""
    return " ".join(request.POST.get(name, default).replace("\0", " ").split())[:NOTE]


def refusal_of(line: str, *, missing: str) -> str:
    """Why such a line cannot be kept for ever, in the history and in the audit log; empty where it can."""
    if not line:
        return missing
    return _("Leave e-mail addresses and phone numbers out of this text.") if mentions_address(line) else ""


def channel_names(channels: list[str]) -> str:
    """“E-mail, SMS”."""
    return ", ".join(str(CHANNEL_NAMES.get(channel, channel)) for channel in channels)
