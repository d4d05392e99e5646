"""How much the sandbox bears: in, a number of requests; out, messages a second of each provider beside bare HTTP.

It must be far above what Postroom sends, or the other benchmarks measure the sandbox.
"""

from collections import defaultdict
from collections.abc import Iterator

from benchmarks.figures import Figure, against
from benchmarks.sandbox import measure as send
from benchmarks.sandbox_loads import LOADS
from benchmarks.stage import Step

GROUP = "sandbox"
RUNS = 0, len(LOADS)
CONNECTIONS = 16


def measure(*, count: int, times: int, step: Step) -> Iterator[Figure]:
    """So many of each kind, over keep-alive connections; the first of LOADS is the limit of the others."""
    rates: defaultdict[str, list[float]] = defaultdict(list)
    rates_by_cpu: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(1, times + 1):
        for number, load in enumerate(LOADS, start=1):
            with step(f"sandbox: {number} of {len(LOADS)} kinds ({turn} of {times})"):
                name, rate, rate_by_cpu = send(load, count=count, connections=CONNECTIONS, keep=0)
            rates[name].append(rate)
            rates_by_cpu[name].append(rate_by_cpu)
    limit, *others = rates
    for name in others:
        yield against(rates[name], rates[limit], "/s", group=GROUP, name=name, limit_name=limit)
        yield against(
            rates_by_cpu[name],
            rates_by_cpu[limit],
            "/CPU-s",
            group=GROUP,
            name=f"{name}, by the sandbox's CPU time",
            limit_name=limit,
        )
