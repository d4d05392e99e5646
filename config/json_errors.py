"""Errors that arise outside the API's views, in the API's shape: in, any response below /api/; out, JSON.

An unknown address, a method that is not allowed, a host that is not ours: Django answers those in HTML.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from notifications.api.envelope import ApiError, refuse

PREFIX = "/api/"
KNOWN = {
    404: ("not_found", "There is nothing here; see /api/openapi.json."),
    405: ("method_not_allowed", "This address does not take that method; see the Allow header."),
    411: ("length_required", "Say how long the body is (Content-Length); chunked bodies are not taken."),
    413: ("too_large", "The body is too large."),
}
FIRST_ERROR = 400


class JsonErrors:
    """Middleware: outermost but one, so that it sees what the others refuse."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < FIRST_ERROR or not request.path.startswith(PREFIX):
            return response
        if response.get("Content-Type", "").startswith("application/json"):
            return response
        default = ("refused", response.reason_phrase)
        code, message = KNOWN.get(response.status_code, default)
        replacement = refuse(ApiError(response.status_code, code, message))
        if "Allow" in response:
            replacement["Allow"] = response["Allow"]
        return replacement
