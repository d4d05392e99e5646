"""Where figures lead: in, a page's model and filters; out, its address, if this reader may open it."""

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

Reader = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Links:
    """The lists, for one reader; empty where they may not look."""

    reader: Reader

    def may(self, permission: str) -> bool:
        return isinstance(self.reader, PermissionsMixin | AnonymousUser) and self.reader.has_perm(permission)

    def list_of(self, label: str, **filters: str) -> str:
        """Of «notifications.notification», those that the filters let through."""
        app, model = label.split(".")
        if not self.may(f"{app}.view_{model}"):
            return ""
        return _address(f"admin:{app}_{model}_changelist", **filters)

    def queue(self, *, ended_from: dt.datetime | None = None, **filters: str) -> str:
        """With `ended_from`, those that ended since, which is what the figures of a period count."""
        if ended_from is not None:
            filters["ended__gte"] = ended_from.isoformat(timespec="minutes")
        return self.list_of("notifications.notification", **filters)

    def job(self, name: str) -> str:
        if not self.may("jobs.view_jobrun"):
            return ""
        try:
            return reverse("admin:jobs_jobrun_job", args=[name])
        except NoReverseMatch:
            return ""


def _address(view: str, **filters: str) -> str:
    try:
        path = reverse(view)
    except NoReverseMatch:
        return ""
    return f"{path}?{urlencode(filters)}" if filters else path
