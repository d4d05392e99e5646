"""Who asked for a message: in, its row and its reader; out, each as a name with a link to what that reader may open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from consent.staff_names import People
from notifications.models import Notification
from notifications.story_words import origin_word


@dataclass(frozen=True, slots=True)
class Named:
    """One of them. `url` is empty where there is no page, or not for this reader."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    text: str
    page: str = ""
    permission: str = ""
    has_id: bool = True


# By the word of the origin (`origin.py`). A page of another app is named, not imported.
_KINDS: Mapping[str, _Kind] = {
    "job": _Kind(gettext_noop("Job %(value)s"), "jobs_jobrun_job", "jobs.view_jobrun"),
    "run": _Kind(gettext_noop("Run %(short)s"), "jobs_jobrun_change", "jobs.view_jobrun"),
    "api": _Kind(
        gettext_noop("API token %(value)s"),
        "notifications_servicetoken_changelist",
        "notifications.view_servicetoken",
        has_id=False,
    ),
    "staff": _Kind(gettext_noop("Staff %(value)s"), "auth_user_change", "auth.view_user"),
    "watch": _Kind(gettext_noop("The watch over %(value)s")),
    "trigger": _Kind(gettext_noop("started by %(value)s")),
    "reason": _Kind(gettext_noop("as a %(value)s")),
    "consent_event": _Kind(
        gettext_noop("The question that consent event %(short)s asks"),
        "consent_consentevent_change",
        "consent.view_consentevent",
    ),
}


def askers(row: Notification, user: AbstractBaseUser | AnonymousUser, people: People) -> list[Named]:
    """In the order of its origin; a call that named nobody is said to be one."""
    has: Callable[[str], bool] = getattr(user, "has_perm", lambda _perm: False)
    origin: Mapping[str, Any] = row.metadata.get("origin", {})
    found = [_named(name, str(value), has, people) for name, value in origin.items()]
    return found or [Named(_("A call of notify() that named no origin"))]


def link(page: str, *args: object) -> str:
    """The address of an admin page; empty where the host shows none."""
    try:
        return reverse(f"admin:{page}", args=args)
    except NoReverseMatch:
        return ""


def _named(name: str, value: str, has: Callable[[str], bool], people: People) -> Named:
    kind = _KINDS.get(name)
    if kind is None:
        return Named(f"{name} {value}")
    shown = (
        people.named(f"staff:{value}").removeprefix("staff:") if name == "staff" else origin_word(name, value)
    )
    text = _(kind.text) % {"value": shown, "short": value[:8]}
    if not kind.page or not has(kind.permission):
        return Named(text)
    return Named(text, link(kind.page, value) if kind.has_id else link(kind.page))
