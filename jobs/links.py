"""The pages that messages link to: in, a page's name and its keys; out, a whole address."""

from urllib.parse import quote

from django.conf import settings
from django.urls import reverse


def customer_page(name: str, **keys: object) -> str:
    """A page of the business: the name is a setting in RENTALS."""
    # A number may hold a blank or a slash, which an address may not.
    return str(settings.RENTALS[name]).format(
        **{key: quote(str(value), safe="") for key, value in keys.items()}
    )


def admin_page(name: str, *arguments: object) -> str:
    """A page of the back office: the name is a view's in the admin, such as "rentals_equipment_change"."""
    return f"{settings.PUBLIC_URL}{reverse(f'admin:{name}', args=arguments)}"
