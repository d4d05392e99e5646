"""One e-mail of a Mail Send request, as its recipients would see it. A checked request and a personalization
come in; subject, parts, headers and attachments with all substitutions made go out, worked out only when
somebody looks."""

import html
import re
from dataclasses import dataclass
from typing import Any

Address = dict[str, str]


@dataclass(frozen=True, slots=True)
class Email:
    """The e-mail that the personalization with this index makes."""

    request: dict[str, Any]
    index: int

    @property
    def channel(self) -> str:
        """The channel as the page filters it."""
        return "email"

    @property
    def title(self) -> str:
        """The subject: the personalization's own, or the message's."""
        return self._fill(self._envelope.get("subject") or self.request.get("subject") or "")

    @property
    def text(self) -> str:
        """What to search: the text part, or the HTML part without its tags."""
        return self._part("text/plain") or html.unescape(
            re.sub(r"<style.*?</style>|<[^>]*>", " ", self.html, flags=re.DOTALL)
        )

    @property
    def html(self) -> str:
        """The HTML part, with inline images in it as data: URLs."""
        source = self._part("text/html")
        for attachment in self.request.get("attachments", ()):
            if attachment.get("content_id"):
                image = f"data:{attachment.get('type', 'image/png')};base64,{attachment['content']}"
                source = source.replace(f"cid:{attachment['content_id']}", image)
        return source

    @property
    def custom_args(self) -> dict[str, str]:
        """Message-level arguments overridden by the personalization's."""
        return {**self.request.get("custom_args", {}), **self._envelope.get("custom_args", {})}

    @property
    def sender(self) -> Address:
        """The from address."""
        address: Address = self._envelope.get("from") or self.request["from"]
        return address

    def recipients(self) -> tuple[str, ...]:
        """Lower-case addresses of to, cc and bcc."""
        envelope = self._envelope
        if "cc" not in envelope and "bcc" not in envelope:
            return tuple(address["email"].lower() for address in envelope["to"])
        return tuple(
            address["email"].lower() for kind in ("to", "cc", "bcc") for address in envelope.get(kind, ())
        )

    def as_json(self) -> dict[str, object]:
        """Everything the page shows, the HTML apart: that goes into a frame of its own."""
        reply_to = self.request.get("reply_to_list") or [
            self.request[name] for name in ("reply_to",) if name in self.request
        ]
        return {
            "subject": self.title,
            "from": self.sender,
            "to": self._envelope["to"],
            "cc": self._envelope.get("cc", []),
            "bcc": self._envelope.get("bcc", []),
            "reply_to": reply_to,
            "headers": {**self.request.get("headers", {}), **self._envelope.get("headers", {})},
            "custom_args": self.custom_args,
            "categories": self.request.get("categories", []),
            "text": self._part("text/plain"),
            "html": self.html,
            "attachments": [
                {
                    "filename": item["filename"],
                    "type": item.get("type"),
                    "bytes": len(item["content"]) * 3 // 4,
                }
                for item in self.request.get("attachments", ())
            ],
        }

    @property
    def _envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = self.request["personalizations"][self.index]
        return envelope

    def _part(self, kind: str) -> str:
        for part in self.request.get("content", ()):
            if part["type"].split(";")[0].strip().lower() == kind:
                return self._fill(part["value"])
        return ""

    def _fill(self, source: str) -> str:
        """Substitutions replace their tags everywhere, and sections replace what substitutions brought in."""
        for tag, value in (self._envelope.get("substitutions") or {}).items():
            source = source.replace(tag, value or "")
        for tag, value in self.request.get("sections", {}).items():
            source = source.replace(tag, value)
        return source
