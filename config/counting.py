"""Is it too often? In, a limit and who; out, how often in its window, over all processes and hosts.

A window begins with the first count and ends by itself: who keeps trying is let in again no later. What is kept of a
caller is a keyed hash. Where the database does not answer nobody is refused for it: the view will say so itself.
"""

import logging
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.crypto import salted_hmac

from config.doors import Limit

logger = logging.getLogger(__name__)

_SALT = "config.counting"
# One count in so many sweeps what is over, so that the table holds the callers of a few windows.
_SWEEP_ONE_IN, _SWEPT = 50, 200

COUNT = """
INSERT INTO request_counts AS kept (digest, count, ends_at)
VALUES (%(digest)s, 1, clock_timestamp() + %(window)s * interval '1 second')
ON CONFLICT (digest) DO UPDATE SET
    count = CASE WHEN kept.ends_at <= clock_timestamp() THEN 1 ELSE kept.count + 1 END,
    ends_at = CASE WHEN kept.ends_at <= clock_timestamp() THEN EXCLUDED.ends_at ELSE kept.ends_at END
RETURNING count, extract(epoch FROM ends_at - clock_timestamp())
"""
GIVE_BACK = "UPDATE request_counts SET count = count - 1 WHERE digest = %s AND count > 0"
FORGET = "DELETE FROM request_counts WHERE digest = %s"
SWEEP = """
DELETE FROM request_counts WHERE digest IN (
    SELECT digest FROM request_counts WHERE ends_at <= clock_timestamp() ORDER BY ends_at
    LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """Where a caller stands. `wait` is in whole seconds, until the window ends."""

    is_over: bool = False
    is_first_over: bool = False
    wait: int = 0


def count(name: str, who: str) -> Counted:
    """Count one more. A limit that settings.LIMITS does not name limits nobody."""
    limit: Limit | None = settings.LIMITS.get(name)
    if limit is None:
        return Counted()
    try:
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"digest": _digest(name, who), "window": limit.window.total_seconds()})
            seen, left = cursor.fetchone()
            if secrets.randbelow(_SWEEP_ONE_IN) == 0:
                cursor.execute(SWEEP, [_SWEPT])
    except DatabaseError:
        logger.exception("limit.uncounted limit=%s", name)
        return Counted()
    counted = Counted(seen > limit.most, seen == limit.most + 1, max(1, round(left)))
    if counted.is_first_over:
        # Once a window, and with a hash: who it is stands in the web server's own log.
        logger.warning("limit.reached limit=%s who=%s wait=%d", name, _digest(name, who)[:12], counted.wait)
    return counted


def give_back(name: str, who: str) -> None:
    """What was counted beforehand and turned out well does not count."""
    _run(GIVE_BACK, name, who)


def forget(name: str, who: str) -> None:
    """Begin anew."""
    _run(FORGET, name, who)


def _run(statement: str, name: str, who: str) -> None:
    if name in settings.LIMITS:
        with connection.cursor() as cursor:
            cursor.execute(statement, [_digest(name, who)])


def _digest(name: str, who: str) -> str:
    return salted_hmac(_SALT, f"{name}\0{who}", algorithm="sha256").hexdigest()
