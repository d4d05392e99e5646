"""E-mail through Anymail: in, a Message with subject, text and HTML; out, what the provider answered.

SendGrid by default, any backend of Anymail or Django by setting. Anymail builds the request and reads the answer;
HTTP providers are called through our own client (`anymail_http`), all others in threads (`email_threads`).
"""

import warnings
from collections.abc import Sequence
from typing import ClassVar, overload

from anymail.backends.base_requests import AnymailRequestsBackend
from anymail.backends.sendgrid import EmailBackend as SendGrid
from anymail.exceptions import AnymailNotSupportedWarning
from django.conf import settings
from django.core.mail import get_connection
from django.utils.module_loading import import_string

from notifications.channels.anymail_group import MOST, ROOM, WIDTH, send_group
from notifications.channels.anymail_http import AnymailHttp
from notifications.channels.base import Channel
from notifications.channels.email_threads import EmailThreads
from notifications.conf import conf
from notifications.errors import Outcome
from notifications.message import Message

# Known and pinned: our contract tests run Anymail's SendGrid adapter against the published protocol.
warnings.filterwarnings("ignore", category=AnymailNotSupportedWarning)

# Connections beside those of the calls: a refused group makes some of its own, and two groups may be under way.
EXTRA = 2 * WIDTH


class _Provider:
    """Named by the setting, on the class too: whoever only asks for the name need not build a channel."""

    @overload
    def __get__(self, instance: None, owner: type) -> str: ...
    @overload
    def __get__(self, instance: object, owner: type) -> str: ...
    def __get__(self, instance: object, owner: type) -> str:
        # "anymail.backends.sendgrid.EmailBackend" → "sendgrid"
        return str(settings.EMAIL_BACKEND).split(".")[-2]


class EmailChannel(Channel):
    name: ClassVar[str] = "email"
    provider = _Provider()

    def __init__(self) -> None:
        self._carrier: AnymailHttp | EmailThreads | None = None
        if issubclass(import_string(settings.EMAIL_BACKEND), SendGrid):
            self.group_limit, self.group_room = MOST, ROOM

    async def deliver_one(self, message: Message) -> Outcome:
        carrier = self._carrier or self._open()
        return await carrier.send(message)

    async def deliver_together(self, messages: Sequence[Message]) -> list[Outcome]:
        carrier = self._carrier or self._open()
        if isinstance(carrier, AnymailHttp) and self.group_limit > 1:
            return await send_group(carrier, messages)
        return await super().deliver_together(messages)

    async def close(self) -> None:
        if self._carrier is not None:
            await self._carrier.close()
            self._carrier = None

    def _open(self) -> AnymailHttp | EmailThreads:
        backend = get_connection(settings.EMAIL_BACKEND)
        if isinstance(backend, AnymailRequestsBackend):
            self._carrier = AnymailHttp(backend, width=conf().concurrency + EXTRA)
        else:
            self._carrier = EmailThreads(settings.EMAIL_BACKEND)
        return self._carrier
