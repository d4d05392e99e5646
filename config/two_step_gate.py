"""No page of staff without the second factor that they set up: in, a request with a session; out, its user, or nobody.

A session from before the factor was set up, or from before it was set up anew, counts as signed out. Where
REQUIRE_SECOND_FACTOR is on, who has none yet is led to the page that sets one up and may see nothing else.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from config.models import SecondFactor
from config.second_factor import confirmed

KEPT = "second_factor"


class TwoStepGate:
    """Middleware: below AuthenticationMiddleware. One query by key for who is signed in, none for anybody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Without a session there is no user, and the public pages read neither.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.path.startswith(
            ("/admin/", "/api/", "/metrics")
        ):
            refused = self._checked(request)
            if refused is not None:
                return refused
        return self.get_response(request)

    def _checked(self, request: HttpRequest) -> HttpResponse | None:
        user = request.user
        if not user.is_authenticated or not user.is_staff:
            return None
        factor = confirmed(user)
        if factor is not None and request.session.get(KEPT) != _mark(factor):
            request.user = AnonymousUser()
        elif factor is None and settings.REQUIRE_SECOND_FACTOR and request.path not in _open_to_newcomers():
            if request.path.startswith("/admin/"):
                return HttpResponseRedirect(reverse("two_step"))
            request.user = AnonymousUser()
        return None


def remember(request: HttpRequest, factor: SecondFactor) -> None:
    """This session has shown the factor, as it stands now."""
    request.session[KEPT] = _mark(factor)


def _mark(factor: SecondFactor) -> str:
    return f"{factor.pk} {factor.confirmed_at and factor.confirmed_at.isoformat()}"


def _open_to_newcomers() -> tuple[str, ...]:
    return (reverse("two_step"), reverse("admin:logout"), reverse("admin:jsi18n"))
