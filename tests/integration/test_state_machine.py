"""The queue under any order of events: two workers and an operator on three real connections, compared with a model.

`POSTROOM_EXAMPLES=3000 pytest tests/integration/test_state_machine.py` looks further, and at random.
"""

import datetime as dt
import os
import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from notifications.acted import Acted
from notifications.cancel import cancel
from notifications.channel_state import pause, permits, resume
from notifications.channels.inapp import InAppChannel
from notifications.claim import claim
from notifications.conf import conf
from notifications.deliver import dispatch
from notifications.enqueue import notify_many
from notifications.errors import Misconfigured, Outcome, Permanent, Sent, Transient, Unknown
from notifications.message import Claimed, Delivery, EnqueueResult, Hold, NotifyRequest
from notifications.prepare import prepare
from notifications.prioritise import prioritise
from notifications.record import record
from notifications.release import release
from notifications.replay import replay, send_again
from notifications.reschedule import reschedule
from notifications.settle import Settlement
from notifications.settle_unknown import settle_unknown
from notifications.verdict import Verdict, after_delivery, put_back, unrenderable
from notifications.worker import drain
from tests.factories import CustomerFactory
from tests.messages import LEASE, PICKUP
from tests.queue_model import FOREVER, POISON, Queue, Row
from tests.waiting import start_and_wait_until_blocked

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]

EXAMPLES = int(os.environ.get("POSTROOM_EXAMPLES", "0"))
MOST_ROWS = 20
MINUTE = dt.timedelta(minutes=1)
CALLED = ("email", "sms")  # the channels whose provider is called outside a transaction
OUTCOMES: dict[str, Outcome] = {
    "sent": Sent("ref"),
    "transient": Transient("503", "down"),
    "transient, later": Transient("429", "slow down", retry_after=7 * MINUTE),
    "permanent": Permanent("550", "no such box"),
    "misconfigured": Misconfigured("401", "wrong key"),
    "unknown": Unknown("timeout", "no answer"),
}
APT = {
    "replay": ["failed"], "cancel": ["queued"], "send again": ["sent", "cancelled"],
    "hurry": ["queued"], "put off": ["queued"], "make urgent": ["queued"], "make low": ["queued"],
    "settle as sent": ["failed"], "settle as not sent": ["failed"], "settle and replay": ["failed"],
}  # fmt: skip
PUT_OFF = 10 * MINUTE
ROWS = """
SELECT q.id, q.status, q.attempts, q.scheduled_at, q.lease_token, q.lease_until, q.dispatched_at IS NOT NULL, q.error,
    q.metadata -> 'withheld' ->> 'reason', q.channel, q.idempotency_key, to_jsonb(q)::text,
    (SELECT count(*) FROM delivery_attempts AS a WHERE a.notification_id = q.id),
    (SELECT count(*) FROM notifications AS i WHERE i.notification_id = q.id), q.priority
FROM notification_queue AS q
"""
FORGET = """
UPDATE notification_queue SET status = 'queued', attempts = attempts - 1, lease_token = NULL, lease_until = NULL
WHERE id = %s
"""
Answer = TypeVar("Answer")


class Dice(random.Random):
    """Always the middle, so that the model knows when a retry is due."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2

    def randrange(self, *_limits: Any) -> int:
        return 0


class Worker:
    """A thread with a connection of its own, and all that it ever claimed: it does not know what it has lost since."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self.hand: list[tuple[Claimed, bool]] = []  # (row, did we mark it as sent off?)

    def do(self, call: Callable[[], Answer]) -> Answer:
        return self._thread.submit(call).result(timeout=30)

    @contextmanager
    def open_transaction(self) -> Any:
        block: AbstractContextManager[None] = transaction.atomic()
        self.do(block.__enter__)
        try:
            yield
        finally:
            self.do(lambda: block.__exit__(None, None, None))

    def leave(self) -> None:
        self.do(lambda: connection.close())
        self._thread.shutdown()


