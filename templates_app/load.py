"""Files into the database: in, a Seed; out, what changed. Running it twice changes nothing the second time.

A changed file, or a changed layout, publishes a new version; a version that a person published in the admin stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from templates_app.drafts import save_draft
from templates_app.models import (
    NOTE_OF_FILES,
    TEMPLATE_NAME,
    NotificationTemplate,
    NotificationTemplateVersion,
    TemplatePartial,
)
from templates_app.publish import PublishError, proof_of, publish
from templates_app.seed_files import Seed, SeedTemplate
from templates_app.shape import Problem
from templates_app.wording import fingerprint, tidied

Origin = NotificationTemplateVersion.Origin


@dataclass(frozen=True, slots=True)
class Change:
    """What was done with one template: published, unchanged or kept (with the reason)."""

    name: str
    action: str
    version: int
    detail: str = ""


class LoadError(ValueError):
    """Files that cannot be published: one `file:line: message` a line. Nothing was changed."""


def load(seed: Seed, *, check: bool = False, overwrite: bool = False) -> list[Change]:
    """Publish what differs, all of it or nothing. `check` does the same and takes it back."""
    problems: list[Problem] = []
    changes: list[Change] = []
    with transaction.atomic():
        _keep_partials(seed.partials)
        for template in sorted(seed.templates, key=lambda t: t.name):
            try:
                changes.append(_load_one(template, overwrite=overwrite))
            except PublishError as error:
                problems += error.problems
        if problems:
            # A fault of the layout is one fault, however many templates include it.
            raise LoadError("\n".join(dict.fromkeys(seed.locate(problem) for problem in problems)))
        if check:
            transaction.set_rollback(True)
    return changes


def _load_one(seed: SeedTemplate, *, overwrite: bool) -> Change:
    if not re.match(TEMPLATE_NAME, seed.name):
        raise PublishError(
            [Problem("bad_name", "A template is called area.message, in lower case.", seed.name)]
        )
    NotificationTemplate.objects.get_or_create(
        name=seed.name, defaults={"category": seed.category, "description": seed.description}
    )
    # Two deployments at once take turns here; the second finds nothing to do.
    template = NotificationTemplate.objects.select_for_update(of=("self",)).get(name=seed.name)
    if template.category != seed.category:
        message = f"The category is {template.category} since it was published: choose a new name for a {seed.category} one."
        raise PublishError([Problem("category", message, seed.name)])
    if template.description != seed.description:
        NotificationTemplate.objects.filter(pk=template.pk).update(description=seed.description)
    current = template.published_version
    if template.archived_at:
        return Change(seed.name, "kept", current.number if current else 0, "It is archived.")
    stored = [placeholder.stored() for placeholder in seed.placeholders]
    wanted = NotificationTemplateVersion(template=template, source=tidied(seed.source), placeholders=stored)
    proof = proof_of(wanted)
    if proof.problems:
        raise PublishError(proof.problems)
    if current and current.content_sha256 == fingerprint(wanted.source, proof.content, stored):
        return Change(seed.name, "unchanged", current.number)
    if current and current.origin == Origin.ADMIN and not overwrite:
        return Change(
            seed.name, "kept", current.number, "Edited in the admin; --overwrite publishes the files."
        )
    draft = save_draft(
        template=template,
        source=seed.source,
        placeholders=seed.placeholders,
        note=NOTE_OF_FILES,
        origin=Origin.FILES,
    )
    return Change(seed.name, "published", publish(draft).number)


def _keep_partials(partials: Mapping[str, str]) -> None:
    known = dict(TemplatePartial.objects.values_list("name", "text"))
    changed = [TemplatePartial(name=n, text=t) for n, t in sorted(partials.items()) if known.get(n) != t]
    TemplatePartial.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["name"], update_fields=["text", "updated_at"]
    )
