"""What customers texted us, as rows of their own right: a view on the events, with a page and permissions of its own."""

from django.utils.translation import gettext_lazy as _

from notifications.models.events import ProviderEvent


class InboundText(ProviderEvent):
    """An event of type «inbound». `outcome` is what it was taken for (`consent.understand.Meaning`)."""

    class Meta:
        proxy = True
        verbose_name = _("text from a customer")
        verbose_name_plural = _("texts from customers")
        permissions = [("read_inboundtext", _("Can read what customers text us"))]

    @property
    def keyword(self) -> str:
        return str(self.detail.get("keyword", ""))

    @property
    def answer(self) -> str:
        return str(self.detail.get("answer", ""))

    @property
    def sealed_text(self) -> str:
        kept = self.detail.get("text")
        return str(kept.get("sealed", "")) if isinstance(kept, dict) else ""
