"""Production's settings in a hurry: in, the project's; out, the same with every wait forty times shorter.

Proportions stay as they are: the time-outs of calls (`haste.py`) stand to the lease as they do in production.
"""

import datetime as dt

from config.settings import *  # noqa: F403
from config.settings import NOTIFICATIONS as _PRODUCTION
from notifications.breaker import BreakerPolicy
from notifications.conf import RetryPolicy

LEASE = dt.timedelta(seconds=3)
# So many attempts that nothing fails only because they are used up.
_RETRY = RetryPolicy(limit=10_000, base=dt.timedelta(seconds=0.1), cap=dt.timedelta(seconds=1.5))

NOTIFICATIONS = {
    **_PRODUCTION,
    "KICK": "",  # the workers are always there
    "LEASE": LEASE,
    "POLL": dt.timedelta(seconds=0.5),
    "CONCURRENCY": 8,
    "RETRY": dict.fromkeys(("security", "transactional", "reminder", "marketing"), _RETRY),
    "BREAKER": BreakerPolicy(threshold=20, first=dt.timedelta(seconds=0.5), longest=dt.timedelta(seconds=2)),
    # A test must not depend on the hour, and one customer gets many messages here.
    "QUIET_HOURS": {},
    "CAPS": {},
}
