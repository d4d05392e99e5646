"""Where a template is used: in, a template; out, the code that names it, and the messages made with it.

Both are known above this app, which therefore asks by dotted paths: `TEMPLATES_APP["MENTIONS"]` and `["TRAFFIC"]`.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.utils.module_loading import import_string

from templates_app.models import NotificationTemplate

Reader = AbstractUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that names a template: `job` when it is one that runs by itself; `url` leads to its page, if it has one, for who
    holds `permission`."""

    label: str
    job: bool = False
    url: str = ""
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages of a template: how many wait, by the version that they pinned, and its share of the newest messages.

    Only so many rows are looked at (`looked_at`, `waiting_looked_at`); the flags say whether there may be more beyond them.
    """

    waiting: Mapping[uuid.UUID, int] = field(default_factory=dict)
    is_waiting_capped: bool = False
    recent: int = 0
    looked_at: int = 0
    since: dt.datetime | None = None
    last_at: dt.datetime | None = None

    @property
    def waiting_in_all(self) -> int:
        return sum(self.waiting.values())


def mentions(template: NotificationTemplate, reader: Reader) -> Sequence[Mention] | None:
    """The jobs and modules that name it, with the links that the reader may follow; None where the host names no way to know."""
    find = _hook("MENTIONS")
    if find is None:
        return None
    found: Sequence[Mention] = find(template.name)
    return [one if reader.has_perm(one.permission) else replace(one, url="") for one in found]


def traffic(template: NotificationTemplate) -> Traffic | None:
    """None where the host names no way to know."""
    find = _hook("TRAFFIC")
    found: Traffic | None = find(template.pk) if find else None
    return found


def _hook(name: str) -> Callable[..., Any] | None:
    path: str = getattr(settings, "TEMPLATES_APP", {}).get(name, "")
    return import_string(path) if path else None
