"""Drafts: in, what an editor wrote and what they had seen; out, a draft kept, or the refusal that names what happened meanwhile.

A draft may be broken: publishing (`publish.py`) is what checks it. A template is locked while its versions are numbered.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from templates_app.compiled import Texts
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.placeholders import Placeholder
from templates_app.wording import state, tidied

Version = NotificationTemplateVersion


class DraftGoneError(ValueError):
    """The draft was published or discarded before this was saved."""


class DraftConflictError(ValueError):
    """Somebody saved it since this editor opened it; `theirs` is what stands there now."""

    def __init__(self, theirs: NotificationTemplateVersion) -> None:
        super().__init__("Somebody else saved this draft meanwhile.")
        self.theirs = theirs


def placeholders_of(version: NotificationTemplateVersion) -> list[Placeholder]:
    """The declared placeholders of a version."""
    return [Placeholder.of(stored) for stored in version.placeholders]


def state_of(version: NotificationTemplateVersion) -> str:
    """What a form carries, so that saving and publishing know whether it is still what was seen."""
    return state(version.source, version.placeholders, version.note)


def save_draft(
    *,
    template: NotificationTemplate,
    source: Texts,
    placeholders: Sequence[Placeholder],
    note: str = "",
    by: AbstractBaseUser | None = None,
    version: NotificationTemplateVersion | None = None,
    origin: str = Version.Origin.ADMIN,
    seen: str | None = None,
    restores: NotificationTemplateVersion | None = None,
) -> NotificationTemplateVersion:
    """Keep a wording as the draft given, or as a new one on top of what is in force. With `seen` (`state_of`), a draft that
    somebody saved since raises DraftConflictError and stays theirs."""
    values: dict[str, Any] = {
        "source": tidied(source),
        "placeholders": [placeholder.stored() for placeholder in placeholders],
        "note": note,
        "changed_by": by,
        "changed_at": timezone.now(),
        "origin": origin,
    }
    with transaction.atomic():
        # The lock numbers the versions of a template one after the other.
        held = NotificationTemplate.objects.select_for_update().get(pk=template.pk)
        if version is None:
            last = Version.objects.filter(template=template).aggregate(last=Max("number"))["last"] or 0
            return Version.objects.create(
                template=template,
                number=last + 1,
                created_by=by,  # type: ignore[misc]  # the user model is the host's
                based_on_id=held.published_version_id,
                restores=restores,
                **values,
            )
        drafts = Version.objects.filter(pk=version.pk, status=Version.Status.DRAFT)
        stands = drafts.select_related("changed_by").first()
        if stands is None:
            raise DraftGoneError("This draft was published or discarded meanwhile.")
        # The second of two clicks brings the same words: nothing is lost by them.
        same = state(values["source"], values["placeholders"], note) == state_of(stands)
        if not same and seen is not None and seen != state_of(stands):
            raise DraftConflictError(stands)
        if not same:
            drafts.update(**values)
    version.refresh_from_db()
    return version


def new_draft(
    template: NotificationTemplate,
    *,
    by: AbstractBaseUser | None = None,
    words_of: NotificationTemplateVersion | None = None,
) -> NotificationTemplateVersion:
    """A draft on top of what is in force; it begins with those words, or with another version's."""
    # Read again: the caller's copy may be older than what is in force.
    template = NotificationTemplate.objects.select_related("published_version").get(pk=template.pk)
    base = words_of or template.published_version
    return save_draft(
        template=template,
        source=base.source if base else {},
        placeholders=placeholders_of(base) if base else [],
        note=base.note if base and base.status == Version.Status.DRAFT else "",
        by=by,
    )


def discard(version: NotificationTemplateVersion) -> bool:
    """Delete a draft; False where it is none any more."""
    deleted, _ = Version.objects.filter(pk=version.pk, status=Version.Status.DRAFT).delete()
    return bool(deleted)
