"""The staff of a sample business: in, nothing; out, users in the recipient groups, so that every group has somebody.

They cannot log in; `manage.py demo` makes the login of the demo.
"""

from collections.abc import Iterable

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

# Who answers the customers' tickets.
SUPPORT = ("ctingley", "gsteeves", "ydoucet")
STAFF = (
    ("Claire", "Tingley", ()),
    ("Yvon", "Doucet", ()),
    ("Nadia", "Savoie", ("security_centre",)),
    ("Greg", "Steeves", ("security_centre", "support_leads")),
    ("Lise", "Cormier", ("finance",)),
    ("Paul", "Geldart", ("finance", "operations")),
    ("Rémi", "Doiron", ("workshop",)),
    ("Tara", "Colpitts", ("workshop", "operations", "support_leads")),
)


def hire_staff() -> int:
    """Make those who are missing; who is there already stays as they are. Answers how many are new."""
    hired = 0
    for first, last, groups in STAFF:
        name = _login(first, last)
        user, is_new = get_user_model().objects.get_or_create(
            username=name,
            defaults={
                "first_name": first,
                "last_name": last,
                "email": f"{name}@rental.example",
                "is_staff": True,
            },
        )
        if is_new:
            user.set_unusable_password()
            user.save()
            user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
            hired += 1
    return hired


def employees() -> list[int]:
    """The keys of all of them, in the order of STAFF."""
    keys = _keys(_login(first, last) for first, last, _ in STAFF)
    return list(keys.values())


def ticket_takers() -> list[int]:
    """The keys of those who take tickets."""
    return list(_keys(SUPPORT).values())


def _login(first: str, last: str) -> str:
    return f"{first[0]}{last}".lower()


def _keys(logins: Iterable[str]) -> dict[str, int]:
    """By login, in the order given; who does not exist is left out."""
    wanted = list(logins)
    users = get_user_model().objects.filter(username__in=wanted).order_by()
    found = dict(users.values_list("username", "pk"))
    return {login: found[login] for login in wanted if login in found}
