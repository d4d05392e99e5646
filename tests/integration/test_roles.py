"""The roles: each permission is judged, the groups are what the table says, and the page of documentation says the same."""

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.utils import translation

from config.roles import EVERYBODY, FOUR, HELD, MAY, Role, held_by

pytestmark = pytest.mark.django_db


def of(group: Group) -> set[tuple[str, str]]:
    return set(group.permissions.values_list("content_type__app_label", "codename"))


def migrate() -> str:
    told = io.StringIO()
    call_command("migrate", verbosity=1, stdout=told)
    return told.getvalue()


def test_every_permission_is_judged_and_none_that_is_gone() -> None:
    there = set(Permission.objects.values_list("content_type__app_label", "codename"))
    judged = {(app, code) for app, code, _roles in held_by()}
    assert sorted(there - judged) == [], "say in config/roles.py who holds them, and in docs/roles.md"
    assert sorted(code for _app, code in judged - there if code.split("_")[0] not in FOUR) == []
    for label in HELD:
        assert any(app == label.split(".")[0] for app, _code in there), label


def test_migrate_made_a_group_a_role_with_exactly_what_the_table_says() -> None:
    for role in Role:
        expected = {(app, code) for app, code, roles in held_by() if role in roles}
        assert of(Group.objects.get(name=role)) == expected
        assert len(expected) > 7


def test_the_next_migrate_keeps_them_in_step_and_leaves_other_groups_alone() -> None:
    theirs = Group.objects.create(name="night shift")
    theirs.permissions.set(Permission.objects.filter(codename="cancel_notification"))
    viewer = Group.objects.get(name=Role.VIEWER)
    before = of(viewer)
    viewer.permissions.remove(viewer.permissions.first())  # type: ignore[arg-type]
    viewer.permissions.add(Permission.objects.get(codename="erase_customer"))
    Group.objects.get(name=Role.EDITOR).delete()
    assert "Postroom viewer: 1 permissions given, 1 taken back" in migrate()
    assert of(viewer) == before
    assert of(Group.objects.get(name=Role.EDITOR)) == {
        (a, c) for a, c, roles in held_by() if Role.EDITOR in roles
    }
    assert of(theirs) == {("notifications", "cancel_notification")}
    assert "Postroom" not in migrate(), "nothing to say where nothing was taken back"


def test_a_viewer_reads_no_text_and_no_customer_and_changes_nothing() -> None:
    held = {f"{app}.{code}" for app, code, roles in held_by() if Role.VIEWER in roles}
    assert {permission.split(".")[1].split("_")[0] for permission in held} == {"view"}
    assert not held & {
        "notifications.view_notification_body",
        "rentals.view_customer",
        "consent.view_customerconsent",
    }


def test_every_role_sees_what_a_viewer_sees_and_the_administrator_whatever_any_may() -> None:
    for _app, code, roles in held_by():
        assert Role.VIEWER not in roles or roles == EVERYBODY, code
        assert not roles or Role.ADMINISTRATOR in roles, code


def test_nobody_deletes_staff_or_writes_the_audit_log() -> None:
    held = {code for _app, code, roles in held_by() if roles}
    assert not held & {
        "delete_user",
        "delete_logentry",
        "change_logentry",
        "add_logentry",
        "change_permission",
    }


def test_the_page_about_roles_says_what_the_table_says() -> None:
    page = (Path(settings.BASE_DIR) / "docs" / "roles.md").read_text("utf-8")
    table = [
        f"| `{app}.{code}` | {' | '.join('✓' if role in roles else ' ' for role in Role)} |"
        for app, code, roles in held_by()
        if roles
    ]
    told = "docs/roles.md ends with this table:\n" + "\n".join(table)
    assert [line for line in page.splitlines() if line.startswith("| `") and "✓" in line] == table, told
    with translation.override("en"):
        assert [
            f"| {role.label} | `{role.value}` | {MAY[role]} |" for role in Role if str(MAY[role]) not in page
        ] == []
