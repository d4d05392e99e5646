"""How long to wait before the next try. Pure: the random number is passed in.

delay(n) = max(retry_after, min(cap, base · 2^(n-1)) · U(0.5, 1)) after the n-th attempt. «Equal jitter»: half of the
wait is a floor, so that a provider in trouble is never hit at once, half is spread, so that a batch that failed
together does not come back together (AWS Architecture Blog, «Exponential Backoff And Jitter»).
"""

import datetime as dt
import random


def delay(
    *,
    attempt: int,
    base: dt.timedelta,
    cap: dt.timedelta,
    retry_after: dt.timedelta | None = None,
    rng: random.Random,
) -> dt.timedelta:
    """The wait after attempt number `attempt` (1 is the first), never below `retry_after`."""
    # 2^30 · any base is beyond any cap; the bound keeps a runaway counter from overflowing timedelta.
    ceiling = min(cap, base * 2 ** min(attempt - 1, 30)) if base < cap else cap
    jittered = ceiling * rng.uniform(0.5, 1.0)
    return max(jittered, retry_after or dt.timedelta(0))
