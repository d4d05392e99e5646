"""Placeholders marked sensitive: sealed from the moment they are queued until the text is made, and masked on every page."""

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from notifications.archive import copy
from notifications.enqueue import notify, notify_many
from notifications.errors import EnqueueError
from notifications.message import Address, NotifyRequest
from notifications.models import InboxItem, Notification, NotificationHistory
from notifications.relevance import Question
from notifications.rendered_again import rendered_now, shown_payload
from notifications.replay import send_again
from notifications.retention import Retention, ended
from notifications.sealed_payload import MARK, mask_payload, open_payload, seal_payload
from notifications.worker import drain
from sandbox.testing import SandboxServer
from templates_app.compiled import CompiledVersion
from templates_app.drafts import save_draft
from templates_app.formats import TYPES
from templates_app.models import NotificationTemplate, TemplatePartial
from templates_app.placeholders import Placeholder
from templates_app.publish import publish
from tests.factories import CustomerFactory
from tests.messages import PICKUP, fresh, queued
from tests.notification_factories import InboxItemFactory, NotificationFactory, sealed
from tests.operators import QUEUE, READ, REVEAL, VIEW, operator, seen

pytestmark = pytest.mark.django_db
CODE = "918273"
PLACEHOLDERS = [
    Placeholder("code", sensitive=True, sample="000000"),
    Placeholder(
        "paid", type="money", sensitive=True, required=False, sample={"amount": "1.00", "currency": "CAD"}
    ),
    Placeholder("machine", sample="excavator"),
]
TEXT = "The code for the {{machine}} is {{code}}.{{#paid}} Paid: {{paid}}.{{/paid}}"
OLD, NEW = "o" * 32, "n" * 32
asked: list[Question] = []


def remember(questions: list[Question], **_: Any) -> dict[Any, str]:
    """A callback of the host's."""
    asked.extend(questions)
    return {}


@pytest.fixture
def template(db: None) -> NotificationTemplate:
    """`door.code`, in force, with two sensitive placeholders."""
    TemplatePartial.objects.create(
        name="layout/email",
        text="<html><head></head><body>{{> body}}<p>{{system.company_name}}</p></body></html>",
    )
    TemplatePartial.objects.create(name="layout/email_text", text="{{> body}}\n{{system.company_name}}\n")
    made = NotificationTemplate.objects.create(name="door.code", category="transactional")
    source = {
        "en": {
            "email": {"subject": "Your code", "text": TEXT, "html": f"<p>{TEXT}</p>"},
            "sms": {"text": TEXT},
            "inapp": {"title": "Your code", "message": TEXT},
        }
    }
    publish(save_draft(template=made, source=source, placeholders=PLACEHOLDERS))
    return NotificationTemplate.objects.get(pk=made.pk)


def code_for(customer: Any = None, **arguments: Any) -> Notification:
    values = {"to": (customer or CustomerFactory.create()).pk, "channel": "email", **arguments}
    payload = values.pop("payload", {"code": CODE, "machine": "crane"})
    result = notify("door.code", payload=payload, **values)
    return Notification.objects.get(pk=(*result.queued, *result.existing)[0].id)


def everything_stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(q::text, '\n') FROM notification_queue q")
        return str(cursor.fetchone()[0])


def texts(sandbox: SandboxServer) -> list[str]:
    found = (sandbox.message(m["id"])["content"] for m in sandbox.messages())
    return [content.get("text") or content.get("body") for content in found]


def test_the_queue_holds_no_sensitive_value_and_the_reader_gets_it(
    template: NotificationTemplate, sandbox: SandboxServer
) -> None:
    row = code_for(
        channel=["email", "sms"],
        payload={"code": CODE, "machine": "crane", "paid": {"amount": "7.50", "currency": "CAD"}},
    )
    assert CODE not in everything_stored()
    assert "7.50" not in everything_stored()
    assert row.payload["machine"] == "crane", "the others stay as they are"
    drain()
    assert len(texts(sandbox)) == 2
    assert all(f"The code for the crane is {CODE}. Paid: $7.50." in text for text in texts(sandbox))
    assert CODE not in everything_stored()


def test_a_set_shares_a_request_to_the_provider_and_each_gets_their_own(
    template: NotificationTemplate, sandbox: SandboxServer, settings: Any
) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "BATCHED_CATEGORIES": frozenset({"transactional"})}
    requests = [
        NotifyRequest(
            "door.code",
            to=CustomerFactory.create().pk,
            channel="email",
            payload={"code": f"code-{n}", "machine": "crane"},
        )
        for n in range(3)
    ]
    notify_many(requests)
    assert "code-1" not in everything_stored()
    drain()
    assert sorted(text.split("is ")[1].split(".")[0] for text in texts(sandbox)) == [
        "code-0",
        "code-1",
        "code-2",
    ]


def test_what_is_queued_once_by_its_key_stays_once_though_no_token_is_twice_the_same(
    template: NotificationTemplate,
) -> None:
    customer = CustomerFactory.create()
    first = code_for(customer, idempotency_key="k")
    assert code_for(customer, idempotency_key="k").pk == first.pk
    assert Notification.objects.count() == 1


