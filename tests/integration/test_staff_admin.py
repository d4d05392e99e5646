"""Accounts: roles by a tick, nobody gives or takes over more than they hold, and somebody is left who lets others in."""

import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from config.models import SecondFactor
from config.roles import Role
from tests.operators import operator, operator_user, seen

pytestmark = pytest.mark.django_db
USERS, GROUPS = "/admin/auth/user/", "/admin/auth/group/"


def member(*roles: Role, **more: Any) -> User:
    user = operator_user(**more)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def as_member(*roles: Role) -> Client:
    client = Client()
    client.force_login(member(*roles))
    return client


def form(user: User, *roles: Role, **more: Any) -> dict[str, Any]:
    """What the browser sends: ticks that are off are not sent."""
    keys = Group.objects.filter(name__in=roles).values_list("pk", flat=True)
    fields: dict[str, Any] = {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "roles": list(keys),
    }
    return {name: value for name, value in {**fields, **more}.items() if value is not None}


def save(client: Client, user: User, *roles: Role, **more: Any) -> Any:
    return client.post(f"{USERS}{user.pk}/change/", form(user, *roles, **more))


def names(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def test_an_administrator_gives_roles_by_ticks_that_say_what_each_may() -> None:
    client, olive = as_member(Role.ADMINISTRATOR), member()
    page = seen(client.get(f"{USERS}{olive.pk}/change/"))
    assert "Operator: Reads the text of messages" in page
    assert save(client, olive, Role.OPERATOR, Role.COMPLIANCE).status_code == 302
    assert names(olive) == {Role.OPERATOR, Role.COMPLIANCE}
    assert save(client, olive, Role.VIEWER).status_code == 302
    assert names(olive) == {Role.VIEWER}
    assert LogEntry.objects.filter(object_id=str(olive.pk)).count() == 2


def test_other_groups_stay_when_roles_change() -> None:
    finance = Group.objects.get(name="finance")
    olive = member()
    olive.groups.add(finance)
    save(as_member(Role.ADMINISTRATOR), olive, Role.VIEWER, groups=[finance.pk])
    assert names(olive) == {"finance", Role.VIEWER}


def test_a_new_account_is_staff_and_goes_on_to_its_roles() -> None:
    made = as_member(Role.ADMINISTRATOR).post(
        f"{USERS}add/",
        {
            "username": "newcomer",
            "usable_password": "true",
            "password1": "a long one 1",
            "password2": "a long one 1",
        },
    )
    user = User.objects.get(username="newcomer")
    assert (made["Location"], user.is_staff, names(user)) == (f"{USERS}{user.pk}/change/", True, set())


def test_the_list_says_roles_second_factor_and_last_sign_in() -> None:
    olive = member(Role.EDITOR, username="olive")
    SecondFactor.objects.create(user=olive, sealed="x", confirmed_at="2026-11-20T12:00Z")
    page = as_member(Role.ADMINISTRATOR).get(USERS)
    assert "Template editor" in seen(page)
    assert [row.has_factor for row in page.context["cl"].result_list if row.username == "olive"] == [True]


@pytest.fixture
def user_manager() -> Client:
    """Manages users by a group of the house, and holds nothing else."""
    house = Group.objects.create(name="user managers")
    house.permissions.set(Permission.objects.filter(codename__in=["view_user", "add_user", "change_user"]))
    user = operator_user()
    user.groups.add(house)
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("role", list(Role))
def test_who_lacks_a_right_gives_it_to_nobody(user_manager: Client, role: Role) -> None:
    olive = member()
    answer = save(user_manager, olive, role)
    assert "is not one of the available choices" in seen(answer)
    me = User.objects.get(pk=user_manager.session["_auth_user_id"])
    save(user_manager, me, role)
    erase = Permission.objects.get(codename="erase_customer")
    assert "is not one of the available choices" in seen(
        save(user_manager, olive, user_permissions=[erase.pk])
    )
    assert names(olive) == set()
    assert names(me) == {"user managers"}
    assert not olive.user_permissions.exists()


def test_nobody_but_a_superuser_makes_one() -> None:
    olive = member()
    save(as_member(Role.ADMINISTRATOR), olive, is_superuser="on")
    olive.refresh_from_db()
    assert not olive.is_superuser
    save(operator("*"), olive, is_superuser="on")
    olive.refresh_from_db()
    assert olive.is_superuser


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("more", ["superuser", "administrator"])
def test_who_holds_more_is_out_of_reach_with_their_password(
    user_manager: Client, more: str, active: bool
) -> None:
    """Else: set its password, or wake the sleeping account, and sign in as that person."""
    boss = member(Role.ADMINISTRATOR) if more == "administrator" else operator_user("*")
    User.objects.filter(pk=boss.pk).update(is_active=active)
    before = User.objects.values().get(pk=boss.pk)
    assert user_manager.get(f"{USERS}{boss.pk}/change/").status_code == 200, "to read"
    assert save(user_manager, boss).status_code == 403
    passwords = {"usable_password": "true", "password1": "a long one 1", "password2": "a long one 1"}
    assert user_manager.post(f"{USERS}{boss.pk}/password/", passwords).status_code == 403
    assert User.objects.values().get(pk=boss.pk) == before


def test_nobody_is_deleted_not_even_by_a_superuser() -> None:
    olive, root = member(), operator("*")
    assert root.post(f"{USERS}{olive.pk}/delete/", {"post": "yes"}).status_code == 403
    root.post(USERS, {"action": "delete_selected", "_selected_action": olive.pk, "post": "yes", "index": 0})
    assert User.objects.filter(pk=olive.pk).exists()


LOSE: list[dict[str, Any]] = [{"is_active": None}, {"is_staff": None}, {}]


@pytest.mark.parametrize("change", LOSE, ids=["deactivated", "no-staff", "no-role"])
def test_the_last_administrator_stays(change: dict[str, Any]) -> None:
    boss = member(Role.ADMINISTRATOR)
    client = Client()
    client.force_login(boss)
    roles = [Role.ADMINISTRATOR] if change else [Role.VIEWER]
    assert "This is the last active administrator" in seen(save(client, boss, *roles, **change))
    boss.refresh_from_db()
    assert (boss.is_active, boss.is_staff, names(boss)) == (True, True, {Role.ADMINISTRATOR})
    sleeping = member(Role.ADMINISTRATOR)
    User.objects.filter(pk=sleeping.pk).update(is_active=False)
    assert "This is the last active administrator" in seen(save(client, boss, *roles, **change)), (
        "one who can't sign in"
    )
    member(Role.ADMINISTRATOR)
    assert save(client, boss, *roles, **change).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_out_each_other_at_once_one_stays() -> None:
    pair = [member(Role.ADMINISTRATOR), member(Role.ADMINISTRATOR)]
    clients = [Client(), Client()]
    for client, user in zip(clients, pair, strict=True):
        client.force_login(user)
    start = threading.Barrier(2)

    def take_out(client: Client, other: User) -> None:
        try:
            start.wait(20)
            save(client, other, Role.VIEWER)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=take_out, args=(client, other))
        for client, other in zip(clients, reversed(pair), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert User.objects.filter(groups__name=Role.ADMINISTRATOR).count() >= 1


@pytest.mark.parametrize("role", list(Role))
def test_the_roles_are_read_and_never_written(role: Role) -> None:
    group = Group.objects.get(name=role)
    root = operator("*")
    assert root.get(f"{GROUPS}{group.pk}/change/").status_code == 200
    assert root.post(f"{GROUPS}{group.pk}/change/", {"name": "x"}).status_code == 403
    assert root.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}).status_code == 403
    root.post(GROUPS, {"action": "delete_selected", "_selected_action": group.pk, "post": "yes", "index": 0})
    assert Group.objects.filter(name=role).exists()


def test_a_group_of_the_house_holds_no_more_than_who_writes_it(user_manager: Client) -> None:
    house = Group.objects.get(name="user managers")
    house.permissions.add(
        *Permission.objects.filter(codename__in=["view_group", "change_group", "add_group"])
    )
    erase = Permission.objects.get(codename="erase_customer")
    answer = user_manager.post(f"{GROUPS}{house.pk}/change/", {"name": "x", "permissions": [erase.pk]})
    assert "is not one of the available choices" in seen(answer)
    strong = Group.objects.create(name="strong")
    strong.permissions.add(erase)
    assert user_manager.post(f"{GROUPS}{strong.pk}/change/", {"name": "mine"}).status_code == 403
    assert not house.permissions.filter(pk=erase.pk).exists()
