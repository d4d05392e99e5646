"""The columns of the queue's list: in, a row; out, what each column shows of it. None asks the database."""

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.cells import (
    feedback_badge,
    is_held,
    moment,
    recipient,
    short,
    status_badge,
    trouble,
    withheld_rule,
)
from notifications.masking import masked_recipient
from notifications.models import Notification

COLUMNS = (
    "status_shown",
    "what",
    "channel_shown",
    "recipient",
    "priority_shown",
    "due",
    "attempts",
    "why",
    "asked",
)


class QueueColumns:
    """What `COLUMNS` names."""

    @admin.display(description=_("status"))
    def status_shown(self, row: Notification) -> SafeString:
        return format_html(
            '{} {}<small class="pr-aside">{}</small>',
            status_badge(row),
            feedback_badge(row.feedback),
            _because(row),
        )

    @admin.display(description=_("message"))
    def what(self, row: Notification) -> SafeString:
        name = row.template.name if row.template else gettext("inline text")
        return format_html('{} <small class="pr-aside">{}</small>', name, row.get_category_display())

    @admin.display(description=_("channel"))
    def channel_shown(self, row: Notification) -> str:
        return row.get_channel_display()

    @admin.display(description=_("recipient"))
    def recipient(self, row: Notification) -> SafeString:
        return recipient(masked_recipient(row.to))

    @admin.display(description=_("priority"))
    def priority_shown(self, row: Notification) -> str:
        return row.get_priority_display()

    @admin.display(description=_("due"), ordering="scheduled_at")
    def due(self, row: Notification) -> SafeString:
        return moment(row.scheduled_at)

    @admin.display(description=_("error or reason"))
    def why(self, row: Notification) -> SafeString:
        return short(trouble(row), 48)

    @admin.display(description=_("asked for"), ordering="created_at")
    def asked(self, row: Notification) -> SafeString:
        """When, and how long ago that is."""
        passed = timesince(row.created_at, timezone.now(), depth=1)
        ago = gettext("%(time)s ago") % {"time": passed.replace("\xa0", " ")}
        return format_html('{} <small class="pr-aside">{}</small>', moment(row.created_at), ago)


def _because(row: Notification) -> str:
    """The reason in a word: the class of the error, the rule, or until when it is held."""
    if row.status == Notification.Status.CANCELLED:
        return withheld_rule(row)
    if row.status == Notification.Status.QUEUED and is_held(row):
        until = date_format(timezone.localtime(row.scheduled_at), "Y-m-d H:i")
        return gettext("held until %s") % until
    return (row.error or "").partition(":")[0]
