"""What customers texted us, as rows of their own right: a view on the events, with a page and permissions of its own."""

import json
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from consent.sealed import unseal
from notifications.models.events import ProviderEvent


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote, and from which number."""

    sender: str
    text: str


class InboundText(ProviderEvent):
    """An event of type «inbound». `outcome` is what it was taken for (`consent.understand.Meaning`)."""

    class Meta:
        proxy = True
        verbose_name = _("text from a customer")
        verbose_name_plural = _("texts from customers")
        permissions = [("read_inboundtext", _("Can read what customers text us"))]

    def __str__(self) -> str:
        return self.address_hint

    @property
    def keyword(self) -> str:
        return str(self.detail.get("keyword", ""))

    @property
    def answer(self) -> str:
        return str(self.detail.get("answer", ""))

    @property
    def decided(self) -> dict[str, str]:
        """What a person made of it: what, by, at, reason (open_texts.py); empty where nobody did yet."""
        kept = self.detail.get("decided")
        return {str(name): str(value) for name, value in kept.items()} if isinstance(kept, dict) else {}

    @property
    def sealed_text(self) -> str:
        """Its words and its sender's number, where it is no mere keyword; `opened` reads it."""
        kept = self.detail.get("text")
        return str(kept.get("sealed", "")) if isinstance(kept, dict) else ""

    def opened(self) -> Written:
        """Raises SealError."""
        read = json.loads(unseal(self.sealed_text))
        return Written(read["from"], read["text"])
