"""One push message as the browser would show it. The decrypted payload comes in, title, body and the rest go
out."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Push:
    """A decrypted push message; `payload` is None for a message without one (the browser only wakes up)."""

    endpoint: str
    payload: bytes | None
    ttl: int
    urgency: str
    topic: str | None
    subject: str | None

    @property
    def channel(self) -> str:
        """The channel as the page filters it."""
        return "push"

    @cached_property
    def data(self) -> dict[str, Any]:
        """The payload as a JSON object; empty where it is none."""
        try:
            value = json.loads(self.payload or b"")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def notification_id(self) -> str | None:
        """Our id in the payload."""
        value = self.data.get("id")
        return str(value) if value is not None else None

    @property
    def title(self) -> str:
        """The title, or the beginning of a payload without one."""
        return str(self.data.get("title") or self.text[:80])

    @property
    def text(self) -> str:
        """The body, or the whole payload where it is not the JSON of a notification."""
        if "body" in self.data:
            return str(self.data["body"])
        return (self.payload or b"").decode("utf-8", "replace")

    def as_json(self) -> dict[str, object]:
        """Everything the page shows."""
        return {
            "title": self.title,
            "body": self.text,
            "data": self.data,
            "raw": (self.payload or b"").decode("utf-8", "replace"),
            "endpoint": self.endpoint,
            "ttl": self.ttl,
            "urgency": self.urgency,
            "topic": self.topic,
            "vapid_subject": self.subject,
        }
