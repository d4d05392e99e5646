"""Posts of providers for tests: in, what they say; out, the answer to a post signed as they sign."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import QueryDict
from django.test import Client
from twilio.request_validator import RequestValidator


def twilio_post(
    client: Client,
    path: str,
    form: dict[str, str] | bytes,
    *,
    sent: dict[str, str] | None = None,
    signature: str | None = None,
    token: str | None = None,
    signed_url: str | None = None,
    signed_path: str | None = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """A form as Twilio posts it. `sent` is posted in place of what was signed."""
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    if signature is None:
        url = signed_url or settings.PUBLIC_URL + (signed_path or path)
        validator = RequestValidator(settings.TWILIO_AUTH_TOKEN if token is None else token)
        signature = validator.compute_signature(
            url, QueryDict(body[:100_000]) if body.count(b"&") < 900 else {}
        )
    return client.post(
        path,
        body if sent is None else urlencode(sent).encode(),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signature, **(headers or {})},
    )
