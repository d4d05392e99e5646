"""Are the doors and the watch set up? In: settings; out, a system check's message for each variable of them that is malformed."""

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


@register()
def check_watch(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001 (Django's signature)
    """What it says of those of docs/howto/monitor.md."""
    if 0 <= settings.SENTRY_TRACES_SAMPLE_RATE <= 1:
        return []
    text = (
        "SENTRY_TRACES_SAMPLE_RATE is no share: write a number from 0 (no traces) to 1 (all), such as 0.05."
    )
    return [Error(text, id="config.E002")]
