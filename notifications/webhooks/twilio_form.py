"""Twilio's webhooks: in, a POST; out, its form to a view, if Twilio's signature is on it.

They sign the address as they see it, and a proxy changes scheme and host on the way to us: so it is put together from
`PUBLIC_URL` and the path. https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import datetime as dt
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, QueryDict
from twilio.request_validator import RequestValidator

from notifications.webhooks.door import Refused, webhook

# A text message has at most 1,600 characters, each up to 12 bytes in a form; the rest is some thirty short fields.
BIGGEST = 64 * 1024
SIGNATURE = "X-Twilio-Signature"

FormView = Callable[[HttpRequest, QueryDict, dt.datetime], HttpResponse]


def twilio_webhook(view: FormView) -> Callable[[HttpRequest], HttpResponse]:
    """Let in what Twilio signed. The view gets the form, whose texts PostgreSQL can store, and the moment."""

    @webhook(provider="twilio", biggest=BIGGEST)
    def opened(request: HttpRequest, body: bytes, now: dt.datetime) -> HttpResponse:
        form = _form(body)
        if not settings.TWILIO_AUTH_TOKEN:
            raise Refused(503, "no_key", "TWILIO_AUTH_TOKEN is not set here, so nothing can be verified.")
        validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
        if not validator.validate(public_address(request), form, request.headers.get(SIGNATURE, "")):
            # Most often PUBLIC_URL is not what Twilio calls: see docs/runbooks/webhooks-refused.md.
            raise Refused(403, "signature", "This is not signed with our token for this address.")
        return view(request, form, now)

    return opened


def public_address(request: HttpRequest) -> str:
    """The address as the provider called it."""
    query = request.META.get("QUERY_STRING", "")
    return f"{settings.PUBLIC_URL}{request.path_info}" + (f"?{query}" if query else "")


def _form(body: bytes) -> QueryDict:
    """Refuses what no form is. A broken character is replaced, as in any form; a NUL could be in no column."""
    try:
        form = QueryDict(body, encoding="utf-8")
    except TooManyFieldsSent:
        raise Refused(400, "too_many_fields", "This form has too many fields.") from None
    if any("\0" in text for name, texts in form.lists() for text in (name, *texts)):
        raise Refused(400, "nul", "This form holds a NUL character.")
    return form
