"""All benchmarks in their order: in, the N of each one wanted; out, the machine and the figures."""

from collections.abc import Iterable, Iterator, Mapping

from django.conf import settings
from django.db import OperationalError, connection

from benchmarks import capacity, claim, drain, enqueue, jobs, latency, pages, promotion
from benchmarks.figures import Figure
from benchmarks.machine import Machine, describe
from benchmarks.seed import seed as seed_people
from benchmarks.stage import StageError, Step, own_stage
from config.supervisor import SupervisorError
from sandbox.testing import SandboxError

# What a person can put right; the text says how. Anything else is a fault of ours, with a traceback.
REFUSALS = (StageError, SandboxError, SupervisorError, OperationalError)
_MODULES = {
    "enqueue": enqueue,
    "drain": drain,
    "promotion": promotion,
    "latency": latency,
    "claim": claim,
    "pages": pages,
    "jobs": jobs,
    "sandbox": capacity,
}
# Of N: so many one by one, and so many for the slow provider.
_SINGLE, _SLOW = 20, 2


def runs(names: Iterable[str], *, times: int) -> int:
    """How many steps `measure` takes, for a progress bar."""
    return sum(_MODULES[name].RUNS[0] + _MODULES[name].RUNS[1] * times for name in names)


def absent_pages() -> list[str]:
    """Which pages of the benchmark's table this project does not have."""
    return pages.absent()


def measure(sizes: Mapping[str, int], *, times: int, seed: int, step: Step) -> tuple[Machine, list[Figure]]:
    """Raises one of REFUSALS if something does not start, or if a message was lost or doubled on the way."""
    if not settings.SANDBOX:
        raise StageError("benchmarks run in sandbox mode only. Unset POSTROOM_MODE, or set it to sandbox.")
    connection.ensure_connection()
    machine = describe()
    with own_stage():
        return machine, list(_figures(sizes, times=times, seed=seed, step=step))


def _figures(sizes: Mapping[str, int], *, times: int, seed: int, step: Step) -> Iterator[Figure]:
    people = seed_people(customers=max(_people(name, size) for name, size in sizes.items()), seed=seed)
    for name, size in sizes.items():
        match name:
            case "enqueue":
                yield from enqueue.measure(people[:size], single=_part(size, _SINGLE), times=times, step=step)
            case "drain":
                some = people[: _people(name, size)]
                yield from drain.measure(some, slow=_part(size, _SLOW), times=times, step=step)
            case "promotion":
                yield from promotion.measure(people[: _people(name, size)], times=times, step=step)
            case "latency":
                yield from latency.measure(people, count=size, times=times, seed=seed, step=step)
            case "claim":
                yield from claim.measure(count=size, times=times, step=step)
            case "pages":
                yield from pages.measure(count=size, times=times, step=step)
            case "jobs":
                yield from jobs.measure(count=size, times=times, seed=seed, step=step)
            case "sandbox":
                yield from capacity.measure(count=size, times=times, step=step)


def _people(name: str, size: int) -> int:
    """Customers that a benchmark of this size needs."""
    warm = {"drain": drain.WARM, "promotion": drain.WARM}
    return {"claim": 1, "pages": 1, "jobs": 1, "sandbox": 1}.get(name, size + warm.get(name, 0))


def _part(size: int, divisor: int) -> int:
    return max(size // divisor, 1)
