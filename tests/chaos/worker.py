"""One worker of the soak: in, a journal; out, `manage.py process_notifications --stay`, and a line for each call begun or ended.

The journal outlives a kill -9. It is how the soak knows, without asking the engine or a database that may be down, which
calls were in flight when it struck. The code under test is production's; only its time-outs are shorter.
"""

import argparse
import datetime as dt
import logging
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from config.parent_death import die_with_parent
from tests.chaos.halting import engine, warm

BUDGET = 3600.0
# What a busy machine may hold a process or a statement up, in seconds, without a word here.
STALL = 0.5
TICK = 0.05


class Journal:
    """Lines `<monotonic time> <+ or -> <id>`: from «+», just before a row is marked as dispatched, its call may have been
    made and not be recorded; from «-» on it is recorded, or was never ours. `<time> ! <time>` is a span in which nothing
    moved, though nobody asked for that: a short lease may have run out. The file is there once the worker works."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, -1

    def open(self) -> None:
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, mark: str, ids: Iterable[uuid.UUID]) -> None:
        now = time.monotonic()
        # One write: whole lines, or none, in the file of a process that is killed meanwhile.
        os.write(self._file, "".join(f"{now:.6f} {mark} {one}\n" for one in ids).encode())

    def note_stall(self, since: float) -> None:
        now = time.monotonic()
        if self._file >= 0 and now - since > STALL:
            os.write(self._file, f"{now:.6f} ! {since:.6f}\n".encode())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.worker", description=__doc__)
    parser.add_argument("journal", type=Path)
    options = parser.parse_args(arguments)
    die_with_parent(signal.SIGKILL)
    import django

    django.setup()
    logging.getLogger().setLevel(logging.WARNING)
    warm()
    hurry()
    journal = Journal(options.journal)
    keep_a_journal(journal)
    threading.Thread(target=watch_the_clock, args=[journal], daemon=True).start()
    from django.core.management import call_command

    call_command("process_notifications", stay=True, budget=BUDGET, json=True)


def hurry() -> None:
    """Time-outs shorter, as the lease is. A window of calls that all time out, one after the other, must end within the
    lease: 4 · 0.7 s in 3 s here, 4 · 30 s in 180 s in production. So must the wait for one who stands still with a
    channel's row."""
    from notifications import channel_pause, reconnect
    from notifications.channels import anymail_http, network, push, sms

    anymail_http.TIMEOUT = 0.7
    sms.TIMEOUT = push.TIMEOUT = 0.5
    network.CONNECT = 0.2
    reconnect.LONGEST_WAIT = 0.2
    channel_pause.STANDSTILL = "500ms"


def keep_a_journal(journal: Journal) -> None:
    """Watch the drain begin, the two steps between which a call may be on its way, and how long each statement takes."""
    from notifications.message import Claimed, Delivery, Hold
    from notifications.verdict import Verdict

    settle, intake, worker = engine("settle"), engine("intake"), engine("worker")
    begin, dispatch, record, keep = worker.begin_drain, intake.dispatch, settle.record, settle.keep_trying

    def noted_begin() -> None:
        journal.open()
        begin()

    def noted_dispatch(batch: Sequence[Claimed], *, lease: object) -> set[Hold]:
        ids = [row.id for row in batch]
        journal.note("+", ids)
        held: set[Hold] = dispatch(batch, lease=lease)
        kept = {one for one, _ in held}
        journal.note("-", [one for one in ids if one not in kept])
        return held

    def noted_record(
        verdicts: Sequence[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery] = ()
    ) -> set[Hold]:
        held: set[Hold] = record(verdicts, deliveries)
        journal.note("-", [delivery.claimed.id for delivery in deliveries])
        return held

    def noted_keep(step: Callable[[], Any], *, patience: dt.timedelta, rng: random.Random) -> Any:
        since = time.monotonic()
        answer = keep(step, patience=patience, rng=rng)
        journal.note_stall(since)
        return answer

    worker.begin_drain, intake.dispatch = noted_begin, noted_dispatch
    settle.record, settle.keep_trying = noted_record, noted_keep


def watch_the_clock(journal: Journal) -> None:
    """Does this process get to run? A machine that is too busy freezes it as a SIGSTOP does."""
    while True:
        since = time.monotonic()
        time.sleep(TICK)
        journal.note_stall(since)


if __name__ == "__main__":
    main()
