"""A key is rotated while messages are queued and sent: each one arrives, and nothing is left that the new key cannot read."""

import io
import json
import threading
from contextlib import suppress
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from consent.field_keys import encryption_keys, key_id
from consent.sealed import unseal
from notifications.enqueue import notify, notify_many
from notifications.message import Address, NotifyRequest
from notifications.models import Notification
from notifications.worker import drain
from sandbox.testing import SandboxServer

pytestmark = [pytest.mark.django_db(transaction=True)]
OLD, NEW = "o" * 32, "n" * 32
BEFORE, DURING = 240, 60


def request(number: int) -> NotifyRequest:
    """A text with its own number to somebody who is in no table."""
    return NotifyRequest(
        None,
        to=Address(f"reader{number}@example.org"),
        channel="email",
        category="transactional",
        subject="Invoice",
        body=f"Number {number}.",
    )


def readable() -> list[str]:
    """The addresses in the queue, in the order of their making, each under the newest key."""
    newest = key_id(encryption_keys()[0])
    stored = [
        to["address"]["sealed"] for to in Notification.objects.order_by("pk").values_list("to", flat=True)
    ]
    assert all(token.startswith(f"{newest}:") for token in stored)
    return [json.loads(unseal(token))["value"] for token in stored]


def test_a_key_is_rotated_under_load_and_nothing_is_unreadable(
    sandbox: SandboxServer, settings: Any, templates: None
) -> None:
    settings.FIELD_KEYS = [OLD]
    notify_many(request(number) for number in range(BEFORE))
    later = [row.pk for row in Notification.objects.order_by("pk")[:20]]
    # These wait: they are sealed anew while nobody sends them.
    Notification.objects.filter(pk__in=later).update(scheduled_at="2100-01-01T00:00Z")
    settings.FIELD_KEYS = [NEW, OLD]
    enqueued, faults = threading.Event(), []

    def in_a_thread(work: Any) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 (told below)
                faults.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def send() -> None:
        while not enqueued.is_set():
            drain()
        drain()

    def enqueue() -> None:
        for number in range(BEFORE, BEFORE + DURING):
            values = request(number)
            notify(
                to=values.to, channel="email", category="transactional", subject="Invoice", body=values.body
            )
        enqueued.set()

    threads = [in_a_thread(send), in_a_thread(enqueue)]
    resealed = 0
    # At least once, however quick the others are.
    while not resealed or any(thread.is_alive() for thread in threads):
        out = io.StringIO()
        # A row that a worker holds at that moment is left for the next run, which the command says by its exit.
        with suppress(CommandError):
            call_command("rotate_keys", batch=7, json=True, stdout=out)
        resealed += sum(json.loads(out.getvalue())["resealed"].values())
    for thread in threads:
        thread.join()
    assert faults == []
    call_command("rotate_keys", verbosity=0, stdout=io.StringIO())

    assert resealed == BEFORE, "each value of the old key once, and no other"
    assert not Notification.objects.exclude(status__in=["sent", "queued"]).exists()
    assert set(Notification.objects.filter(status="queued").values_list("pk", flat=True)) == set(later)
    assert len(sandbox.messages()) == BEFORE + DURING - len(later)
    settings.FIELD_KEYS = [NEW]
    assert readable() == [f"reader{number}@example.org" for number in range(BEFORE + DURING)]
