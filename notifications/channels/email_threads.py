"""Mail backends that block (SMTP, Amazon SES, Django's own), in threads: in, a Message; out, an Outcome.

One open connection a thread: a new one for each mail costs a third of the speed, and an SMTP server minds.
"""

import asyncio
import smtplib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailError
from django.core.mail import get_connection

from notifications.channels import smtp_codes
from notifications.channels.anymail_http import from_api_error
from notifications.channels.mail import as_mail
from notifications.channels.network import KEEP_ALIVE, from_exception
from notifications.conf import conf
from notifications.errors import Outcome, Permanent, Sent, Transient, Unknown
from notifications.masking import words_of
from notifications.message import Message


class EmailThreads:
    """As many threads as calls may be in flight, each with its own connection."""

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._pool = ThreadPoolExecutor(conf().concurrency, thread_name_prefix="email")
        self._mine = threading.local()
        self._open: set[Any] = set()

    async def send(self, message: Message) -> Outcome:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._send, message)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown)
        for connection in self._open:
            await asyncio.to_thread(connection.close)
        self._open.clear()

    def _send(self, message: Message) -> Outcome:
        mail = as_mail(message)
        try:
            mail.connection = self._connection()
        except (OSError, smtplib.SMTPException) as error:
            return _never_sent(error)
        try:
            mail.send()
        except AnymailAPIError as error:
            return from_api_error(error)
        except AnymailError as error:
            return Permanent(code=type(error).__name__, error=words_of(error))
        except smtplib.SMTPException as error:
            self._drop()
            return smtp_codes.from_exception(error)
        except Exception as error:  # noqa: BLE001 (any backend, any fault: the mail may be out)
            self._drop()
            return from_exception(error) or Unknown(type(error).__name__, words_of(error))
        return Sent(reference=_reference(mail))

    def _connection(self) -> Any:
        connection = getattr(self._mine, "connection", None)
        if connection is not None and time.monotonic() - self._mine.used_at > KEEP_ALIVE:
            # The server may have closed it, and then whether the mail was taken would be unknown.
            self._drop()
            connection = None
        self._mine.used_at = time.monotonic()
        if connection is None:
            connection = get_connection(self._backend)
            connection.open()
            self._mine.connection = connection
            self._open.add(connection)
        return connection

    def _drop(self) -> None:
        """The next mail of this thread opens a new connection: this one may be broken."""
        connection, self._mine.connection = self._mine.connection, None
        self._open.discard(connection)
        connection.close()


def _never_sent(error: Exception) -> Outcome:
    """The connection did not open: nothing can have been sent, and a refused password is our fault."""
    if isinstance(error, smtplib.SMTPException):
        known = smtp_codes.from_exception(error)
        return Transient("connect", known.error) if isinstance(known, Unknown) else known
    return Transient("connect", words_of(error))


def _reference(mail: Any) -> str:
    """Empty for backends that are not Anymail's."""
    accepted = next(iter(mail.anymail_status.recipients.values()), None)
    return str(accepted.message_id or "") if accepted is not None else ""
