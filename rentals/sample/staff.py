"""The staff of a sample business: in, nothing; out, users in the recipient groups, so that every group has somebody.

They cannot log in; `manage.py demo` makes the login of the demo.
"""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

STAFF = (
    ("Nadia", "Savoie", ("security_centre",)),
    ("Greg", "Steeves", ("security_centre", "support_leads")),
    ("Lise", "Cormier", ("finance",)),
    ("Paul", "Geldart", ("finance", "operations")),
    ("Rémi", "Doiron", ("workshop",)),
    ("Tara", "Colpitts", ("workshop", "operations", "support_leads")),
    ("Yvon", "Doucet", ()),
    ("Claire", "Tingley", ()),
)
# Who answers the customers' tickets.
SUPPORT = ("ctingley", "gsteeves", "ydoucet")


def hire_staff() -> int:
    """Make those who are missing; who is there already stays as they are. Answers how many are new."""
    hired = 0
    for first, last, groups in STAFF:
        name = f"{first[0]}{last}".lower()
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


def ticket_takers() -> list[int]:
    """The keys of those who take tickets."""
    users = get_user_model().objects.filter(username__in=SUPPORT)
    return list(users.order_by("username").values_list("pk", flat=True))
