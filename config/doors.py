"""How Postroom's doors are locked: in, whether this is a sandbox; out, Django's security settings and those of our own middleware.

Who wrote what down where: docs/security.md.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

ACCOUNTS_SESSION = dt.timedelta(hours=12)
BIGGEST_FORM = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in a window of time."""

    most: int
    window: dt.timedelta


def locks(*, sandbox: bool) -> dict[str, Any]:
    """https://docs.djangoproject.com/en/5.2/topics/security/. Live mode speaks https alone, behind a proxy that ends TLS."""
    live = not sandbox
    return {
        # A working day; who comes back tomorrow signs in again. Lax: no other site's form carries the session.
        "SESSION_COOKIE_AGE": int(ACCOUNTS_SESSION.total_seconds()),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": live,
        "CSRF_COOKIE_SECURE": live,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SECURE_SSL_REDIRECT": live,
        "SECURE_REDIRECT_EXEMPT": [r"^healthz$", r"^readyz$"],  # probes come from inside, without TLS
        "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https") if live else None,
        "SECURE_HSTS_SECONDS": 31_536_000 if live else 0,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": live,
        "SECURE_HSTS_PRELOAD": live,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",  # but for a message's HTML, whose views say otherwise
        "DATA_UPLOAD_MAX_MEMORY_SIZE": BIGGEST_FORM,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": 1000,
        "DATA_UPLOAD_MAX_NUMBER_FILES": 10,
    }


def policies() -> dict[str, str]:
    """Content-Security-Policy by the beginning of a path; what is not named gets the first. What a view sets itself, such
    as the public pages and the frames, stands. `unsafe-eval` is Alpine's, and the inline styles are unfold's; no
    inline script runs anywhere."""
    return {
        "": _policy("default-src 'none'", "form-action 'none'", "frame-ancestors 'none'"),
        "/admin/": _policy(
            "default-src 'none'",
            "script-src 'self' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ),
        "/api/docs": _policy(
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ),
    }


def permissions() -> str:
    """Permissions-Policy: no page of ours uses any of these."""
    features = (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
        "payment", "publickey-credentials-create", "screen-wake-lock", "usb", "xr-spatial-tracking",
    )  # fmt: skip
    return ", ".join(f"{feature}=()" for feature in features)


def limits() -> dict[str, Limit]:
    """How often, from one network or for one account; what each counts is in config/rate_limits.py and config/login.py.
    A limit that is taken out limits nobody."""
    minute, quarter = dt.timedelta(minutes=1), dt.timedelta(minutes=15)
    return {
        "webhooks": Limit(60, minute),
        "pages": Limit(300, minute),  # a company's readers, and the scanner of its mail, share an address
        "lost_links": Limit(30, minute),
        "bad_tokens": Limit(30, minute),
        "logins_of_one": Limit(5, quarter),
        "logins_of_network": Limit(50, quarter),
        "codes_of_one": Limit(10, quarter),
        "refusals_noted": Limit(10, quarter),  # in the audit log; from many networks there may be any number
    }


def proxies(text: str, *, sandbox: bool) -> int:
    """How many of ours stand in front; -1 for what is no number, which a system check names."""
    if not text:
        return 0 if sandbox else 1
    return int(text) if text.isascii() and text.isdigit() else -1


def _policy(*directives: str) -> str:
    return "; ".join((*directives, "base-uri 'none'"))
