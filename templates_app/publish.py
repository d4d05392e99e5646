"""Writing templates: in, what an editor wrote; out, a draft, or a published version that never changes again.

Publishing inlines partials and CSS into the version, so that a later layout never changes an older message.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from consent.models import Category
from templates_app.compiled import Texts
from templates_app.models import NotificationTemplate, NotificationTemplateVersion, TemplatePartial
from templates_app.placeholders import Placeholder
from templates_app.proof import Proof, prove
from templates_app.shape import Problem

logger = logging.getLogger(__name__)

Version = NotificationTemplateVersion


class PublishError(ValueError):
    """A version that cannot be published, with every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def save_draft(
    *,
    template: NotificationTemplate,
    source: Texts,
    placeholders: Sequence[Placeholder],
    note: str = "",
    by: AbstractBaseUser | None = None,
    version: NotificationTemplateVersion | None = None,
    origin: str = Version.Origin.ADMIN,
) -> NotificationTemplateVersion:
    """Keep a wording as the draft given, or as a new one. A draft may be broken: publishing is what checks it."""
    values: dict[str, Any] = {
        "source": tidied(source),
        "placeholders": [placeholder.stored() for placeholder in placeholders],
        "note": note,
        "created_by": by,
        "origin": origin,
    }
    with transaction.atomic():
        # The lock numbers the versions of a template one after the other.
        NotificationTemplate.objects.select_for_update().get(pk=template.pk)
        if version is None:
            last = Version.objects.filter(template=template).aggregate(last=Max("number"))["last"] or 0
            return Version.objects.create(template=template, number=last + 1, **values)
        kept = Version.objects.filter(pk=version.pk, status=Version.Status.DRAFT).update(**values)
        if not kept:
            raise PublishError(
                [_refusal(template, "published", "This version is published: make a new draft.")]
            )
    version.refresh_from_db()
    return version


def new_draft(
    template: NotificationTemplate, *, by: AbstractBaseUser | None = None
) -> NotificationTemplateVersion:
    """A draft that begins with the published words."""
    # Read again: the caller's copy may be older than what is in force.
    template = NotificationTemplate.objects.select_related("published_version").get(pk=template.pk)
    base = template.published_version
    return save_draft(
        template=template,
        source=base.source if base else {},
        placeholders=placeholders_of(base) if base else [],
        note="",
        by=by,
    )


def publish(
    version: NotificationTemplateVersion, by: AbstractBaseUser | None = None
) -> NotificationTemplateVersion:
    """Put a draft in force for every message queued from now on. Raises PublishError with all that is wrong."""
    with transaction.atomic():
        template = NotificationTemplate.objects.select_for_update().get(pk=version.template_id)
        version = Version.objects.select_for_update().get(pk=version.pk)
        _refuse_out_of_turn(template, version)
        proof = proof_of(version, template=template)
        if problems := [*proof.problems, *_unfit_to_advertise(template)]:
            raise PublishError(problems)
        version.content = proof.content
        version.channels = list(proof.channels)
        version.locales = list(proof.content)
        version.content_sha256 = fingerprint(version.source, proof.content, version.placeholders)
        version.status = Version.Status.PUBLISHED
        version.published_at = timezone.now()
        version.created_by = version.created_by or by  # type: ignore[assignment]  # the user model is the host's
        version.save()
        template.published_version = version
        template.save(update_fields=["published_version", "updated_at"])
        number = version.number
        transaction.on_commit(
            lambda: logger.info("template.published name=%s version=%s", template.name, number)
        )
    return version


def proof_of(version: NotificationTemplateVersion, *, template: NotificationTemplate | None = None) -> Proof:
    """What publishing this version would send, and what stands in its way."""
    template = template or version.template
    return prove(
        template=template.name,
        category=template.category,
        source=version.source,
        placeholders=placeholders_of(version),
        partials=dict(TemplatePartial.objects.values_list("name", "text")),
        default_locale=settings.LANGUAGE_CODE,
    )


def placeholders_of(version: NotificationTemplateVersion) -> list[Placeholder]:
    """The declared placeholders of a version."""
    return [Placeholder.of(stored) for stored in version.placeholders]


def fingerprint(source: Texts, content: Texts, placeholders: Sequence[dict[str, Any]]) -> str:
    """Equal for versions that read and check the same."""
    text = json.dumps([source, content, placeholders], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def tidied(source: Texts) -> dict[str, dict[str, dict[str, str]]]:
    """One kind of line end, no space at the ends; parts without text are left out."""
    return {
        locale: {
            channel: {
                part: text.replace("\r\n", "\n").strip()
                for part, text in texts.items()
                if text and text.strip()
            }
            for channel, texts in channels.items()
        }
        for locale, channels in source.items()
    }


def _refuse_out_of_turn(template: NotificationTemplate, version: NotificationTemplateVersion) -> None:
    if version.status == Version.Status.PUBLISHED:
        raise PublishError(
            [_refusal(template, "published", f"Version {version.number} is published already.")]
        )
    current = template.published_version
    if current and current.number > version.number:
        message = (
            f"Version {current.number} was published after this draft was begun: make a new draft from it."
        )
        raise PublishError([_refusal(template, "stale_draft", message)])


def _unfit_to_advertise(template: NotificationTemplate) -> list[Problem]:
    """The address is written when a message is sent: without one, the law's line would be blank."""
    if template.category != Category.MARKETING or settings.POSTAL_ADDRESS.strip():
        return []
    return [_refusal(template, "law", "POSTAL_ADDRESS is not set: an advertising message must show it.")]


def _refusal(template: NotificationTemplate, code: str, message: str) -> Problem:
    return Problem(code, message, template.name)
