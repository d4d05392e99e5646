"""The admin of templates: in, operators' requests; out, what is in force and how it reads, drafts, and published versions.

Whatever changes something is a POST behind its own permission, and leaves an entry in the admin's log.
"""

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from consent.admin_base import ModelAdmin, ReadOnlyAdmin, TextWidget
from templates_app.admin import archiving, editing, overview, publishing, reading, template_list, testing
from templates_app.admin.pages import channel_names
from templates_app.drafts import discard
from templates_app.models import NotificationTemplate, NotificationTemplateVersion, TemplatePartial

# What no list needs, and what makes a version heavy.
TEXTS = ("source", "content")


@admin.register(NotificationTemplate)
class NotificationTemplateAdmin(ModelAdmin[NotificationTemplate]):
    """Templates by name, with the version in force."""

    nothing_yet = _("There are no templates yet. Run manage.py load_templates for those of the catalogue.")
    list_display = ("name", "category", "state", "channels", "languages", "published", "updated_at")
    list_filter = ("category", template_list.StateFilter)
    search_fields = ("name", "description")
    search_help_text = _("A name, or a word of a description.")
    actions = None
    fields = ("name", "category", "description")
    formfield_overrides = {models.TextField: {"widget": TextWidget}}
    change_form_template = "templates_app/admin/template.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationTemplate]:
        heavy = [f"published_version__{name}" for name in TEXTS]
        rows = super().get_queryset(request).select_related("published_version").defer(*heavy)
        return template_list.with_drafts(rows)

    def get_readonly_fields(
        self, request: HttpRequest, obj: NotificationTemplate | None = None
    ) -> tuple[str, ...]:
        # Callers know the name, and the texts were proved for the category.
        return () if obj is None else ("name", "category")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: messages point at it. It is archived instead."""
        return False

    @admin.display(description=_("State"))
    def state(self, obj: NotificationTemplate) -> str:
        return template_list.state(obj)

    @admin.display(description=_("Channels"))
    def channels(self, obj: NotificationTemplate) -> str:
        return channel_names(obj.published_version.channels) if obj.published_version else "–"

    @admin.display(description=_("Languages complete"))
    def languages(self, obj: NotificationTemplate) -> str:
        return (
            template_list.languages_complete(obj.published_version.locales) if obj.published_version else "–"
        )

    @admin.display(description=_("In force"), ordering="published_version__number")
    def published(self, obj: NotificationTemplate) -> str:
        if obj.published_version is None:
            return "–"
        url = reverse(
            "admin:templates_app_notificationtemplateversion_change", args=[obj.published_version.pk]
        )
        return format_html('<a href="{}">v{}</a>', url, obj.published_version.number)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "templates_app_notificationtemplate"
        return [
            path("<uuid:pk>/draft/", wrap(editing.begin_draft), name=f"{name}_draft"),
            path("<uuid:pk>/test/", wrap(testing.send_test), name=f"{name}_test"),
            path("<uuid:pk>/compare/", wrap(reading.compare), name=f"{name}_compare"),
            path("<uuid:pk>/archive/", wrap(archiving.archive), name=f"{name}_archive"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Its description alone is edited here, so one button saves."""
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context = overview.template_context(request, object_id) | one_button | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)


@admin.register(NotificationTemplateVersion)
class NotificationTemplateVersionAdmin(ModelAdmin[NotificationTemplateVersion]):
    """One wording: how it reads, and while it is a draft its form."""

    nothing_yet = _(
        "There are no versions yet. A template gets its first as soon as somebody writes its text."
    )
    list_display = ("__str__", "status", "origin", "changed_by", "created_at", "published_at", "note_shown")
    list_filter = ("status", "origin", "template")
    search_fields = ("template__name", "note")
    list_select_related = ("template", "changed_by")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationTemplateVersion]:
        return super().get_queryset(request).defer(*TEXTS)

    @admin.display(description=_("note"))
    def note_shown(self, version: NotificationTemplateVersion) -> str:
        return version.note_shown

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A draft begins on its template's page."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: NotificationTemplateVersion | None = None
    ) -> bool:
        draft = obj is not None and obj.status == NotificationTemplateVersion.Status.DRAFT
        return draft and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: NotificationTemplateVersion) -> None:
        """By its status in SQL: somebody may have published it since the page was read."""
        discard(obj)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return reading.read_version(request, object_id)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "templates_app_notificationtemplateversion"
        return [
            path("<uuid:pk>/html/", wrap(reading.html_frame), name=f"{name}_html"),
            path("<uuid:pk>/languages/", wrap(reading.languages), name=f"{name}_languages"),
            path("<uuid:pk>/edit/", wrap(editing.edit_draft), name=f"{name}_edit"),
            path("<uuid:pk>/preview/", wrap(editing.preview_typed), name=f"{name}_preview"),
            path("<uuid:pk>/publish/", wrap(publishing.publish_draft), name=f"{name}_publish"),
            path("<uuid:pk>/restore/", wrap(publishing.restore), name=f"{name}_restore"),
            *super().get_urls(),
        ]


@admin.register(TemplatePartial)
class TemplatePartialAdmin(ReadOnlyAdmin[TemplatePartial]):
    """Shared pieces; `load_templates` writes them, and publishes what includes them anew."""

    nothing_yet = _("There are no shared pieces yet. manage.py load_templates brings them.")
    list_display = ("name", "updated_at")
    search_fields = ("name",)
    fields = ("name", "text", "updated_at")
