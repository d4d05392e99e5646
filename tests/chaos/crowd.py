"""Whom the soak writes to: in, a seed; out, customers in the database, and a thread that queues messages for them.

What `notify_many()` answered is committed, whatever the server does next. Some transactions are rolled back on purpose:
nobody may ever receive anything of them.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from consent.preferences import Change, record_many
from notifications.enqueue import notify_many
from notifications.message import EnqueueResult, NotifyRequest
from notifications.push_subscriptions import NewSubscription, subscribe_many
from rentals.models import Customer
from sandbox import push_keys

CUSTOMERS = 40
BATCHES = 60
ROLLED_BACK_EVERY = 6
CHANNELS = {"email": 35, "sms": 30, "push": 15, "inapp": 20}
CATEGORIES = {"transactional": 40, "reminder": 25, "marketing": 25, "security": 10}
LEAVABLE = ("email", "sms", "push")


def invite(*, url: str) -> list[str]:
    """Customers whom everything reaches: a browser each, and they agreed to offers. Answers their ids."""
    people = Customer.objects.bulk_create(
        Customer(
            first_name="Marie",
            last_name=f"LeBlanc {number}",
            email=f"marie{number}@example.com",
            phone=f"+1506555{number:04d}",
            locale="en",
            timezone="America/Moncton",
        )
        for number in range(CUSTOMERS)
    )
    ids = [str(person.pk) for person in people]
    subscriptions = [(one, push_keys.subscription(f"{one}:laptop", url)) for one in ids]
    subscribe_many(
        NewSubscription(f"customer:{one}", made["endpoint"], made["keys"]["p256dh"], made["keys"]["auth"])
        for one, made in subscriptions
    )
    record_many(
        Change(one, channel, "marketing", True, "web_form", "customer", timezone.now(), "Send me offers.")
        for one in ids
        for channel in LEAVABLE
    )
    return ids


def requests(people: Sequence[str], *, count: int, rng: random.Random, name: str) -> list[NotifyRequest]:
    """Messages of every channel and category, each with a key of its own."""
    channels = rng.choices(list(CHANNELS), list(CHANNELS.values()), k=count)
    categories = rng.choices(list(CATEGORIES), list(CATEGORIES.values()), k=count)
    return [
        NotifyRequest(
            template=None,
            to=rng.choice(people),
            channel=channel,
            category=category,
            subject="Your excavator",
            body="It is ready.",
            idempotency_key=f"chaos:{name}:{number}",
        )
        for number, (channel, category) in enumerate(zip(channels, categories, strict=True))
    ]


@dataclass(eq=False)
class Caller(threading.Thread):
    """Queues messages in bursts, as many as `share` (0 to 1) says are due by now. Read the rest when it has ended."""

    people: Sequence[str]
    messages: int
    share: Callable[[], float]
    seed: int
    committed: set[uuid.UUID] = field(default_factory=set)
    rolled_back: set[uuid.UUID] = field(default_factory=set)
    again: int = 0  # bursts that were asked for again, since the database was gone
    error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(name="caller", daemon=True)

    def run(self) -> None:
        rng = random.Random(f"caller {self.seed}")
        sizes = [len(range(number, self.messages, BATCHES)) for number in range(BATCHES)]
        try:
            for number, size in enumerate(sizes):
                while self.share() * BATCHES < number:
                    time.sleep(0.01)
                if number % ROLLED_BACK_EVERY == 1:
                    self._roll_back(requests(self.people, count=5, rng=rng, name=f"never:{number}"))
                self._queue(requests(self.people, count=size, rng=rng, name=str(number)))
        except Exception as error:  # noqa: BLE001 (told by whoever waits for us)
            self.error = error
        finally:
            connection.close()

    def _queue(self, wanted: Sequence[NotifyRequest]) -> None:
        """Until it is answered. A burst whose COMMIT was made, but not answered, is there already: its keys say so."""
        while True:
            try:
                self.committed |= _ids(notify_many(wanted))
            except (OperationalError, InterfaceError):
                self.again += 1
                connection.close()
                time.sleep(0.05)
            else:
                return

    def _roll_back(self, wanted: Sequence[NotifyRequest]) -> None:
        try:
            with transaction.atomic():
                self.rolled_back |= _ids(notify_many(wanted))
                transaction.set_rollback(True)
        except (OperationalError, InterfaceError):
            connection.close()


def _ids(result: EnqueueResult) -> set[uuid.UUID]:
    return {receipt.id for receipt in (*result.queued, *result.existing, *result.withheld)}
