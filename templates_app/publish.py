"""Putting words in force: in, a draft, or an older version to bring back; out, a published version that never changes again.

Publishing inlines partials and CSS into the version, so that a later layout never changes an older message.
"""

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consent.models import Category
from templates_app.drafts import placeholders_of, save_draft, state_of
from templates_app.models import NotificationTemplate, NotificationTemplateVersion, TemplatePartial
from templates_app.proof import Proof, prove
from templates_app.shape import Problem
from templates_app.wording import fingerprint

logger = logging.getLogger(__name__)

Version = NotificationTemplateVersion
NOTE = 300  # characters


class PublishError(ValueError):
    """A version that cannot be published, with every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def publish(
    version: NotificationTemplateVersion,
    by: AbstractBaseUser | None = None,
    *,
    note: str | None = None,
    seen: str | None = None,
) -> NotificationTemplateVersion:
    """Put a draft in force for every message queued from now on. Raises PublishError with all that is wrong.

    `note` replaces the draft's. With `seen` (`state_of`), a draft that was changed since its publisher read it is refused; a
    form always gives one, empty where it lacks it. None is for code that publishes what it has just written.
    """
    with transaction.atomic():
        template = NotificationTemplate.objects.select_for_update().get(pk=version.template_id)
        held = Version.objects.select_for_update().filter(pk=version.pk).first()
        if held is None:
            raise PublishError([_refusal(template, "gone", _("This draft was discarded meanwhile."))])
        _refuse_out_of_turn(template, held, seen)
        proof = proof_of(held, template=template)
        if problems := [*proof.problems, *_unfit_to_advertise(template)]:
            raise PublishError(problems)
        held.content = proof.content
        held.channels = list(proof.channels)
        held.locales = list(proof.content)
        held.content_sha256 = fingerprint(held.source, proof.content, held.placeholders)
        held.status = Version.Status.PUBLISHED
        held.published_at = timezone.now()
        held.note = held.note if note is None else note[:NOTE]
        held.published_by = by  # type: ignore[assignment]  # the user model is the host's
        held.save()
        template.published_version = held
        template.save(update_fields=["published_version", "updated_at"])
        number = held.number
        transaction.on_commit(
            lambda: logger.info("template.published name=%s version=%s", template.name, number)
        )
    return held


def roll_back(
    to: NotificationTemplateVersion, *, reason: str, instead_of: UUID, by: AbstractBaseUser | None = None
) -> NotificationTemplateVersion:
    """Put an older version's words in force again, as a new version: what was sent keeps its own.

    `instead_of` is the version that was in force when it was decided. Raises PublishError where it no longer is, and
    where the older words no longer pass; nothing is kept then.
    """
    with transaction.atomic():
        template = NotificationTemplate.objects.select_for_update().get(pk=to.template_id)
        if template.published_version_id != instead_of:
            raise PublishError([_overtaken(template)])
        if to.pk == instead_of or to.status != Version.Status.PUBLISHED:
            message = _("Choose a version that was in force before.")
            raise PublishError([_refusal(template, "in_force", message)])
        draft = save_draft(
            template=template,
            source=to.source,
            placeholders=placeholders_of(to),
            note=reason,
            by=by,
            restores=to,
        )
        return publish(draft, by)


def proof_of(
    version: NotificationTemplateVersion,
    *,
    template: NotificationTemplate | None = None,
    partials: Mapping[str, str] | None = None,
) -> Proof:
    """What publishing this version would send, and what stands in its way. It need not be saved."""
    template = template or version.template
    if partials is None:
        partials = dict(TemplatePartial.objects.values_list("name", "text"))
    return prove(
        template=template.name,
        category=template.category,
        source=version.source,
        placeholders=placeholders_of(version),
        partials=partials,
        default_locale=settings.LANGUAGE_CODE,
    )


def is_overtaken(version: NotificationTemplateVersion) -> bool:
    """Has another version come into force since this draft was begun?"""
    return (
        version.status == Version.Status.DRAFT
        and version.based_on_id != version.template.published_version_id
    )


def _refuse_out_of_turn(
    template: NotificationTemplate, version: NotificationTemplateVersion, seen: str | None
) -> None:
    if template.archived_at:
        raise PublishError(
            [_refusal(template, "archived", _("The template is archived: bring it back first."))]
        )
    if version.status == Version.Status.PUBLISHED:
        message = _("Version %s is published already.") % version.number
        raise PublishError([_refusal(template, "published", message)])
    if version.based_on_id != template.published_version_id:
        raise PublishError([_overtaken(template)])
    if seen is not None and seen != state_of(version):
        message = (
            _("Somebody changed this draft since you read it: read it again.")
            if seen
            else _("The form does not say which words you read: open it again.")
        )
        raise PublishError([_refusal(template, "changed", message)])


def _overtaken(template: NotificationTemplate) -> Problem:
    current = template.published_version
    number = current.number if current else 0
    message = _("Version %s came into force meanwhile: look at what it changed, and go on from there.")
    return _refusal(template, "stale_draft", message % number)


def _unfit_to_advertise(template: NotificationTemplate) -> list[Problem]:
    """The address is written when a message is sent: without one, the law's line would be blank."""
    if template.category != Category.MARKETING or settings.POSTAL_ADDRESS.strip():
        return []
    return [_refusal(template, "law", _("POSTAL_ADDRESS is not set: an advertising message must show it."))]


def _refusal(template: NotificationTemplate, code: str, message: str) -> Problem:
    return Problem(code, message, template.name)
