"""Callers of the HTTP API: programs with a service token, and staff with a session."""

import hashlib
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

# A message that needs no template and no customer.
INLINE = {
    "to": {"address": "anna.smith@example.com"},
    "channel": "email",
    "category": "transactional",
    "subject": "Your quote",
    "body": "It is ready.",
}


def token_entry(name: str, token: str, *scopes: str) -> str:
    """An entry of SERVICE_TOKENS."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return ":".join([name, digest, *(["+".join(scopes)] if scopes else [])])


def program(settings: Any, *scopes: str, token: str = "s3cret") -> Client:
    """A client whose token has these scopes (none: all of them)."""
    settings.SERVICE_TOKENS = [token_entry("ops", token, *scopes)]
    return Client(headers={"Authorization": f"Bearer {token}"})


def staff(*permissions: str, is_staff: bool = True, csrf: bool = False) -> Client:
    """A signed-in user with these permissions. With `csrf` the client is treated like a browser."""
    user = User.objects.create_user("erin", is_staff=is_staff)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    return client
