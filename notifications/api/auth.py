"""Who calls: in, a request; out, a Caller, or a refusal. A service token with the scope, or staff with the permission."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from notifications.api.envelope import ApiError
from notifications.api.tokens import find_token


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: `token:<name>` or `staff:<id>`, as it stands in logs, rows and origins."""

    name: str


class ApiRequest(HttpRequest):
    """A request past its auth: the caller is known."""

    auth: Caller


def allow(*, scope: str, permission: str) -> Sequence[Callable[[HttpRequest], Caller | None]]:
    """The `auth` of an operation: a token with this scope, or a staff session with this permission."""
    return [ServiceToken(scope), StaffSession(permission)]


def identify(request: HttpRequest, *, scope: str, permission: str) -> Caller:
    """The same, for a plain Django view; raises ApiError."""
    for way in allow(scope=scope, permission=permission):
        if found := way(request):
            return found
    raise ApiError(
        401, "not_signed_in", "Send a service token as `Authorization: Bearer …`, or sign in as staff."
    )


class ServiceToken(HttpBearer):
    """A program with a token."""

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
        found = find_token(token)
        if found is None:
            raise ApiError(401, "bad_token", "This token is unknown, expired or revoked.")
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
