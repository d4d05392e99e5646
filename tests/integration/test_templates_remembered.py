"""What an enqueue remembers of templates is checked by the INSERT itself: a change counts from its commit on."""

from typing import Any

import pytest

from notifications.enqueue import notify, notify_many
from notifications.errors import EnqueueError
from notifications.message import NotifyRequest
from notifications.models import Notification
from templates_app.drafts import save_draft
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.placeholders import Placeholder
from templates_app.publish import publish
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def template() -> NotificationTemplate:
    made = NotificationTemplate.objects.create(name="test.changing", category="transactional")
    version(made, "name")
    return made


def version(template: NotificationTemplate, *names: str) -> NotificationTemplateVersion:
    """Publish a text that uses these names."""
    text = " ".join(f"{{{{{name}}}}}" for name in names)
    placeholders = [Placeholder(name=name, sample="x") for name in names]
    source = {"en": {"inapp": {"title": "Hello", "message": text}}}
    draft = save_draft(template=template, source=source, placeholders=placeholders)
    publish(draft)
    return draft


def send(**payload: str) -> Any:
    return notify("test.changing", to=CustomerFactory.create().pk, channel="inapp", payload=payload)


def pinned(result: Any) -> Any:
    return Notification.objects.get(pk=result.queued[0].id).template_version_id


def test_a_new_version_is_pinned_from_its_commit_on(template: NotificationTemplate) -> None:
    send(name="a")
    second = version(template, "name")
    assert pinned(send(name="b")) == second.pk


def test_a_payload_is_checked_against_the_version_in_force(template: NotificationTemplate) -> None:
    send(name="a")
    version(template, "name", "place")
    assert send(name="b", place="Moncton").queued
    with pytest.raises(EnqueueError) as refused:
        send(name="b")
    assert refused.value.code == "missing_placeholder"


def test_an_archived_template_is_unknown_at_once(template: NotificationTemplate) -> None:
    send(name="a")
    NotificationTemplate.objects.update(archived_at="2026-11-20T00:00:00Z")
    with pytest.raises(EnqueueError) as refused:
        send(name="b")
    assert refused.value.code == "unknown_template"
    assert Notification.objects.count() == 1


def test_another_category_counts_at_once(template: NotificationTemplate) -> None:
    send(name="a")
    NotificationTemplate.objects.update(category="security")
    assert Notification.objects.get(pk=send(name="b").queued[0].id).category == "security"


def test_a_set_is_inserted_once_when_its_template_changed(template: NotificationTemplate) -> None:
    send(name="a")
    second = version(template, "name")
    requests = [
        NotifyRequest(
            "test.changing", to=CustomerFactory.create().pk, channel="inapp", payload={"name": str(n)}
        )
        for n in range(3)
    ]
    result = notify_many(requests)
    assert len(result.queued) == 3
    assert Notification.objects.filter(template_version=second).count() == 3


def test_a_key_that_exists_is_found_though_the_template_changed(template: NotificationTemplate) -> None:
    customer = CustomerFactory.create().pk
    first = notify("test.changing", to=customer, channel="inapp", payload={"name": "a"}, idempotency_key="k")
    version(template, "name")
    again = notify("test.changing", to=customer, channel="inapp", payload={"name": "a"}, idempotency_key="k")
    assert [r.id for r in again.existing] == [r.id for r in first.queued]
