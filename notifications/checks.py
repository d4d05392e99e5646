"""Is the configuration complete? In: settings; out, a system check's message for each variable that is missing or wrong.

`manage.py check` runs it, and so does every command that needs it. Each message names the variable and what to write.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from py_vapid import Vapid

from consent.addresses import AddressError, normalise
from consent.models import Channel
from notifications.api.tokens import token_problems
from notifications.breaker import BreakerPolicy
from notifications.conf import conf
from notifications.gate_checks import gate_problems
from notifications.rate import parse as parse_rate
from notifications.retention import retention_problems
from notifications.webhooks.problems import webhook_problems

_NEEDED_LIVE = {
    "SECRET_KEY": "50 random characters",
    "PUBLIC_URL": "the https address that customers' links begin with",
    "ALLOWED_HOSTS": "the host names that this site answers to",
    "EMAIL_FROM": "the sender of e-mails, such as Fundy Equipment <hello@rental.example>",
    "POSTAL_ADDRESS": "the postal address in every footer (CAN-SPAM, CASL)",
    "TWILIO_ACCOUNT_SID": "the account's SID (AC…)",
    "TWILIO_AUTH_TOKEN": "the account's auth token",
    "TWILIO_FROM": "the sending number in E.164",
    "VAPID_PRIVATE_KEY": "the private key of web push, base64url",
    "VAPID_SUBJECT": "mailto: or https: address of whoever runs this",
    "STRIPE_API_KEY": "a restricted key that may read payouts and balance transactions",
    "SENDGRID_WEBHOOK_KEY": "the verification key of SendGrid's signed event webhook",
}


@register("postroom")
def check_settings(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001 (Django's signature)
    """Everything that is wrong, at once."""
    return [
        *_mode(),
        *_present(),
        *_urls(),
        *_sender(),
        *_vapid(),
        *_tokens(),
        *_paths(),
        *_gates(),
        *_speeds(),
        *_push_hosts(),
        *_webhooks(),
        *_retention(),
    ]


def _mode() -> Iterator[CheckMessage]:
    if settings.POSTROOM_MODE not in ("sandbox", "live"):
        yield _error(1, "POSTROOM_MODE", f"is “{settings.POSTROOM_MODE}”: write sandbox or live")


def _present() -> Iterator[CheckMessage]:
    if settings.SANDBOX:
        return
    for name, what in _NEEDED_LIVE.items():
        try:
            value = getattr(settings, name, None)
        except ImproperlyConfigured:
            value = None
        if not value:
            yield _error(2, name, f"is missing: set it to {what}")
    if "sendgrid" in settings.EMAIL_BACKEND and not settings.ANYMAIL.get("SENDGRID_API_KEY"):
        yield _error(2, "SENDGRID_API_KEY", "is missing: set it to a key with the Mail Send scope")


def _urls() -> Iterator[CheckMessage]:
    urls = {
        "PUBLIC_URL": settings.PUBLIC_URL,
        "SENDGRID_API_URL": settings.ANYMAIL["SENDGRID_API_URL"],
        "TWILIO_API_URL": settings.TWILIO_API_URL,
        "STRIPE_API_URL": settings.STRIPE_API_URL,
    }
    for name, value in urls.items():
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            yield _error(3, name, f"is “{value}”: write a whole address, such as https://rental.example")
        elif value and parts.scheme == "http" and not settings.SANDBOX:
            yield _error(3, name, "must begin with https:// in live mode")


def _sender() -> Iterator[CheckMessage]:
    address = re.sub(r"^.*<(.*)>$", r"\1", settings.EMAIL_FROM)
    for name, channel, value in (
        ("EMAIL_FROM", "email", address),
        ("TWILIO_FROM", "sms", settings.TWILIO_FROM),
    ):
        try:
            if value:
                normalise(channel, value)
        except AddressError:
            # Twilio's own test sender is no assignable number.
            if value != "+15005550006":
                yield _error(4, name, f"is not an address for {channel}: see .env.example")


def _vapid() -> Iterator[CheckMessage]:
    if settings.VAPID_PRIVATE_KEY:
        try:
            Vapid.from_string(settings.VAPID_PRIVATE_KEY)
        except Exception:  # noqa: BLE001 (py-vapid lets through whatever its libraries raise)
            yield _error(5, "VAPID_PRIVATE_KEY", "cannot be read: write the 32 bytes of the key as base64url")
    if settings.VAPID_SUBJECT and not settings.VAPID_SUBJECT.startswith(("mailto:", "https://")):
        yield _error(5, "VAPID_SUBJECT", "must begin with mailto: or https:// (RFC 8292 §2.1)")


def _tokens() -> Iterator[CheckMessage]:
    for problem in token_problems(settings.SERVICE_TOKENS):
        yield _error(6, "SERVICE_TOKENS", f"{problem}; see .env.example")


def _paths() -> Iterator[CheckMessage]:
    for key in ("DIRECTORY", "KICK", "ERASE", "KICK_FEEDBACK", "KICK_ACTS", "ROLE_RIGHTS", "JOBS"):
        path = settings.NOTIFICATIONS.get(key)
        if not path:
            if key == "DIRECTORY":
                yield _error(7, 'NOTIFICATIONS["DIRECTORY"]', "is missing: name your class of people")
            continue
        try:
            import_string(path)
        except ImportError as error:
            yield _error(7, f'NOTIFICATIONS["{key}"]', f"cannot be imported: {error}")


def _speeds() -> Iterator[CheckMessage]:
    for channel, text in settings.NOTIFICATIONS.get("RATE_LIMITS", {}).items():
        name = f'NOTIFICATIONS["RATE_LIMITS"]["{channel}"]'
        if channel not in Channel.values:
            yield _error(8, name, f"names no channel: write one of {', '.join(Channel.values)}")
        try:
            parse_rate(text)
        except ValueError as error:
            yield _error(8, name, f"is wrong: {error}")
    policy = settings.NOTIFICATIONS.get("BREAKER", BreakerPolicy())
    if not isinstance(policy, BreakerPolicy):
        yield _error(8, 'NOTIFICATIONS["BREAKER"]', "is no notifications.breaker.BreakerPolicy(threshold=…)")
    elif policy.threshold < 1 or not dt.timedelta() < policy.first <= policy.longest:
        yield _error(8, 'NOTIFICATIONS["BREAKER"]', "needs threshold ≥ 1 and 0 < first ≤ longest")


def _push_hosts() -> Iterator[CheckMessage]:
    given = settings.NOTIFICATIONS.get("PUSH_HOSTS", ())
    if isinstance(given, str):
        given = (given[:0],)  # a name alone, without its comma, would be read letter by letter
    for name in given:
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", str(name)) or str(name).replace(".", "").isdigit():
            text = "must be a tuple of host names in lower case, such as fcm.googleapis.com"
            yield _error(10, 'NOTIFICATIONS["PUSH_HOSTS"]', text)


def _gates() -> Iterator[CheckMessage]:
    for name, problem in gate_problems():
        yield _error(9, name, problem)


def _webhooks() -> Iterator[CheckMessage]:
    for name, problem in webhook_problems():
        yield _error(10, name, problem)


def _retention() -> Iterator[CheckMessage]:
    caps = conf().caps
    for problem in retention_problems(conf().retention, caps if isinstance(caps, Mapping) else {}):
        yield _error(11, 'NOTIFICATIONS["RETENTION"]', problem)


def _error(number: int, name: str, text: str) -> CheckMessage:
    return Error(f"{name} {text}.", id=f"postroom.E{number:03}")
