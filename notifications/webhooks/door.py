"""The door that every webhook comes through: in, a provider's POST; out, its body to a view, or a refusal in one line.

No session and no cookie is read, which is why it is exempt from CSRF protection: who posts proves it by a signature.
Whatever is posted, the answer is no 5xx but for a key that we lack: a provider repeats what got a 5xx for a day.
"""

import datetime as dt
import logging
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest, bytes, dt.datetime], HttpResponse]


class Refused(Exception):  # noqa: N818 (an answer, not an error of ours)
    """This post is not taken. `why` is stable and goes into the log; the text says what to do. Neither quotes the post."""

    def __init__(self, status: int, why: str, text: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.text = text


def webhook(*, provider: str, biggest: int) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """A view of POST alone, that gets at most `biggest` bytes and may raise Refused."""

    def decorate(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def opened(request: HttpRequest) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            try:
                return view(request, _body(request, biggest), timezone.now())
            except Refused as refused:
                logger.warning("webhook.refused provider=%s why=%s", provider, refused.why)
                return answer(refused.text, status=refused.status)

        return opened

    return decorate


def answer(text: str, *, status: int = 200) -> HttpResponse:
    """One line of plain text, which no one keeps."""
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8", status=status, headers=headers)


def _body(request: HttpRequest, biggest: int) -> bytes:
    """Read here, not by `request.body`, whose limit is the forms' (2.5 MB); one byte too many is enough to know."""
    try:
        body = request.read(biggest + 1)
    except UnreadablePostError:
        raise Refused(400, "unreadable", "The post broke off: send it again.") from None
    if len(body) > biggest:
        raise Refused(413, "too_large", f"The limit is {biggest} bytes: send smaller batches.")
    return body
