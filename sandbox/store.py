"""What the providers accepted. Accepted messages come in; pages of them, and counts, go out.
Memory is bounded by the number of messages kept and by their bytes: the oldest leave first."""

import secrets
import struct
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from sandbox.keys import base64url
from sandbox.tally import COUNTS, Tally

KEPT_BYTES = 256 * 1024 * 1024


class Content(Protocol):
    """What a provider understood of a message: enough to list it, to search it and to show it."""

    @property
    def channel(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    def as_json(self) -> dict[str, object]: ...


@dataclass(slots=True)
class Received:
    """One accepted message; `events` names what was reported back about it by webhook."""

    number: int
    provider: str
    reference: str
    recipients: tuple[str, ...]
    notification_id: str | None
    received_at: float
    is_duplicate: bool
    content: Content
    size: int
    events: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """The message as a line of a list."""
        text = " ".join(self.content.text[:400].split())
        return {
            "id": self.number,
            "provider": self.provider,
            "channel": self.content.channel,
            "title": self.content.title,
            "snippet": text[:160],
            "recipients": list(self.recipients[:20]),
            "recipient_count": len(self.recipients),
            "notification_id": self.notification_id,
            "received_at": round(self.received_at, 3),
            "duplicate": self.is_duplicate,
            "events": self.events,
        }


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages to list; `after` and `before` are message numbers, both exclusive."""

    provider: str | None = None
    channel: str | None = None
    notification_id: str | None = None
    recipient: str | None = None
    is_duplicate: bool | None = None
    query: str = ""
    after: int = 0
    before: int | None = None

    def admits(self, message: Received) -> bool:
        """Does the message belong on the list?"""
        return (
            (self.provider is None or message.provider == self.provider)
            and (self.channel is None or message.content.channel == self.channel)
            and (self.notification_id is None or message.notification_id == self.notification_id)
            and (self.recipient is None or self.recipient.lower() in message.recipients)
            and (self.is_duplicate is None or message.is_duplicate == self.is_duplicate)
            and (not self.query or self._finds(message))
        )

    def _finds(self, message: Received) -> bool:
        content = message.content
        places = (content.title, content.text, message.notification_id or "", *message.recipients)
        wanted = self.query.lower()
        return any(wanted in place.lower() for place in places)


class Store:
    """Accepted messages, newest last, and the counts since the last reset."""

    def __init__(self, *, keep: int, track: int, providers: Sequence[str]) -> None:
        self._keep = keep
        self._track = track
        self._providers = tuple(providers)
        self._nonce = secrets.randbits(64)  # references stay unique across restarts, as a real provider's do
        self._last = 0
        self.reset()

    def reset(self) -> None:
        """Forget messages and counts; numbers go on, so that no reference is given twice."""
        self._messages: deque[Received] = deque()
        self._bytes = 0
        self.tallies = {provider: Tally(track=self._track) for provider in self._providers}

    def next_reference(self) -> bytes:
        """16 bytes that name the message recorded next, nowhere used before."""
        return struct.pack(">QQ", self._nonce, self._last + 1)

    def record(
        self,
        *,
        provider: str,
        reference: str,
        recipients: tuple[str, ...],
        notification_id: str | None,
        content: Content,
        size: int,
        now: float,
        is_counted: bool = True,
    ) -> Received:
        """Count one accepted message for each recipient, and keep it as long as there is room."""
        self._last += 1
        is_duplicate = is_counted and self.tallies[provider].count(recipients, notification_id)
        message = Received(
            self._last, provider, reference, recipients, notification_id, now, is_duplicate, content, size
        )
        if self._keep:
            self._messages.append(message)
            self._bytes += size
            while len(self._messages) > self._keep or self._bytes > KEPT_BYTES:
                self._bytes -= self._messages.popleft().size
        return message

    def find(self, number: int) -> Received | None:
        """The message with this number, if it is still kept."""
        if not self._messages:
            return None
        position = number - self._messages[0].number
        return self._messages[position] if 0 <= position < len(self._messages) else None

    def find_reference(self, reference: bytes) -> Received | None:
        """The message to which `next_reference` gave these bytes, if it is still kept."""
        nonce, number = struct.unpack(">QQ", reference)
        return self.find(number) if nonce == self._nonce else None

    def search(self, wanted: Filter, limit: int) -> tuple[list[Received], bool]:
        """Newest first, at most `limit`, and whether older ones follow."""
        page = list(islice(self._matching(wanted), limit + 1))
        return page[:limit], len(page) > limit

    def stats(self) -> dict[str, object]:
        """Counts by provider and in total."""
        tallies = self.tallies.values()
        totals = {name: sum(getattr(tally, name) for tally in tallies) for name in (*COUNTS, "unique")}
        providers = {name: tally.as_json() for name, tally in self.tallies.items()}
        kept = {"messages": len(self._messages), "limit": self._keep, "bytes": self._bytes}
        return {
            "totals": totals,
            "providers": providers,
            "kept": kept,
            "cpu_seconds": round(time.process_time(), 3),
        }

    def _matching(self, wanted: Filter) -> Iterator[Received]:
        for message in reversed(self._messages):
            if message.number <= wanted.after:
                return
            if (wanted.before is None or message.number < wanted.before) and wanted.admits(message):
                yield message


def reference_text(reference: bytes) -> str:
    """A reference in 22 URL-safe characters, the length of SendGrid's X-Message-Id."""
    return base64url(reference)