def test_send_again_says_the_same(template: NotificationTemplate, sandbox: SandboxServer) -> None:
    row = code_for()
    drain()
    send_again([row.pk], by="command", reason="asked for")
    drain()
    assert [CODE in text for text in texts(sandbox)] == [True, True]
    assert CODE not in everything_stored()


@pytest.mark.parametrize("together", [False, True])
def test_a_missing_key_fails_clearly_and_never_sends_the_ciphertext(
    together: bool, template: NotificationTemplate, sandbox: SandboxServer, settings: Any
) -> None:
    if together:
        settings.NOTIFICATIONS = {
            **settings.NOTIFICATIONS,
            "BATCHED_CATEGORIES": frozenset({"transactional"}),
        }
    settings.FIELD_KEYS = [OLD]
    lost = [code_for() for _ in range(2)]
    settings.FIELD_KEYS = [NEW]
    well = [code_for() for _ in range(2)]
    drain()
    for row in lost:
        row = fresh(row)
        assert row.status == "failed"
        assert "FIELD_KEYS" in (row.error or "")
        assert "sealed" not in (row.error or "")
    assert [fresh(row).status for row in well] == ["sent", "sent"], "the others are not held up"
    assert not any(MARK in text or "gAAAA" in text for text in texts(sandbox))


def test_callbacks_of_the_host_see_it_sealed_at_both_gates(
    template: NotificationTemplate, sandbox: SandboxServer, settings: Any
) -> None:
    asked.clear()
    settings.NOTIFICATIONS = {
        **settings.NOTIFICATIONS,
        "RELEVANCE": {"door.": f"{__name__}.remember"},
    }
    code_for()
    drain()
    assert len(asked) >= 2  # the first gate may ask twice, when a template is remembered that is no more
    assert all(CODE not in json.dumps(dict(question.payload)) for question in asked)


def test_a_template_without_sensitive_placeholders_is_handed_through() -> None:
    payload = {"a": 1}
    assert seal_payload(payload, frozenset()) is payload
    assert open_payload(payload, frozenset()) is payload


def test_an_optional_value_that_is_left_out_stays_out(template: NotificationTemplate) -> None:
    row = code_for(payload={"code": CODE, "machine": "crane", "paid": None})
    assert row.payload["paid"] is None
    assert set(row.payload) == {"code", "machine", "paid"}


def test_what_an_earlier_release_queued_in_the_clear_is_still_sent(
    template: NotificationTemplate, sandbox: SandboxServer
) -> None:
    row = code_for()
    Notification.objects.filter(pk=row.pk).update(payload={"code": CODE, "machine": "crane"})
    drain()
    assert CODE in texts(sandbox)[0]


@pytest.mark.parametrize("template_name", ["door.code", None])
def test_nobody_can_pass_off_their_own_words_as_a_sealed_value(
    template: NotificationTemplate, template_name: str | None
) -> None:
    forged = {"code": {MARK: "x"}, "machine": "crane"}
    extra: dict[str, Any] = (
        {} if template_name else {"body": "b", "subject": "s", "category": "transactional"}
    )
    with pytest.raises(EnqueueError, match="we write it"):
        notify(template_name, to=CustomerFactory.create().pk, channel="email", payload=forged, **extra)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_has_a_mask_that_its_text_can_be_written_with(kind: str) -> None:
    samples: dict[str, Any] = {
        "text": "secret", "url": "https://secret.example/x", "date": "2026-11-24", "flag": True,
        "datetime": "2026-11-24T09:30:00-04:00", "money": {"amount": "77.00", "currency": "CAD"},
        "list": [{"name": "secret"}, {"name": "secret"}],
    }  # fmt: skip
    uses = {"flag": "{{#v}}yes{{/v}}", "list": "{{#v}}{{name}}{{/v}}", "date": "{{v}} {{v.short}}"}
    placeholder = Placeholder("v", type=kind, sensitive=True, sample=samples[kind])
    text = uses.get(kind, "{{v}}")
    version = CompiledVersion.of({"en": {"sms": {"text": text}}}, [placeholder], default_locale="en")
    masked = mask_payload({"v": {MARK: "token"}}, version.sensitive)
    _, parts = version.render(channel="sms", locale="en", context=masked)
    assert parts["text"]
    assert "secret" not in parts["text"]


def test_the_pages_of_the_admin_mask_it(template: NotificationTemplate) -> None:
    row = code_for(channel="sms")
    row = Notification.objects.select_related("template_version").get(pk=row.pk)
    assert shown_payload(row) == {"code": "•••", "machine": "crane"}
    # In an SMS the mask is written in signs that cost nothing.
    assert "The code for the crane is ---." in rendered_now(row).parts["text"]
    page = seen(operator(VIEW, READ).get(f"{QUEUE}{row.pk}/body/"))
    assert "•••" in page
    assert CODE not in page
    assert "gAAAA" not in page


