"""The tables of templates: a template by name, and its versions, immutable once published.

`templates_app/publish.py` writes them, `templates_app/lookup.py` reads them for the pipeline.
"""

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from consent.models import Category

TEMPLATE_NAME = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$"
# What a version from files has for a note.
NOTE_OF_FILES = gettext_noop("From files")


class NotificationTemplate(models.Model):
    """A message by name (`booking.pickup`): what it is for, and which version is in force."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.TextField(
        unique=True,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$", _("Use area.message, in lower case."))
        ],
    )
    description = models.TextField(blank=True)
    category = models.TextField(choices=Category.choices)
    published_version = models.ForeignKey(
        "NotificationTemplateVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "notification_templates"
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="notification_templates_category"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class NotificationTemplateVersion(models.Model):
    """One wording of a template, all languages and channels at once.

    `source` is what its editor wrote, `content` what is rendered: the same texts with partials and CSS inlined when it
    was published, so that a later change of the layout never changes an old version. Both are
    {locale: {channel: {part: text}}}; the parts of each channel are `templates_app.engine.PARTS`.
    `channels` are the channels that every language has, `locales` the languages. `placeholders` is what a payload may hold:
    [{"name", "type", "required", "sensitive", "sample", "description"}].
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    class Origin(models.TextChoices):
        """Who wrote it: `load_templates` never replaces what a person published."""

        FILES = "files", _("Files")
        ADMIN = "admin", _("Admin")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    template = models.ForeignKey(NotificationTemplate, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.TextField(choices=Status.choices, default=Status.DRAFT)
    origin = models.TextField(choices=Origin.choices, default=Origin.ADMIN)
    source = models.JSONField(default=dict)
    content = models.JSONField(default=dict)
    channels = models.JSONField(default=list)
    locales = models.JSONField(default=list)
    placeholders = models.JSONField(default=list)
    content_sha256 = models.TextField(editable=False, blank=True)
    note = models.TextField(blank=True, help_text=_("What changed, for the next editor"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True)
    # What was in force when it was begun: it may be published only as long as that still is.
    based_on = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The older version whose words this one brought back.
    restores = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "notification_template_versions"
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        ordering = ["template", "-number"]
        permissions = [
            ("publish_notificationtemplateversion", _("Can publish template version")),
            ("send_test_notificationtemplateversion", _("Can send a test of a template version")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(origin__in=["files", "admin"]), name="template_versions_origin"
            ),
            models.UniqueConstraint(fields=["template", "number"], name="template_versions_number"),
            models.CheckConstraint(
                condition=Q(status="draft", published_at__isnull=True)
                | Q(status="published", published_at__isnull=False),
                name="template_versions_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template.name} v{self.number}"

    @property
    def note_shown(self) -> str:
        """The note of an editor as they wrote it, and ours in the reader's language."""
        return gettext(self.note) if self.note == NOTE_OF_FILES else self.note


class TemplatePartial(models.Model):
    """A shared piece (`layout/header`) that templates include by `{{> name}}`; its text is inlined when published."""

    name = models.TextField(primary_key=True)
    text = models.TextField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "notification_template_partials"
        verbose_name = _("partial")
        verbose_name_plural = _("partials")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
