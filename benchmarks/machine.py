"""On what it was measured: in, nothing; out, processor, memory, versions, and what the database promises at a power cut."""

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from django.db import connection

# The settings that make a commit survive a power cut, and the values at which it does not.
_DURABLE = {"fsync": {"off"}, "full_page_writes": {"off"}, "synchronous_commit": {"off"}}
# Above this load a core, before we begin, other work takes a part of the machine that shows in the figures.
_BUSY = 0.5


@dataclass(frozen=True, slots=True)
class Machine:
    """A figure without its machine says nothing."""

    processor: str
    cores: int
    memory_gib: float | None
    system: str
    python: str
    django: str
    postgresql: str
    undurable: tuple[str, ...]
    load: float | None

    def lines(self) -> list[str]:
        memory = f", {self.memory_gib:.0f} GiB" if self.memory_gib else ""
        promise = f"not durable: {', '.join(self.undurable)}" if self.undurable else "durable"
        load = "" if self.load is None else f"; load {self.load:.1f} before the start"
        return [
            f"{self.processor}, {self.cores} cores{memory}, {self.system}{load}",
            f"Python {self.python}, Django {self.django}, PostgreSQL {self.postgresql} ({promise})",
        ]

    def is_busy(self) -> bool:
        """Does the machine do other work already?"""
        return self.load is not None and self.load > _BUSY * self.cores

    def as_dict(self) -> dict[str, object]:
        return asdict(self) | {"durable": not self.undurable}


def describe() -> Machine:
    """This machine, now."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=_memory_gib(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        django=version("django"),
        postgresql=_setting("server_version").split()[0],
        undurable=tuple(
            f"{name} {value}" for name in _DURABLE if (value := _setting(name)) in _DURABLE[name]
        ),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    if known.exists():
        for line in known.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])
