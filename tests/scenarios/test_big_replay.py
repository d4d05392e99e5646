"""A morning after an outage: hundreds of failed messages are replayed at once, and what is due by then goes out ahead of them."""

import datetime as dt
import time

import pytest
from django.db import connection
from django.utils import timezone

from notifications.admin.criteria import matching
from notifications.bulk.order import Wish, ask
from notifications.bulk.work import work
from notifications.models import DeliveryAttempt, Notification, Priority
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.messages import fresh, queued

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
FAILED = 1200
# As one that failed hours ago, to other customers.
COPIES = """
INSERT INTO notification_queue (id, channel, "to", recipient_key, template_id, template_version, payload, metadata, category,
    priority, scheduled_at, status, attempts, last_attempt_at, error)
SELECT gen_random_uuid(), channel, jsonb_build_object('customer_id', c.id), 'customer:' || c.id, template_id, template_version,
    payload, metadata, category, priority, scheduled_at - interval '3 hours', 'failed', 3, now() - interval '3 hours', '503: down'
FROM notification_queue AS q CROSS JOIN unnest(%s::text[]) AS c(id) CROSS JOIN generate_series(1, 20) WHERE q.id = %s
"""


def test_what_is_due_goes_out_ahead_of_a_big_replay(sandbox: SandboxServer) -> None:
    pattern = queued()
    customers = [str(one.pk) for one in CustomerFactory.create_batch(FAILED // 20)]
    with connection.cursor() as cursor:
        cursor.execute(COPIES, [customers, pattern.pk])
    Notification.objects.filter(pk=pattern.pk).update(scheduled_at=timezone.now() - dt.timedelta(minutes=1))
    wish = Wish("replay", by="staff:1", reason="The provider is back.", query="status__exact=failed")
    act, _is_new = ask(wish, now=timezone.now())
    work(matching=matching, until=time.monotonic() + 60)
    act.refresh_from_db()
    assert (act.status, act.done) == ("done", FAILED)
    urgent = queued(priority=Priority.URGENT)

    drain()
    order = list(
        DeliveryAttempt.objects.order_by("started_at", "id").values_list("notification_id", flat=True)
    )
    assert {fresh(urgent).status, fresh(pattern).status} == {"sent"}
    assert Notification.objects.filter(status="sent").count() == FAILED + 2
    assert len(order) == len(set(order)) == FAILED + 2, "each is sent once"
    # Among the first that are claimed, by priority and by how long they have waited.
    assert max(order.index(urgent.pk), order.index(pattern.pk)) < 100
