"""What a browser may do with an answer: in, any response; out, the same with a Content-Security-Policy and a Permissions-Policy.

A view that says `default-src` itself has written a whole policy, which stands alone. A view's partial policy narrows
ours: a browser keeps to both (CSP level 3, section 3.1: policies in one header are separated by commas).
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

CSP = "Content-Security-Policy"


class SafeHeaders:
    """Middleware: outermost, so that redirects, refusals and static files have them too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        own = response.get(CSP, "")
        if "default-src" not in own:
            response[CSP] = ", ".join(filter(None, (policy_of(request.path), own)))
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        return response


def policy_of(path: str) -> str:
    """The policy of the longest beginning that fits."""
    return settings.POLICIES[max((start for start in settings.POLICIES if path.startswith(start)), key=len)]
