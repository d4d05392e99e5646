"""People at the admin: in, permissions; out, signed-in clients, and what a page says to its reader."""

import html
import re
from itertools import count
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

_numbers = count(1)
QUEUE = "/admin/notifications/notification/"
VIEW = "notifications.view_notification"
REPLAY = "notifications.replay_notification"
CANCEL = "notifications.cancel_notification"
RESCHEDULE = "notifications.reschedule_notification"
SETTLE = "notifications.settle_notification"
READ = "notifications.view_notification_body"
REVEAL = "notifications.reveal_notification"


def operator_user(*permissions: str, username: str = "", password: str | None = None) -> User:
    """A staff member with these permissions; a superuser with «*». Hashing a password takes a second: name one to log in."""
    user = User.objects.create_user(
        username or f"operator{next(_numbers)}",
        password=password,
        is_staff=True,
        is_superuser="*" in permissions,
    )
    for permission in permissions:
        app, _dot, codename = permission.partition(".")
        if codename:
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def operator(*permissions: str, csrf: bool = False) -> Client:
    """That staff member's browser. With `csrf` a POST needs its token, as in life."""
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(operator_user(*permissions))
    return client


def seen(response: Any) -> str:
    """The text of a page in one line, without tags; a test's failure then shows what a reader would have seen."""
    assert response.status_code == 200, (response.status_code, response.get("Location"))
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", response.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def told(response: Any) -> list[str]:
    """The messages shown on a page."""
    return [str(message) for message in response.context["messages"]]
