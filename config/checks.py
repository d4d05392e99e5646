"""Are the doors set up? In: settings; out, a system check's message for each variable of them that is malformed."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def check_doors(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001 (Django's signature)
    """What `manage.py check` says of config/doors.py's variables."""
    if settings.TRUSTED_PROXIES >= 0:
        return []
    text = "TRUSTED_PROXIES is no number: write how many proxies of yours stand before the web server, such as 1."
    return [Error(text, id="config.E001")]
