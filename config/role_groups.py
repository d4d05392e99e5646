"""The roles as groups: in, the end of a `migrate`; out, five groups with exactly the permissions of the table.

These five are the code's, and no page changes them; groups of yours are yours (docs/decisions/0023-roles-belong-to-the-code.md).
"""

import sys
from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import transaction

from config.roles import Role, held_by


def after(
    sender: AppConfig, using: str, verbosity: int = 1, apps: Any = installed, stdout: Any = None, **_: Any
) -> None:
    """Once a `migrate`, for the last app: by then the permissions of all others are there, and its own are made now."""
    create_permissions(sender, verbosity=0, using=using, apps=apps)
    try:
        groups, permissions = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return  # somebody migrates Django's tables back, or only a few of them
    for role, added, removed in keep(groups, permissions, using=using):
        if verbosity and (removed or verbosity > 1):
            (stdout or sys.stdout).write(f"{role}: {added} permissions given, {removed} taken back\n")


def keep(groups: Any, permissions: Any, *, using: str) -> list[tuple[str, int, int]]:
    """Make the groups what the table says; answers what was added to each and taken from it. Can be repeated."""
    wanted = {role: {(app, code) for app, code, roles in held_by() if role in roles} for role in Role}
    known = {
        (app, code): pk
        for pk, app, code in permissions.objects.using(using).values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    done = []
    with transaction.atomic(using=using):
        for role in Role:
            group, _made = groups.objects.using(using).get_or_create(name=role.value)
            ids = _known(wanted[role], known)
            has = set(group.permissions.values_list("pk", flat=True))
            group.permissions.add(*(ids - has))
            group.permissions.remove(*(has - ids))
            done.append((role.value, len(ids - has), len(has - ids)))
    return done


def _known(wanted: Iterable[tuple[str, str]], known: dict[tuple[str, str], int]) -> set[int]:
    """A permission of an app that is not migrated yet comes with the `migrate` that makes it."""
    return {known[permission] for permission in wanted if permission in known}
