"""The pages of the business that messages link to: in, the name of a setting in RENTALS and its keys; out, an address."""

from urllib.parse import quote

from django.conf import settings


def customer_page(name: str, **keys: object) -> str:
    """A number may hold a blank or a slash, which an address may not."""
    return str(settings.RENTALS[name]).format(
        **{key: quote(str(value), safe="") for key, value in keys.items()}
    )
