"""Workers that stop at a point of the street and wait to be struck: in, orders on standard input; out, forked workers.

One process that has everything imported forks a worker in a few milliseconds. Each runs a real drain; only the halt is
put between its steps. It says on its socket where it is, and goes on when it is told to.
"""

import datetime as dt
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import django

from config.parent_death import die_with_parent

BUDGET = 25.0


@dataclass(frozen=True, slots=True)
class Order:
    """Fork a worker for one channel, to halt once at this point."""

    socket: str
    point: str
    channel: str
    lease: float

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def main() -> None:
    """Fork as told, until standard input ends; print each worker's process id."""
    die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    django.setup()
    warm()
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            work(Order(**json.loads(line)))
        print(pid, flush=True)


def warm() -> None:
    """Import what the first messages would, for a second or more: a lease of tests is too short for that."""
    import pywebpush
    import twilio.rest

    import notifications.worker

    assert pywebpush
    assert notifications.worker
    # The library imports its parts at their first use.
    assert twilio.rest.Client("AC", "-").messages


def work(order: Order) -> None:
    """One worker's whole life."""
    die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 1
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(order.socket)
            _settle_down(order)
            HALTS[order.point](_halt_once(wire))
            from notifications.polite import leaving_politely
            from notifications.worker import drain

            with leaving_politely() as told:
                drain(budget=dt.timedelta(seconds=BUDGET), channels=[order.channel], stop=told)
            wire.sendall(b"left\n")
        status = 0
    finally:
        os._exit(status)


def _settle_down(order: Order) -> None:
    from django.conf import settings
    from django.db import connection

    settings.NOTIFICATIONS = hurried(settings.NOTIFICATIONS, lease=order.lease)
    connection.settings_dict["OPTIONS"]["application_name"] = APPLICATION


def hurried(given: dict[str, Any], *, lease: float) -> dict[str, Any]:
    """Settings with this lease, and retries that are due at once."""
    from notifications.conf import RetryPolicy

    soon = RetryPolicy(base=dt.timedelta(milliseconds=1), cap=dt.timedelta(milliseconds=1))
    return {
        **given,
        "KICK": "",
        "QUIET_HOURS": {},
        "LEASE": dt.timedelta(seconds=lease),
        "RETRY": {"reminder": soon},
    }


APPLICATION = "chaos-halting"
Halt = Callable[[], None]


def _halt_once(wire: socket.socket) -> Halt:
    has_halted = False

    def halt() -> None:
        nonlocal has_halted
        if not has_halted:
            has_halted = True
            wire.sendall(b"here\n")
            wire.recv(1)

    return halt


def engine(module: str) -> Any:
    """A module of the engine, as something whose functions can be replaced."""
    return import_module(f"notifications.{module}")


# ── The points of the street, in its order ──────────────────────────────────────────────────────────────


def _claiming(halt: Halt) -> None:
    """The claim's statement is done, and its transaction open."""
    from django.db import transaction

    intake = engine("intake")
    claim = intake.claim

    def halting(**asked: Any) -> Any:
        with transaction.atomic():
            rows = claim(**asked)
            if rows:
                halt()
        return rows

    intake.claim = halting


def _claimed(halt: Halt) -> None:
    _after("claim", halt)


def _rendering(halt: Halt) -> None:
    """The gates are passed, and the text not made."""
    prepare = engine("prepare")
    render = prepare.render

    def halting(*given: Any, **links: Any) -> Any:
        halt()
        return render(*given, **links)

    prepare.render = halting


def _prepared(halt: Halt) -> None:
    _after("prepare", halt)


def _dispatched(halt: Halt) -> None:
    """Marked as sent off, that committed, and no call made."""
    _after("dispatch", halt)


def _calling(_halt: Halt) -> None:
    """The provider has it and holds its answer: nobody needs to halt."""


def _answered(halt: Halt) -> None:
    """In-app: written, in the same transaction that will say so."""
    _around_record(before=halt)


def _recording(halt: Halt) -> None:
    """The row's UPDATE is done, its attempt not written, the transaction open."""
    record = engine("record")
    attempt = record._attempt

    def halting(delivery: Any) -> Any:
        halt()
        return attempt(delivery)

    record._attempt = halting


def _recorded(halt: Halt) -> None:
    """Committed, and nothing told to the channel's state."""
    from django.db import connection

    settle = engine("settle")
    write = settle.Settlement.write_here

    def halting(self: Any, *given: Any) -> None:
        write(self, *given)
        halt()

    settle.Settlement.write_here = halting
    _around_record(after=lambda: None if connection.in_atomic_block else halt())


def _after(step: str, halt: Halt) -> None:
    intake = engine("intake")
    done = getattr(intake, step)

    def halting(*given: Any, **asked: Any) -> Any:
        answer = done(*given, **asked)
        if answer:
            halt()
        return answer

    setattr(intake, step, halting)


def _around_record(*, before: Halt = lambda: None, after: Halt = lambda: None) -> None:
    settle = engine("settle")
    record = settle.record

    def halting(verdicts: Any, deliveries: Any = ()) -> Any:
        if deliveries:
            before()
        held = record(verdicts, deliveries)
        if deliveries:
            after()
        return held

    settle.record = halting


HALTS: dict[str, Callable[[Halt], None]] = {
    "claiming": _claiming,
    "claimed": _claimed,
    "rendering": _rendering,
    "prepared": _prepared,
    "dispatched": _dispatched,
    "calling": _calling,
    "answered": _answered,
    "recording": _recording,
    "recorded": _recorded,
}


if __name__ == "__main__":
    main()
