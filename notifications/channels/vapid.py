"""Who we are, for a push service: in, its origin; out, the Authorization header of RFC 8292, signed once in twelve hours."""

import time

from django.conf import settings
from py_vapid import Vapid02

# RFC 8292 §2 allows 24 hours at most; half of it leaves room for clocks that disagree, on both sides.
LIFETIME = 12 * 3600
# Signed again well before it ends: a request may take a while, and a push service's clock may be ahead.
RENEW_AFTER = LIFETIME // 2
# Origins come from browsers; there are half a dozen real ones.
MOST_ORIGINS = 200


class VapidHeaders:
    """Signing costs more than encrypting, and a push service verifies a header that it knows faster."""

    def __init__(self) -> None:
        self._key: Vapid02 | None = None
        self._signed: dict[str, tuple[float, str]] = {}

    def __call__(self, origin: str) -> str:
        now = time.time()
        signed_at, header = self._signed.get(origin, (0.0, ""))
        # A clock that was set back must not keep a header whose time seems to come yet.
        if not 0 <= now - signed_at < RENEW_AFTER:
            header = self._sign(origin, int(now) + LIFETIME)
            if len(self._signed) >= MOST_ORIGINS:
                self._signed.clear()
            self._signed[origin] = now, header
        return header

    def _sign(self, origin: str, expires_at: int) -> str:
        if self._key is None:
            self._key = Vapid02.from_string(settings.VAPID_PRIVATE_KEY)
        claims = {"sub": settings.VAPID_SUBJECT, "aud": origin, "exp": expires_at}
        return str(self._key.sign(claims)["Authorization"])
