"""What the public pages share: in, a request with a token; out, a page in the reader's language, and its headers.

No login and no cookie is read or set: the token in the URL is the whole capability, as RFC 8058 needs. That is
why they are exempt from CSRF protection, which guards *cookies* against other sites: who knows the URL may act
anyway, and who does not know it cannot forge the request.
"""

import datetime as dt
import ipaddress
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt

from consent import wording
from consent.models import UnsubscribeToken
from consent.tokens import find_even_expired

BIGGEST_BODY = 16 * 1024
METHODS = ("GET", "HEAD", "POST")


class Link(Protocol):
    """What a token opens."""

    locale: str
    expires_at: dt.datetime


Opened = TypeVar("Opened", bound=Link)
View = Callable[[HttpRequest, Opened, dt.datetime], HttpResponse]


def opened_by(
    find: Callable[[str], Opened | None], *, lost: str
) -> Callable[[View[Opened]], Callable[..., HttpResponse]]:
    """Opens the token of the URL with `find`, or answers 404 (never heard of) or 410 (expired) with the page `lost`, which says
    what to do instead."""

    def decorate(view: View[Opened]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def opened(request: HttpRequest, token: str) -> HttpResponse:
            if request.method not in METHODS:
                return with_headers(HttpResponseNotAllowed(METHODS))
            if _body_length(request) > BIGGEST_BODY:
                return with_headers(HttpResponse("Too large.\n", content_type="text/plain", status=413))
            link, now = find(token), timezone.now()
            with translation.override(_language(request, link)):
                if link is None:
                    return page(lost, {"expired": False}, status=404)
                if link.expires_at <= now:
                    return page(lost, {"expired": True}, status=410)
                return view(request, link, now)

        return opened

    return decorate


# For the links that every message carries.
public_page = opened_by(find_even_expired, lost="consent/lost.html")


def page(template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A whole page. Rendered without the request, so that no context processor can touch the session."""
    nonce = secrets.token_urlsafe(16)
    language = translation.get_language() or settings.LANGUAGE_CODE
    shared = {
        "nonce": nonce,
        "language": language,
        "other_languages": [
            translation.get_language_info(code) for code, _ in settings.LANGUAGES if code != language
        ],
        "company": wording.company(),
        "postal_address": settings.POSTAL_ADDRESS,
    }
    return with_headers(
        HttpResponse(render_to_string(template, shared | context), status=status), nonce=nonce
    )


def with_headers(response: HttpResponse, *, nonce: str = "") -> HttpResponse:
    """Nothing is loaded, framed, cached, indexed or told to other sites: the URL is a secret."""
    style = f"style-src 'nonce-{nonce}'; " if nonce else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {style}img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return response


def form_of(request: HttpRequest) -> QueryDict:
    """What was posted, urlencoded or multipart. A body that can't be read counts as empty: leaving must not fail on it."""
    if not _body_length(request):
        return QueryDict()
    try:
        return request.POST
    except (
        BadRequest,
        MultiPartParserError,
        RequestDataTooBig,
        TooManyFieldsSent,
        TooManyFilesSent,
        UnreadablePostError,
    ):
        return QueryDict()


def evidence_of(request: HttpRequest, link: UnsubscribeToken | None = None) -> dict[str, str]:
    """What shows later that the click was real: the message it came from, the program, and the network (no full IP)."""
    found = {
        "notification_id": str((link and link.notification_id) or ""),
        "user_agent": request.headers.get("User-Agent", "")[:200],
        "network": _network(request.META.get("REMOTE_ADDR", "")),
    }
    return {name: value for name, value in found.items() if value}


def _language(request: HttpRequest, link: Link | None) -> str:
    asked = request.GET.get("lang", "")
    if asked in dict(settings.LANGUAGES):
        return asked
    try:
        return translation.get_supported_language_variant(
            link.locale if link else translation.get_language() or ""
        )
    except LookupError:
        return str(settings.LANGUAGE_CODE)


def _body_length(request: HttpRequest) -> int:
    # Without a length nothing is read, so that nobody can stream a body without end.
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def _network(address: str) -> str:
    try:
        bits = 24 if ipaddress.ip_address(address).version == 4 else 48
        return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
    except ValueError:
        return ""
