"""What the columns of templates are called, for gettext to find: `consent.column_names` looks them up when shown."""

from django.utils.translation import gettext_noop as _

NAMES = (
    _("archived at"),
    _("category"),
    _("changed at"),
    _("changed by"),
    _("based on"),
    _("published by"),
    _("restores"),
    _("channels"),
    _("content"),
    _("created at"),
    _("created by"),
    _("description"),
    _("locales"),
    _("name"),
    _("note"),
    _("number"),
    _("origin"),
    _("placeholders"),
    _("published at"),
    _("source"),
    _("status"),
    _("template"),
    _("text"),
    _("updated at"),
)
