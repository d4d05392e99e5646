"""Not too often from one network: in, a request; out, its answer, or 429 with how long to wait.

| limit | what counts | what is refused |
|---|---|---|
| `pages` | looks at a public page | looks |
| `lost_links` | links that lead nowhere | their 404 |
| `bad_tokens` | tokens that are none | their 401 |
| `webhooks` | posts that prove nothing | their 4xx |

Only looks are refused unseen. Where another limit is over, the view is asked all the same, and what is right works: a
known link, a right token, a signed post. So nobody loses an opt-out (mail programs post `List-Unsubscribe=One-Click` for all
their readers from a few addresses, RFC 8058; Twilio tells of a STOP once), and nobody locks others out by
being wrong beside them. What a flood of wrong ones costs is a look-up by index or a signature, and one row that is counted up.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.client_address import network_of
from config.counting import count
from notifications.api.envelope import ApiError, refuse

PUBLIC = ("/u/", "/preferences/", "/confirm/")
WEBHOOKS = "/webhooks/"
WITH_TOKENS = ("/api/", "/metrics")
LOST = (404, 410)


class RateLimits:
    """Middleware: below ClientAddress, and above whatever costs something."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _over(request, _before(request)) or self._answered(request)

    def _answered(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return _over(request, _after(request, response)) or response


def _before(request: HttpRequest) -> str:
    """The limit that a request counts towards whatever comes of it."""
    return "pages" if request.path.startswith(PUBLIC) and request.method in ("GET", "HEAD") else ""


def _after(request: HttpRequest, response: HttpResponse) -> str:
    """The limit that a wrong one counts towards."""
    if request.path.startswith(PUBLIC) and response.status_code in LOST:
        return "lost_links"
    if request.path.startswith(WEBHOOKS) and 400 <= response.status_code < 500:
        return "webhooks"
    tried = request.path.startswith(WITH_TOKENS) and "Authorization" in request.headers
    return "bad_tokens" if tried and response.status_code == 401 else ""


def _over(request: HttpRequest, limit: str) -> HttpResponse | None:
    counted = count(limit, network_of(request)) if limit else None
    if counted is None or not counted.is_over:
        return None
    if request.path.startswith(WITH_TOKENS):
        message = f"Too many wrong tokens from your network: wait {counted.wait} seconds."
        response: HttpResponse = refuse(ApiError(429, "too_many", message))
    else:
        # Above the choice of a language, so in both.
        text = (
            f"Too many requests from your network. Please try again in {counted.wait} seconds.\n"
            f"Trop de demandes de votre réseau. Veuillez réessayer dans {counted.wait} secondes.\n"
        )
        response = HttpResponse(text, content_type="text/plain; charset=utf-8", status=429)
    response["Retry-After"] = str(counted.wait)
    response["Cache-Control"] = "no-store"
    return response
