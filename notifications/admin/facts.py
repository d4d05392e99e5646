"""What a message is: in, its row; out, facts in pairs, its template's version, and what is no longer kept of it."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from notifications.admin.asker import Named, link
from notifications.admin.cells import NOTHING, feedback_badge, moment, short
from notifications.models import Notification, Priority
from notifications.story_words import minute, recipient_word
from templates_app.models import NotificationTemplateVersion


@dataclass(frozen=True, slots=True)
class Fact:
    """`copies` is what its button puts on the clipboard; empty: it has none."""

    name: str
    value: object
    copies: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """The version that the message was pinned to, and the one in force where that is another."""

    pinned: Named
    newer: Named | None = None


def facts(row: Notification) -> list[Fact]:
    key, reference = row.idempotency_key or "", str(row.metadata.get("provider_reference", ""))
    found = [
        Fact(_("Channel"), row.get_channel_display()),
        Fact(_("Recipient"), recipient_word(row.to)),
        Fact(_("Category"), row.get_category_display()),
        Fact(_("Priority"), Priority(row.priority).label),
        Fact(_("Attempts"), row.attempts),
        Fact(_("By the provider"), _feedback(row)),
        Fact(_("Asked for"), moment(row.created_at)),
        Fact(pgettext("a message", "Due"), moment(row.scheduled_at)),
        Fact(_("Last attempt"), moment(row.last_attempt_at)),
        Fact(_("Expires"), moment(row.expires_at)),
        Fact(_("Payload"), short(", ".join(sorted(row.payload)), 120)),
        Fact(_("Idempotency key"), key or NOTHING, key),
        Fact(_("Provider reference"), reference or NOTHING, reference),
        Fact(_("Id"), row.pk, str(row.pk)),
    ]
    if row.kept:
        found.append(Fact(_("In the history since"), moment(row.in_history_since)))
        return [fact for fact in found if fact.name not in (_("Expires"), _("Payload"))]
    return found


def version_of(row: Notification, user: AbstractBaseUser | AnonymousUser) -> Version | None:
    """None for an inline text. At most two queries, and only for a past message or where a newer version is in force."""
    if row.template is None or row.template_version_id is None:
        return None
    has: Callable[[str], bool] = getattr(user, "has_perm", lambda _perm: False)
    versions = NotificationTemplateVersion.objects.filter(template_id=row.template_id)
    numbers: dict[uuid.UUID, int] = {}
    in_force = row.template.published_version_id
    if row.template_version is not None and not row.kept:
        numbers[row.template_version_id] = row.template_version.number
    else:  # the history keeps ids
        pinned = versions.filter(pk=row.template_version_id)
        for number, in_force in pinned.values_list("number", "template__published_version_id"):  # noqa: B007
            numbers[row.template_version_id] = number
    if in_force and in_force != row.template_version_id:
        numbers |= dict(versions.filter(pk=in_force).values_list("pk", "number"))
    sees = has("templates_app.view_notificationtemplateversion")

    name = row.template.name

    def named(pk: uuid.UUID) -> Named:
        text = f"{name} v{numbers[pk]}" if pk in numbers else name
        return Named(text, link("templates_app_notificationtemplateversion_change", pk) if sees else "")

    newer = (
        in_force if in_force and numbers.get(in_force, 0) > numbers.get(row.template_version_id, 0) else None
    )
    return Version(named(row.template_version_id), named(newer) if newer else None)


def gone(row: Notification) -> Sequence[str]:
    """What the history does not keep (`archive.py`)."""
    if row.kept is None:
        return ()
    at = {"at": minute(row.kept.moved_at)}
    return (
        _("Gone since %(at)s, when it moved to the history: its recipient, its payload and its text.") % at,
        _("Gone with them: what people wrote as a reason, and when it would have expired."),
    )


def _feedback(row: Notification) -> SafeString:
    if row.feedback is None:
        return format_html("{}", NOTHING)
    return format_html("{} {}", feedback_badge(row.feedback), moment(row.feedback_at))
