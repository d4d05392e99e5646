"""The admin of consent, a module a page."""

from consent.admin import consents, suppressions

__all__ = ["consents", "suppressions"]