class Street(RuleBasedStateMachine):
    """Rules are what workers, callers and operators do; after each one the tables must be as the model says."""

    customer: uuid.UUID
    workers: tuple[Worker, Worker]

    def __init__(self) -> None:
        super().__init__()
        self.model = Queue()
        self.now = timezone.now() + MINUTE
        self.sent: dict[uuid.UUID, str] = {}  # each sent row, word for word
        self.attempt_ids: set[int] = set()
        for worker in self.workers:
            worker.hand.clear()
        with connection.cursor() as cursor:
            for table in ("notifications", "delivery_attempts", "unsubscribe_tokens", "notification_queue"):
                cursor.execute(f"DELETE FROM {table}")
            cursor.execute("DELETE FROM channel_states")

    # ── Callers ─────────────────────────────────────────────────────────────────────────────────────────
    def _request(self, channel: str, key: str | None, wait: int, lives: int | None, priority: int) -> Any:
        due = self.tick() + wait * MINUTE
        return NotifyRequest(
            template="booking.pickup_today",
            to=self.customer,
            channel=channel,
            payload=PICKUP,
            idempotency_key=key,
            scheduled_at=due,
            expires_at=due + lives * MINUTE if lives else None,
            priority=priority,
        )

    def _enqueued(self, request: Any, result: EnqueueResult) -> None:
        key = request.idempotency_key
        if known := self.model.keys.get((request.channel, key)):
            assert [receipt.id for receipt in result.existing] == [known]
            assert not result.queued
            return
        (receipt,) = result.queued
        row = Row(receipt.id, request.channel, request.priority, request.scheduled_at, request.expires_at)
        self.model.add(row, key)

    requests: dict[str, Any] = {
        "channel": st.sampled_from(["email", "sms", "inapp"]),
        "key": st.sampled_from([None, None, "a", "b", "c"]),
        "wait": st.sampled_from([0, 0, 5]),
        "lives": st.sampled_from([None, None, 1, 20]),
        "priority": st.integers(0, 3),
    }

    @precondition(lambda self: len(self.model.rows) < MOST_ROWS)
    @rule(**requests)
    def enqueue(self, **asked: Any) -> None:
        request = self._request(**asked)
        self._enqueued(request, notify_many([request], now=self.now))

    @precondition(lambda self: len(self.model.rows) < MOST_ROWS)
    @rule(first_commits=st.booleans(), **{**requests, "key": st.sampled_from(["a", "b", "c"])})
    def two_callers_enqueue_the_same_key_at_once(self, first_commits: bool, **asked: Any) -> None:
        request = self._request(**asked)
        results: list[EnqueueResult] = []
        late = lambda: results.append(notify_many([request], now=self.now))  # noqa: E731
        with transaction.atomic():
            first = notify_many([request], now=self.now)
            if not first.queued:  # nobody waits for a key that is long there
                return self._enqueued(request, first)
            # Watched from another connection: one sees pg_stat_activity as it was first asked for in a transaction.
            thread = self.workers[0].do(lambda: start_and_wait_until_blocked(late))
            transaction.set_rollback(not first_commits)
        thread.join()
        if first_commits:
            self._enqueued(request, first)
        return self._enqueued(request, results[0])

    # ── Workers ─────────────────────────────────────────────────────────────────────────────────────────
    which = st.integers(0, 1)

    def _look(self, channel: str, limit: int) -> list[Claimed]:
        """As a drain takes a batch: with a permit."""
        permit = permits([channel], wanted=limit, now=self.now)[channel]
        if not permit.count:
            return []
        return claim(channel=channel, limit=permit.count, lease=LEASE, now=self.now, rng=Dice())

    def _took(self, worker: Worker, batch: list[Claimed], expected: list[uuid.UUID]) -> None:
        assert [claimed.id for claimed in batch] == expected
        for claimed in batch:
            self.model.rows[claimed.id].take(claimed.lease_token)
            worker.hand.append((claimed, False))

    @rule(who=which, channel=st.sampled_from(["email", "sms", "inapp"]), limit=st.sampled_from([1, 2, 32]))
    def claims(self, who: int, channel: str, limit: int) -> None:
        worker = self.workers[who]
        expected = self.model.next_due(channel, limit, self.now)
        self._took(worker, worker.do(lambda: self._look(channel, limit)), expected)

    @rule(channel=st.sampled_from(["email", "sms", "inapp"]), limit=st.sampled_from([1, 2]))
    def both_claim_at_once(self, channel: str, limit: int) -> None:
        first, second = self.workers
        expected = self.model.next_due(channel, 2 * limit, self.now)
        with first.open_transaction():
            mine = first.do(lambda: self._look(channel, limit))
            theirs = second.do(lambda: self._look(channel, limit))
        self._took(first, mine, expected[:limit])
        self._took(second, theirs, expected[limit:])

    def _held(self, worker: Worker, place: int) -> tuple[int, Claimed, bool, Row]:
        place %= len(worker.hand)
        claimed, is_off = worker.hand[place]
        return place, claimed, is_off, self.model.rows[claimed.id]

    somebody_holds = precondition(lambda self: any(worker.hand for worker in self.workers))
    places = st.integers(0, 1000)

    @somebody_holds
    @rule(who=which, place=places)
    def the_server_crashes_and_forgets_a_claim(self, who: int, place: int) -> None:
        """Its COMMIT did not wait for the disk. The worker knows nothing of it, and may claim the row once more."""
        worker = self.workers[who] if self.workers[who].hand else self.workers[1 - who]
        _, claimed, _, row = self._held(worker, place)
        if not row.is_held_by(claimed.lease_token) or row.is_dispatched:
            return
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [row.id])
        row.forget()

    @somebody_holds
    @rule(who=which)
    def dispatches_all_in_hand(self, who: int) -> None:
        """Among them perhaps the same row twice, by an older and a newer claim."""
        worker = self.workers[who] if self.workers[who].hand else self.workers[1 - who]
        off = [claimed for claimed, _ in worker.hand if claimed.channel in CALLED]
        rows = self.model.rows
        ours = {one.hold for one in off if rows[one.id].is_held_by(one.lease_token)}
        assert worker.do(lambda: dispatch(off, lease=LEASE)) == ours
        for id_, _ in ours:
            rows[id_].dispatch()
        worker.hand[:] = [(claimed, is_off or claimed.hold in ours) for claimed, is_off in worker.hand]

    @somebody_holds
    @rule(who=which, place=places)
    def dispatches(self, who: int, place: int) -> None:
        worker = self.workers[who] if self.workers[who].hand else self.workers[1 - who]
        place, claimed, is_off, row = self._held(worker, place)
        if claimed.channel not in CALLED:
            return
        held = row.is_held_by(claimed.lease_token)
        assert worker.do(lambda: dispatch([claimed], lease=LEASE)) == ({claimed.hold} if held else set())
        if held:
            row.dispatch()
        worker.hand[place] = (claimed, is_off or held)

    def _verdict(self, claimed: Claimed, outcome: Outcome) -> Verdict:
        return after_delivery(
            claimed,
            outcome,
            policy=conf().retry_policy(claimed.category),
            resends_unknown=conf().resends_unknown(channel=claimed.channel, category=claimed.category),
            now=self.now,
            rng=Dice(),
        )

    def _delivery(self, claimed: Claimed, outcome: Outcome) -> Delivery:
        return Delivery(claimed, outcome, "provider", self.tick(), self.now + MINUTE)

    def _answered(self, claimed: Claimed, word: str, held: set[Hold]) -> None:
        row, outcome = self.model.rows[claimed.id], OUTCOMES[word]
        was_ours = row.is_held_by(claimed.lease_token)
        assert held == ({claimed.hold} if was_ours else set()), "only the holder's word counts"
        row.tries += 1  # the call was made, whoever owns the row by now
        if was_ours:
            later = outcome.retry_after if isinstance(outcome, Transient) else None
            row.answer(outcome.kind, self.now, later)
        elif word == "sent":
            row.settle_late(claimed.attempts)

    @somebody_holds
    @rule(who=which, place=places, word=st.sampled_from(sorted(OUTCOMES)))
    def the_provider_answers(self, who: int, place: int, word: str) -> None:
        """Also to one who lost the row while it called, and to one who told us before."""
        worker = self.workers[who] if self.workers[who].hand else self.workers[1 - who]
        _, claimed, is_off, _row = self._held(worker, place)
        if not is_off:
            return
        delivery = self._delivery(claimed, OUTCOMES[word])
        verdict = self._verdict(claimed, OUTCOMES[word])
        self._answered(claimed, word, worker.do(lambda: record([(claimed, verdict)], [delivery])))

    @somebody_holds
    @rule(who=which, place=places, broken=st.booleans())
    def gives_up_without_a_call(self, who: int, place: int, broken: bool) -> None:
        worker = self.workers[who] if self.workers[who].hand else self.workers[1 - who]
        _, claimed, is_off, row = self._held(worker, place)
        if is_off:
            return
        held = row.is_held_by(claimed.lease_token)
        verdict = unrenderable("a placeholder is missing") if broken else put_back()
        assert worker.do(lambda: record([(claimed, verdict)])) == ({claimed.hold} if held else set())
        if held:
            row.end(verdict.status, refund=True)

    @somebody_holds
    @rule(who=which, place=places)
    def writes_into_the_inbox(self, who: int, place: int) -> None:
        worker = self.workers[who] if self.workers[who].hand else self.workers[1 - who]
        _, claimed, _, row = self._held(worker, place)
        if claimed.channel != "inapp":
            return
        held = row.is_held_by(claimed.lease_token)
        worker.do(lambda: self._write(claimed))
        if held and row.has_expired(self.now):
            row.end("cancelled", refund=True)
        elif held:
            row.tries += 1
            row.answer("sent", self.now)

    def _write(self, claimed: Claimed) -> None:
        books = Settlement(conf(), now=self.now, rng=Dice())
        ready, settled = prepare([claimed], now=self.now)
        books.record(settled)
        if ready:
            books.write_here(InAppChannel(), ready)

    @rule()
    def a_drain_does_all_of_it_in_app(self) -> None:
        orphans = self.model.orphans()
        for row in orphans:
            row.release(self.now)
        due = self.model.next_due("inapp", 1000, self.now)
        report = drain(now=self.now, channels=["inapp"], rng=Dice())
        assert (report.released, report.claimed) == (len(orphans), len(due))
        for row in (self.model.rows[id_] for id_ in due):
            row.take(uuid.uuid4())
            if row.has_expired(self.now):
                row.end("cancelled", refund=True)
            else:
                row.tries += 1
                row.answer("sent", self.now)
        self._tell_apart(orphans)

    # The two commonest ways of a message in one step, so that forty steps lead further.
    @rule(who=which, channel=st.sampled_from(CALLED), word=st.sampled_from(sorted(OUTCOMES)))
    def claims_and_sends(self, who: int, channel: str, word: str) -> None:
        before = len(self.workers[who].hand)
        self.claims(who, channel, 2)
        for place in range(before, len(self.workers[who].hand)):
            self.dispatches(who, place)
            self.the_provider_answers(who, place, word)

    @rule(channel=st.sampled_from(["email", "sms", "inapp"]), deaths=st.integers(1, 3))
    def die_one_after_the_other_before_the_call(self, channel: str, deaths: int) -> None:
        for who in (0, 1, 0)[:deaths]:
            self.claims_and_dies(who, channel, is_calling=False)
            self.releases(1 - who)

    @rule(who=which, channel=st.sampled_from(["email", "sms", "inapp"]), is_calling=st.booleans())
    def claims_and_dies(self, who: int, channel: str, is_calling: bool) -> None:
        before = len(self.workers[who].hand)
        self.claims(who, channel, 2)
        for place in range(before, len(self.workers[who].hand)):
            if is_calling:
                self.dispatches(who, place)
        self.all_leases_run_out()

    # ── Workers die ─────────────────────────────────────────────────────────────────────────────────────
    def _living(self) -> list[Row]:
        return [row for row in self.model.rows.values() if row.status == "processing"]

    @precondition(lambda self: self._living())
    @rule(place=places)
    def a_lease_runs_out(self, place: int) -> None:
        living = self._living()
        row = living[place % len(living)]
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notification_queue SET lease_until = now() - interval '1 s' WHERE id = %s", [row.id]
            )
        row.has_run_out = True

    def all_leases_run_out(self) -> None:
        for place in range(len(self._living())):
            self.a_lease_runs_out(place)

    def _released(self, rows: list[Row]) -> None:
        for row in rows:
            row.release(self.now)
        self._tell_apart(rows)

    def _tell_apart(self, rows: list[Row]) -> None:
        """Retries of one sweep are due in the same moment, and random ids decide which of them goes first: a failure
        could not be repeated."""
        with connection.cursor() as cursor:
            for number, row in enumerate(row for row in rows if row.status == "queued"):
                row.scheduled_at += number * dt.timedelta(microseconds=1)
                cursor.execute(
                    "UPDATE notification_queue SET scheduled_at = %s WHERE id = %s",
                    [row.scheduled_at, row.id],
                )

    @rule(who=which)
    def releases(self, who: int) -> None:
        orphans = self.model.orphans()
        assert self.workers[who].do(lambda: release(now=self.now, rng=Dice())) == len(orphans)
        self._released(orphans)

    def _late(self, worker: Worker) -> list[Claimed]:
        """What a worker has in flight on a lease that ran out, and that nobody took back yet."""
        found = ((self.model.rows[claimed.id], claimed, is_off) for claimed, is_off in worker.hand)
        return [
            claimed for row, claimed, off in found if off and row.has_run_out and row.token == claimed.lease_token
        ]  # fmt: skip

    def _make_late(self, who: int, channel: str) -> tuple[Worker, Worker, Claimed | None]:
        """A worker that calls and calls, the other one, and what it calls for; None where nothing is due."""
        self.claims_and_dies(who, channel, is_calling=True)
        late = self._late(self.workers[who])
        return self.workers[who], self.workers[1 - who], late[0] if late else None

    @rule(who=which, channel=st.sampled_from(CALLED), word=st.sampled_from(sorted(OUTCOMES)))
    def a_late_finish_meets_a_sweep_that_comes_second(self, who: int, channel: str, word: str) -> None:
        worker, sweeper, claimed = self._make_late(who, channel)
        if claimed is None:
            return
        delivery, verdict = self._delivery(claimed, OUTCOMES[word]), self._verdict(claimed, OUTCOMES[word])
        others = [row for row in self.model.orphans() if row.id != claimed.id]
        with worker.open_transaction():
            held = worker.do(lambda: record([(claimed, verdict)], [delivery]))
            assert sweeper.do(lambda: release(now=self.now, rng=Dice())) == len(others)
        self._answered(claimed, word, held)
        self._released(others)

    @rule(who=which, channel=st.sampled_from(CALLED), word=st.sampled_from(sorted(OUTCOMES)))
    def a_late_finish_meets_a_sweep_that_came_first(self, who: int, channel: str, word: str) -> None:
        _, sweeper, claimed = self._make_late(who, channel)
        if claimed is None:
            return
        delivery, verdict = self._delivery(claimed, OUTCOMES[word]), self._verdict(claimed, OUTCOMES[word])
        results: list[set[Hold]] = []
        with sweeper.open_transaction():
            orphans = self.model.orphans()
            assert sweeper.do(lambda: release(now=self.now, rng=Dice())) == len(orphans)
            late = lambda: results.append(record([(claimed, verdict)], [delivery]))  # noqa: E731
            thread = start_and_wait_until_blocked(late)
        thread.join()
        self._released(orphans)
        self._answered(claimed, word, results[0])

    # ── Operators ───────────────────────────────────────────────────────────────────────────────────────
    acts = st.sampled_from(sorted(APT))

    def _act(self, what: str, id_: uuid.UUID, once: str | None = None) -> Acted:
        given: dict[str, Any] = {"by": "staff:1", "reason": "asked for", "now": self.tick()}
        match what:
            case "send again":
                return send_again([id_], once=once, **given)
            case "hurry" | "put off":
                to = self.now + (PUT_OFF if what == "put off" else -PUT_OFF)
                return reschedule([id_], to=to, **given)
            case "make urgent" | "make low":
                return prioritise([id_], priority=0 if what == "make urgent" else 3, **given)
            case "settle as sent":
                return settle_unknown([id_], was_sent=True, **given)
            case "settle as not sent" | "settle and replay":
                replayed = what == "settle and replay"
                return settle_unknown([id_], was_sent=False, then_replay=replayed, **given)
        return (replay if what == "replay" else cancel)([id_], **given)

    def _acted(self, what: str, row: Row, done: Acted, once: str | None = None) -> None:
        key = f"{once}:{row.id}" if once else None
        if what == "replay":
            expected = row.replay(self.now)
        elif what == "cancel":
            expected = row.cancel()
        elif what in ("hurry", "put off"):
            expected = row.reschedule(self.now + PUT_OFF if what == "put off" else self.now)
        elif what in ("make urgent", "make low"):
            expected = row.prioritise(0 if what == "make urgent" else 3)
        elif what.startswith("settle"):
            expected = row.settle(was_sent=what == "settle as sent")
            if what == "settle and replay" and expected:
                row.replay(self.now)
        else:
            expected = row.status in ("sent", "cancelled") and (row.channel, key) not in self.model.keys
            if expected:
                self.model.add(Row(done.done[0], row.channel, row.priority, self.now), key)
        assert bool(done.done) == expected
        assert sum(done.skipped.values()) == (not expected), "what was not done is told why"

    @precondition(lambda self: self.model.rows)
    @rule(place=places, what=acts, once=st.sampled_from([None, "click"]), is_apt=st.booleans())
    def an_operator_acts(self, place: int, what: str, once: str | None, is_apt: bool) -> None:
        rows = list(self.model.rows.values())
        apt = [row for row in rows if row.status in APT[what]] if is_apt else []
        row = (apt or rows)[place % len(apt or rows)]
        if what != "send again" or len(rows) < MOST_ROWS:
            self._acted(what, row, self._act(what, row.id, once), once)

    @precondition(lambda self: any(row.is_due(self.now) for row in self.model.rows.values()))
    @rule(who=which, what=acts)
    def an_operator_meets_a_claim_that_is_not_committed(self, who: int, what: str) -> None:
        worker = self.workers[who]
        row = next(row for row in self.model.rows.values() if row.is_due(self.now))
        expected = self.model.next_due(row.channel, 32, self.now)
        with worker.open_transaction():
            batch = worker.do(lambda: self._look(row.channel, 32))
            if batch:
                done = self._act(what, row.id)
                assert (done.done, dict(done.skipped)) == ((), {"a worker has it right now": 1})
        self._took(worker, batch, expected)

    @rule(channel=st.sampled_from(["email", "inapp"]), minutes=st.sampled_from([None, 3, 30, 0, 0]))
    def an_operator_pauses_or_resumes(self, channel: str, minutes: int | None) -> None:
        if minutes == 0:
            resume(channel, by="staff:1")
            self.model.paused.pop(channel, None)
            return
        until = self.now + minutes * MINUTE if minutes else None
        pause(channel, until=until, reason="maintenance", by="staff:1")
        self.model.pause(channel, until or FOREVER)

    @rule(minutes=st.sampled_from([1, 4, 30]))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    def tick(self) -> dt.datetime:
        """No two events in the same moment."""
        self.now += dt.timedelta(milliseconds=1)
        return self.now

    # ── What always holds ───────────────────────────────────────────────────────────────────────────────
    @invariant()
    def the_tables_are_as_the_model_says(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(ROWS)
            found = {row[0]: row for row in cursor.fetchall()}
        assert found.keys() == self.model.rows.keys()
        for id_, row in self.model.rows.items():
            _, status, attempts, due, token, until, is_off, *_, tries, inbox, priority = found[id_]
            told = (status, attempts, due, is_off, tries, inbox, priority)
            assert told == (
                row.status, row.attempts, row.scheduled_at, row.is_dispatched, row.tries, row.inbox,
                row.priority,
            ), row  # fmt: skip
            assert token == row.token or row.token is None
            assert (token is None) == (until is None) == (status != "processing")
        self._rules(list(found.values()))

    def _rules(self, found: list[Any]) -> None:
        """What must be true whatever the model believes."""
        keys = [(row[9], row[10]) for row in found if row[10] is not None]
        assert len(keys) == len(set(keys)), "one key, two rows"
        for id_, status, attempts, _, _, _, _, error, reason, channel, _, whole, tries, inbox, _ in found:
            assert status != "failed" or error, "failed without an error"
            assert status != "cancelled" or reason, "cancelled without a reason"
            assert inbox == (status == "sent" and channel == "inapp"), "sent in-app is one item, exactly"
            # Each attempt that counts is a call on record, but for one that is being made, or died unmade (poison).
            assert 0 <= attempts <= tries + (status in ("processing", "failed"))
            if status == "sent":
                assert self.sent.setdefault(id_, whole) == whole, "a sent row changed"
        assert self.sent.keys() <= {row[0] for row in found if row[1] == "sent"}, "sent is final"
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM delivery_attempts")
            ids = {row[0] for row in cursor.fetchall()}
        assert ids >= self.attempt_ids, "an attempt went off the record"
        self.attempt_ids = ids


def test_no_order_of_events_breaks_the_queue(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "KICK": "", "RELEVANCE": {}}
    monkeypatch.setattr("notifications.release.POISON", POISON)  # few deaths, so that it is reached
    Street.customer, Street.workers = CustomerFactory.create().pk, (Worker(), Worker())
    _give_up_waiting_after("10s")  # an operator who waits for a worker has not been kept away as agreed
    try:
        run_state_machine_as_test(
            Street,
            settings=hypothesis(
                max_examples=EXAMPLES or 80,
                stateful_step_count=40,
                derandomize=not EXAMPLES,
                database=None,
                deadline=None,
                # To shorten what failed takes minutes: for who looks closer.
                phases=(Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        _give_up_waiting_after("0")
        for worker in Street.workers:
            worker.leave()


def _give_up_waiting_after(time: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [time])