def test_explain_tells_nothing_of_it(template: NotificationTemplate) -> None:
    row = code_for()
    out = io.StringIO()
    call_command("explain_notification", str(row.pk), json=True, stdout=out)
    assert CODE not in out.getvalue()
    assert "gAAAA" not in out.getvalue()


# ── Reveal ──────────────────────────────────────────────────────────────────────────────────────────────
def reveal(row: Notification, *permissions: str, **data: str) -> Any:
    return operator(*permissions).post(f"{QUEUE}{row.pk}/reveal/", {"confirmed": "1", **data})


def test_revealing_shows_recipient_payload_and_text_and_writes_down_who_and_why(
    template: NotificationTemplate,
) -> None:
    row = code_for(CustomerFactory.create(first_name="Zoé", email="zoe@example.org"), channel="sms")
    answer = reveal(row, VIEW, REVEAL, reason="She says that no code came")
    page = seen(answer)
    assert "Zoé" in page
    assert "zoe@example.org" in page
    assert f"The code for the crane is {CODE}." in page
    assert "no-store" in answer["Cache-Control"]
    entry = LogEntry.objects.get(object_id=str(row.pk))
    assert entry.change_message == "revealed recipient and text: She says that no code came"
    assert CODE not in entry.object_repr + entry.change_message


def test_an_address_of_nobody_we_know_is_revealed_too() -> None:
    row = NotificationFactory.create(to=sealed("jo@example.org", "Jo"), payload={"amount": "1"})
    page = seen(reveal(row, VIEW, REVEAL, reason="A call"))
    assert "jo@example.org" in page


def test_without_a_reason_nothing_is_shown_and_nothing_written(template: NotificationTemplate) -> None:
    row = code_for(channel="sms")
    for data in ({"reason": " "}, {"reason": "write to zoe@example.org"}):
        page = seen(reveal(row, VIEW, REVEAL, **data))
        assert CODE not in page
    client = operator(VIEW, REVEAL)
    assert CODE not in seen(client.post(f"{QUEUE}{row.pk}/reveal/"))
    assert client.get(f"{QUEUE}{row.pk}/reveal/").status_code == 302
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("permissions", [(VIEW,), (REVEAL,), (VIEW, READ)])
def test_revealing_is_a_right_of_its_own(
    permissions: tuple[str, ...], template: NotificationTemplate
) -> None:
    row = code_for(channel="sms")
    assert reveal(row, *permissions, reason="curious").status_code == 403
    assert not LogEntry.objects.exists()
    if VIEW in permissions:
        assert "/reveal/" not in operator(*permissions).get(f"{QUEUE}{row.pk}/change/").content.decode()


def test_a_reveal_without_the_key_says_so(template: NotificationTemplate, settings: Any) -> None:
    settings.FIELD_KEYS = [OLD]
    row = code_for(channel="sms")
    settings.FIELD_KEYS = [NEW]
    page = seen(reveal(row, VIEW, REVEAL, reason="A call"))
    assert "FIELD_KEYS" in page
    assert "gAAAA" not in page


def test_the_button_asks_before_it_shows(template: NotificationTemplate) -> None:
    row = code_for(channel="sms")
    client = operator(VIEW, REVEAL, csrf=True)
    assert client.post(f"{QUEUE}{row.pk}/reveal/", {"confirmed": "1", "reason": "A call"}).status_code == 403
    assert "/reveal/" in client.get(f"{QUEUE}{row.pk}/change/").content.decode()


def test_an_ad_hoc_recipient_of_a_sensitive_template(
    template: NotificationTemplate, sandbox: SandboxServer
) -> None:
    notify("door.code", to=Address("jo@example.org", "Jo"), payload={"code": CODE, "machine": "crane"})
    assert CODE not in everything_stored()
    drain()
    assert CODE in texts(sandbox)[0]


def test_the_seed_templates_are_as_they_were(templates: None) -> None:
    row = queued()
    assert row.payload == PICKUP


def test_the_inbox_shows_who_reads_texts_no_sensitive_value(template: NotificationTemplate) -> None:
    row = code_for(channel="inapp")
    plain = NotificationFactory.create(channel="inapp")
    drain()
    item = InboxItem.objects.get(notification=row)
    other = InboxItemFactory.create(notification=plain, message="Come at nine.")
    assert CODE in item.message, "it is its reader's"
    client = operator("notifications.view_inboxitem", READ)
    for has_moved in (False, True):
        if has_moved:
            past = timezone.now() + 9 * dt.timedelta(days=1)
            copy(ended("sent", Retention(), now=past, limit=5))
            Notification.objects.filter(pk=row.pk).delete()
            assert NotificationHistory.objects.get().pk == row.pk
        page = seen(client.get(f"/admin/notifications/inboxitem/{item.pk}/change/"))
        assert CODE not in page
        assert "It may hold sensitive values" in page
    assert not LogEntry.objects.exists(), "nothing was read"
    assert "Come at nine." in seen(client.get(f"/admin/notifications/inboxitem/{other.pk}/change/"))
    assert LogEntry.objects.get().change_message == "read the text of the inbox item"
