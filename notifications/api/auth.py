"""Who calls: in, a request; out, a Caller, or a refusal. A service token with the scope, or staff with the permission.

`SERVICE_TOKENS` holds `name:sha256-of-the-token[:scope+scope]`; without scopes a token may do everything.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from notifications.api.envelope import ApiError

SCOPES = ("jobs:read", "jobs:run", "queue:read", "notifications:write", "notifications:read", "process")
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,60}):(?P<digest>[0-9a-f]{64})(?::(?P<scopes>[a-z:+]+))?")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: `token:<name>` or `staff:<id>`, as it stands in logs, rows and origins."""

    name: str


class ApiRequest(HttpRequest):
    """A request past its auth: the caller is known."""

    auth: Caller


@dataclass(frozen=True, slots=True)
class _Token:
    name: str
    digest: str
    scopes: frozenset[str]


def allow(*, scope: str, permission: str) -> Sequence[Callable[[HttpRequest], Any]]:
    """The `auth` of an operation: a token with this scope, or a staff session with this permission."""
    return [ServiceToken(scope), StaffSession(permission)]


def identify(request: HttpRequest, *, scope: str, permission: str) -> Caller:
    """The same, for a plain Django view; raises ApiError."""
    for way in allow(scope=scope, permission=permission):
        if found := way(request):
            return Caller(found.name)
    raise ApiError(
        401, "not_signed_in", "Send a service token as `Authorization: Bearer …`, or sign in as staff."
    )


class ServiceToken(HttpBearer):
    """A program with a token of `SERVICE_TOKENS`."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer":
            raise ApiError(401, "bad_token", "Authorization must be `Bearer <token>`.")
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Caller:  # noqa: ARG002
        found = _find(token)
        if found is None:
            raise ApiError(401, "bad_token", "This token is not one of SERVICE_TOKENS.")
        if self.scope not in found.scopes:
            raise ApiError(403, "missing_scope", f"The token “{found.name}” lacks the scope {self.scope}.")
        return Caller(f"token:{found.name}")


class StaffSession(APIKeyCookie):
    """A member of staff, signed in to the admin; a change needs the CSRF token too."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, permission: str) -> None:
        super().__init__()
        self.permission = permission

    def __call__(self, request: HttpRequest) -> Caller | None:
        return self.authenticate(request, request.COOKIES.get(self.param_name))

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:  # noqa: ARG002
        if not request.user.is_authenticated:
            return None
        if not request.user.is_staff or not request.user.has_perm(self.permission):
            raise ApiError(403, "missing_permission", f"Your account lacks the permission {self.permission}.")
        if check_csrf(request):
            raise ApiError(403, "csrf_failed", "Send the CSRF token in the X-CSRFToken header.")
        return Caller(f"staff:{request.user.pk}")


def token_problems(entries: Sequence[str]) -> list[str]:
    """What is wrong with SERVICE_TOKENS, by the entry's place and name; digests are not repeated."""
    found = []
    for place, entry in enumerate(entries, 1):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            found.append(
                f"entry {place} is not name:sha256[:scope+scope], with 64 hexadecimal digits in lower case"
            )
        elif unknown := _scopes(match) - set(SCOPES):
            found.append(f"entry {place} ({match['name']}) has unknown scopes: {', '.join(sorted(unknown))}")
    return found


def _find(token: str) -> _Token | None:
    """Compare with every entry, whichever matches, so that the time taken tells nothing."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    found: _Token | None = None
    for entry in settings.SERVICE_TOKENS:
        match = _ENTRY.fullmatch(entry)
        if match and hmac.compare_digest(match["digest"], digest):
            found = _Token(match["name"], match["digest"], frozenset(_scopes(match)))
    return found


def _scopes(match: re.Match[str]) -> set[str]:
    return set(match["scopes"].split("+")) if match["scopes"] else set(SCOPES)
