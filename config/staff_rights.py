"""Who may give what to whom: in, who asks and whose account it is; out, yes or no, and the groups and permissions to choose from.

Nobody gives, changes or takes over more than they hold. An inactive account keeps its rights for when it is active again,
so that Django's `get_all_permissions`, which says that it has none, does not do.
"""

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet

from config.roles import Role


def rights_of(user: User) -> QuerySet[Permission]:
    """All of them, whether the account is active or not."""
    if user.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(Q(user=user) | Q(group__user=user)).distinct()


def may_manage(actor: User, account: User) -> bool:
    """May they change this account, its password too? Only if it holds nothing that they lack."""
    if actor.is_superuser:
        return True
    return not account.is_superuser and not rights_of(account).exclude(pk__in=_keys(actor)).exists()


def groups_to_give(actor: User) -> QuerySet[Group]:
    """Those of which they hold every right."""
    groups = Group.objects.order_by("name")
    if actor.is_superuser:
        return groups
    beyond = Permission.objects.exclude(pk__in=_keys(actor))
    return groups.exclude(pk__in=Group.objects.filter(permissions__in=beyond).values("pk"))


def may_write_group(actor: User, group: Group) -> bool:
    """The roles are the code's; of the others, those of which they hold every right."""
    return group.name not in Role.values and groups_to_give(actor).filter(pk=group.pk).exists()


def administrators() -> QuerySet[User]:
    """Who can let others in: superusers, and those of the role, as far as they may sign in."""
    role = Q(is_superuser=True) | Q(groups__name=Role.ADMINISTRATOR)
    return User.objects.filter(role, is_active=True, is_staff=True).distinct()


def somebody_else_is_left(account: User) -> bool:
    """Is there an administrator beside this one? Two who each take out the other wait for one another here."""
    Group.objects.select_for_update().get(name=Role.ADMINISTRATOR)
    return administrators().exclude(pk=account.pk).exists()


def _keys(user: User) -> QuerySet[Permission]:
    return rights_of(user).values("pk")  # type: ignore[return-value]  # a subquery
