"""Anymail's HTTP backends over our own client: in, a Message; out, an Outcome. Anymail's payloads and parsing, no `requests` call.

The transport of `requests` took most of the time of a mail. Anymail's pre_send and post_send signals are not sent:
they run listeners of any kind, which must not happen on the event loop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests
from anymail.backends.base_requests import AnymailRequestsBackend
from anymail.backends.sendgrid import EmailBackend as SendGrid
from anymail.exceptions import AnymailAPIError, AnymailError
from requests.structures import CaseInsensitiveDict

from notifications.channels import mail, sendgrid_codes, taxonomy
from notifications.channels.network import Answer, Client, Lost, from_exception, retry_after
from notifications.conf import conf
from notifications.errors import Outcome, Permanent, Sent, Transient, Unknown
from notifications.masking import redact, words_of
from notifications.message import Message

TIMEOUT = 30.0
# Anymail's words for a recipient whom the provider will not write to.
REFUSED = frozenset({"invalid", "rejected", "failed"})
UNCLEAR = frozenset({None, "unknown"})
# What Anymail raises while it reads an answer.
ERRORS = (AnymailAPIError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one request. `outcome` is None where the provider accepted it: then the answer has to be read."""

    outcome: Outcome | None
    payload: Any = None
    response: requests.Response | None = None


class AnymailHttp:
    """One backend, never opened: it only builds payloads and reads answers."""

    def __init__(self, backend: AnymailRequestsBackend, *, width: int = 0) -> None:
        self.backend = backend
        self._client = Client(width=width or conf().concurrency, timeout=TIMEOUT)

    async def send(self, message: Message) -> Outcome:
        """One message, by a request of its own."""
        reply = await self.post(partial(self._payload, message))
        if reply.outcome is not None:
            return reply.outcome
        try:
            # One recipient, so one status.
            (status,) = self.backend.parse_recipient_status(
                reply.response, reply.payload, reply.payload.message
            ).values()
        except ERRORS as error:
            return _unreadable(error, reply.response)
        if status.status in REFUSED:
            return Permanent(code=str(status.status), error="The provider refuses this recipient.")
        if status.status in UNCLEAR and not status.message_id:
            return Unknown(
                "unreadable", "The provider answered, and did not say what became of this recipient."
            )
        # The id that Anymail puts into custom_args, which SendGrid's webhooks repeat (its own id is not in the answer).
        return Sent(reference=status.message_id or "")

    async def post(self, make: Callable[[], Any]) -> Reply:
        """Make a payload of Anymail's and send it."""
        try:
            payload = make()
            url, headers, body = _request(payload.get_request_params(self.backend.api_url))
        except AnymailError as error:
            return Reply(Permanent(code=type(error).__name__, error=words_of(error)))
        try:
            response = _as_requests(await self._client.post(url, headers=headers, body=body))
        except Lost as lost:
            return Reply(lost.outcome)
        try:
            self.backend.raise_for_status(response, payload, payload.message)
        except ERRORS as error:
            return Reply(_unreadable(error, response), payload, response)
        return Reply(None, payload, response)

    async def close(self) -> None:
        await self._client.close()

    def _payload(self, message: Message) -> Any:
        if isinstance(self.backend, SendGrid):
            return mail.sendgrid_payload(self.backend, message)
        return self.backend.build_message_payload(mail.as_mail(message), self.backend.send_defaults)


def _unreadable(error: Exception, response: Any) -> Outcome:
    if isinstance(error, AnymailAPIError):
        return from_api_error(error)
    return Unknown(
        "unreadable", redact(f"The provider answered {response.status_code}: {type(error).__name__}.")
    )


def from_api_error(error: Any) -> Outcome:
    """The outcome of an AnymailAPIError. Its own text repeats the whole payload, so it is never shown."""
    status = error.status_code
    if status is None:
        return from_exception(error) or Transient(code="unreadable", error=type(error).__name__)
    if 200 <= status < 300:
        return Unknown("unreadable", f"The provider answered {status} with a body that cannot be read.")
    row = sendgrid_codes.of(status) if error.esp_name == "SendGrid" else taxonomy.by_status(status)
    return taxonomy.outcome(
        row, code=str(status), error=_words(error.response), retry_after=retry_after(error.response.headers)
    )


def _words(response: Any) -> str:
    """The messages of SendGrid's error body, without what they echo; for others the table speaks."""
    try:
        errors = response.json()["errors"]
        return redact("; ".join(f"{entry.get('field') or 'request'}: {entry['message']}" for entry in errors))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _request(params: Mapping[str, Any]) -> tuple[str, Mapping[str, str], bytes]:
    """What goes over the wire. Forms, files and basic authentication are `requests`' to encode, without its transport."""
    data = params["data"]
    if isinstance(data, str | bytes) and not (params["params"] or params["files"] or params["auth"]):
        return params["url"], params["headers"] or {}, data.encode() if isinstance(data, str) else data
    known = {key: params[key] for key in ("method", "url", "params", "data", "headers", "files", "auth")}
    prepared = requests.Request(**known).prepare()
    body = prepared.body or b""
    headers = {key: value for key, value in prepared.headers.items() if key.lower() != "content-length"}
    return str(prepared.url), headers, body.encode() if isinstance(body, str) else body


def _as_requests(answer: Answer) -> requests.Response:
    """The answer in the form that Anymail's backends read."""
    response = requests.Response()
    response.status_code, response.reason = answer.status, answer.reason
    response.headers = CaseInsensitiveDict(answer.headers)
    response.encoding = "utf-8"
    response._content = answer.body  # noqa: SLF001 (it has no other way in)
    return response
