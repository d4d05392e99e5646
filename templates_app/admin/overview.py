"""A template's own page: in, a template; out, its history, where it is used, and what this person may do with it."""

from typing import Any

from django.http import HttpRequest

from templates_app.admin.pages import BEGIN_DRAFT, CHANGE_TEMPLATE, PUBLISH, SEND_TEST, VIEW, as_uuid
from templates_app.admin.testing import sender
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.spoken import language_name, site_locales
from templates_app.usage import mentions, traffic

Version = NotificationTemplateVersion
# Older ones are found by their number, on the page that compares.
NEWEST = 50


def template_context(request: HttpRequest, object_id: str) -> dict[str, Any]:
    """What a template's page shows beside its form."""
    pk = as_uuid(object_id)
    template = NotificationTemplate.objects.select_related("published_version").filter(pk=pk).first()
    may_see = template is not None and request.user.has_perm(VIEW)
    if template is None or not may_see:
        return {"versions": [], "may_see": False}
    people = ("created_by", "changed_by", "published_by", "based_on", "restores")
    heavy = [
        f"{related}{name}" for related in ("", "based_on__", "restores__") for name in ("source", "content")
    ]
    versions = Version.objects.filter(template=pk).select_related(*people).defer(*heavy)[:NEWEST]
    current = template.published_version
    found = traffic(template)
    return {
        "versions": [
            {"version": version, "waiting": found.waiting.get(version.pk, 0) if found else 0}
            for version in versions
        ],
        "may_see": True,
        "may_draft": request.user.has_perm(BEGIN_DRAFT),
        "may_roll_back": request.user.has_perm(PUBLISH) and template.archived_at is None,
        "may_archive": request.user.has_perm(CHANGE_TEMPLATE),
        "may_test": bool(sender()) and request.user.has_perm(SEND_TEST) and current is not None,
        "lacking": [
            language_name(code) for code in site_locales(()) if current and code not in current.locales
        ],
        "mentions": mentions(template, request.user),
        "traffic": found,
    }
