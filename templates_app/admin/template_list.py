"""The list of templates: in, its rows; out, its filter by state and the words of its columns."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.spoken import language_name


class StateFilter(admin.SimpleListFilter):
    """In force, with a draft, never published, archived."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("in_force", _("In force")),
            ("draft", _("With a draft")),
            ("never", _("Never published")),
            ("archived", _("Archived")),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[NotificationTemplate]
    ) -> QuerySet[NotificationTemplate]:
        match self.value():
            case "in_force":
                return queryset.filter(published_version__isnull=False, archived_at__isnull=True)
            case "draft":
                return queryset.filter(_drafts())
            case "never":
                return queryset.filter(published_version__isnull=True)
            case "archived":
                return queryset.filter(archived_at__isnull=False)
            case _:
                return queryset


def with_drafts(queryset: QuerySet[NotificationTemplate]) -> QuerySet[NotificationTemplate]:
    """Whether each has a draft on top of what is in force."""
    return queryset.annotate(has_draft=_drafts())


def _drafts() -> Exists:
    return Exists(
        NotificationTemplateVersion.objects.filter(
            template=OuterRef("pk"), status=NotificationTemplateVersion.Status.DRAFT
        )
    )


def state(template: NotificationTemplate) -> str:
    """In a word or two."""
    if template.archived_at:
        return _("Archived")
    if template.published_version is None:
        return _("Never published")
    return _("In force, with a draft") if getattr(template, "has_draft", False) else _("In force")


def languages_complete(locales: Sequence[str]) -> str:
    """Which of the site's languages a version has; a published one has every text in each of its languages."""
    wanted = [code for code, _name in settings.LANGUAGES]
    lacking = [language_name(code) for code in wanted if code not in locales]
    if lacking:
        told = _("%(count)s of %(all)s, without %(lacking)s")
        return told % {
            "count": len(wanted) - len(lacking), "all": len(wanted), "lacking": ", ".join(lacking),
        }  # fmt: skip
    return _("All %s") % len(wanted)
