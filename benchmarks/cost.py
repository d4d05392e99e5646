"""What a piece of work costs: in, the work; out, a Run with its time, processor time and memory.

Processor time says what the work costs even on a machine that does other things meanwhile. PostgreSQL's part and
memory come from /proc, and are None where there is none (macOS, a server elsewhere).
"""

import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.db import connection

from benchmarks.figures import Run
from benchmarks.stage import Step
from config.guardian import processes


def timed(work: Callable[[], int]) -> Run:
    """Do the work, which answers how many it did."""
    backend = _backend()
    # What lies in memory already, such as the rows of a limit, must not make collections slower.
    gc.collect()
    gc.freeze()
    before = _memory("VmRSS")
    _forget_peak()
    database, cpu, start = cpu_seconds(backend), time.process_time(), time.perf_counter()
    count = work()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    after, peak = cpu_seconds(backend), _memory("VmHWM")
    gc.unfreeze()
    return Run(
        count=count,
        seconds=seconds,
        cpu_seconds=cpu,
        database_cpu_seconds=None if database is None or after is None else after - database,
        peak_bytes=peak,
        grown_bytes=None if peak is None or before is None else max(peak - before, 0),
    )


def alternate(
    work: Callable[[], Run], limit: Callable[[], Run], *, name: str, times: int, step: Step
) -> list[tuple[Run, Run]]:
    """Run the work and its limit in turns, so that what else the machine does meets both."""
    pairs = []
    for turn in range(1, times + 1):
        with step(f"{name} ({turn} of {times})"):
            run = work()
        with step(f"{name}: its limit ({turn} of {times})"):
            pairs.append((run, limit()))
    return pairs


def cpu_seconds(pid: int | None) -> float | None:
    """The processor time that a process has used so far, its ended children apart; None for one that cannot be seen."""
    if pid is None:
        return None
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return None


def supervised_cpu_seconds() -> float:
    """The processor time of all processes that a Supervisor of ours started and that still live; 0 without /proc."""
    living = list(processes())
    # Its guardians are our children, each the leader of a session.
    sessions = {pid for pid, parent, session in living if parent == os.getpid() and session == pid}
    return sum(cpu_seconds(pid) or 0.0 for pid, _, session in living if session in sessions)


def _backend() -> int | None:
    """The process that serves our connection, if it is one of this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
    with suppress(OSError):
        # A server in a container or elsewhere counts its processes apart: the number may be anybody's here.
        return pid if "postgres" in Path(f"/proc/{pid}/comm").read_text() else None
    return None


def _forget_peak() -> None:
    """Let VmHWM begin anew (proc(5), clear_refs)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory(name: str) -> int | None:
    """A line of /proc/self/status in bytes."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return None
