"""Every error as a refusal in the one shape: in, an exception; out, its response. Installed on the NinjaAPI."""

import logging
from typing import Any

import sentry_sdk
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from notifications.api.envelope import ApiError, refuse
from notifications.errors import EnqueueError

logger = logging.getLogger(__name__)


def install(api: NinjaAPI) -> None:
    api.add_exception_handler(ApiError, _refused)
    api.add_exception_handler(AuthenticationError, _not_signed_in)
    api.add_exception_handler(HttpError, _http)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(EnqueueError, _not_enqueued)
    api.add_exception_handler(RequestDataTooBig, _too_large)
    api.add_exception_handler(RawPostDataException, _form)
    api.add_exception_handler(Http404, _not_found)
    api.add_exception_handler(Exception, _unexpected)


def refusal_of(error: EnqueueError) -> ApiError:
    return ApiError(422, error.code, str(error), {error.field: str(error)})


def _refused(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    return refuse(error)


def _not_signed_in(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    message = "Send a service token as `Authorization: Bearer …`, or sign in as staff."
    return refuse(ApiError(401, "not_signed_in", message))


def _http(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    # ninja wraps what the body's parser says.
    if isinstance(error.__cause__, ApiError):
        return refuse(error.__cause__)
    return refuse(ApiError(error.status_code, "bad_request", str(error)))


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    fields = {_place(found["loc"]): str(found["msg"]).removeprefix("Value error, ") for found in error.errors}
    return refuse(ApiError(422, "invalid", f"Correct {', '.join(fields)}.", fields))


def _not_enqueued(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    return refuse(refusal_of(error))


def _too_large(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    return refuse(ApiError(413, "too_large", "The body is too large."))


def _form(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    # The CSRF check reads a multipart form, and then it is gone.
    return refuse(ApiError(400, "bad_json", "Send JSON, not a form."))


def _not_found(request: HttpRequest, error: Any) -> HttpResponse:  # noqa: ARG001
    return refuse(ApiError(404, "not_found", "There is nothing here."))


def _unexpected(request: HttpRequest, error: Any) -> HttpResponse:
    logger.error("api.failed path=%s error=%s", request.path, type(error).__name__, exc_info=error)
    sentry_sdk.capture_exception(error)
    return refuse(ApiError(500, "unexpected", "Something broke on our side; it has been reported."))


def _place(loc: tuple[Any, ...]) -> str:
    """`payload.name` for ("body", "request", "payload", "name"); the name of a query or path parameter."""
    inner = loc[2:] if loc[0] == "body" else loc[1:]
    return ".".join(str(part) for part in inner) or "body"
