"""Drafts, publishing and reading what is published, on PostgreSQL."""

import threading
import uuid
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction

from templates_app.drafts import DraftGoneError, new_draft, save_draft
from templates_app.engine import TemplateError
from templates_app.lookup import check_payload, compiled, published, render_inline
from templates_app.models import NotificationTemplate, NotificationTemplateVersion, TemplatePartial
from templates_app.placeholders import Placeholder
from templates_app.publish import PublishError, publish

SYSTEM = {
    "company_name": "Fundy",
    "postal_address": "120 Main Street",
    "public_url": "https://rental.example",
    "unsubscribe_url": "",
    "preferences_url": "",
    "sandbox": False,
}
CONTEXT = {"number": "B-1", "recipient": {"first_name": ""}, "system": SYSTEM}
PLACEHOLDERS = [Placeholder("number", sample="B-1")]
SOURCE = {
    "en": {
        "email": {
            "subject": "Booking {{number}}",
            "text": "It is {{number}}.",
            "html": "<p>It is {{number}}.</p>",
        },
        "sms": {"text": "It is {{number}}."},
    }
}


@pytest.fixture
def layout(db: None) -> None:
    TemplatePartial.objects.create(
        name="layout/email",
        text="<html><head></head><body>{{> body}}<p>{{> layout/footer}}</p></body></html>",
    )
    TemplatePartial.objects.create(name="layout/email_text", text="{{> body}}\n{{> layout/footer}}\n")
    TemplatePartial.objects.create(name="layout/footer", text="{{system.company_name}}")


@pytest.fixture
def template(layout: None) -> NotificationTemplate:
    return NotificationTemplate.objects.create(name="booking.test", category="reminder")


def draft(template: NotificationTemplate, **changes: Any) -> NotificationTemplateVersion:
    values: dict[str, Any] = {"source": SOURCE, "placeholders": PLACEHOLDERS} | changes
    return save_draft(template=template, **values)


def with_text(text: str) -> dict[str, Any]:
    source = deepcopy(SOURCE)
    source["en"]["sms"]["text"] = text
    return source


def test_a_published_version_is_what_enqueueing_and_rendering_get(template: NotificationTemplate) -> None:
    version = publish(draft(template))
    found = published(["booking.test"])["booking.test"]
    assert (found.template_id, found.version_id) == (template.pk, version.pk)
    assert found.channels == {"email", "sms"}
    assert (found.locales, found.category, found.placeholders) == (("en",), "reminder", tuple(PLACEHOLDERS))
    locale, parts = compiled(found.version_id).render(channel="email", locale="fr_CA", context=CONTEXT)
    assert locale == "en"
    assert parts == {
        "subject": "Booking B-1",
        "text": "It is B-1.\nFundy\n",
        "html": "<html><head></head><body><p>It is B-1.</p><p>Fundy</p>\n</body></html>\n",
    }
    assert [p.code for p in check_payload(found, {})] == ["missing"]


def test_without_a_postal_address_nothing_that_advertises_is_published(layout: None, settings: Any) -> None:
    TemplatePartial.objects.filter(name="layout/footer").update(
        text='{{system.postal_address}}{{#system.unsubscribe_url}}<a href="{{system.unsubscribe_url}}">Leave</a>{{/system.unsubscribe_url}}'
    )
    advert = NotificationTemplate.objects.create(name="offer.test", category="marketing")
    written = draft(advert, source=with_text("It is {{number}}. Reply STOP to opt out"))
    settings.POSTAL_ADDRESS = " "
    with pytest.raises(PublishError, match="POSTAL_ADDRESS is not set"):
        publish(written)
    settings.POSTAL_ADDRESS = "120 Main Street"
    assert publish(written).status == "published"


def test_names_that_are_unknown_unpublished_or_archived_are_absent(
    template: NotificationTemplate, django_assert_num_queries: Any
) -> None:
    draft(template)
    gone = NotificationTemplate.objects.create(name="booking.gone", category="reminder")
    publish(draft(gone))
    NotificationTemplate.objects.filter(pk=gone.pk).update(archived_at="2026-11-20T00:00:00Z")
    live = NotificationTemplate.objects.create(name="booking.live", category="reminder")
    publish(draft(live))
    with django_assert_num_queries(1):
        assert set(published(["booking.test", "booking.gone", "booking.live", "no.such"])) == {"booking.live"}
    with django_assert_num_queries(0):
        assert published([]) == {}


def test_publishing_again_is_seen_at_once_and_the_old_version_still_reads_as_it_did(
    template: NotificationTemplate,
) -> None:
    first = publish(draft(template))
    second = publish(draft(template, source=with_text("Now {{number}}.")))
    assert (first.number, second.number) == (1, 2)
    assert published(["booking.test"])["booking.test"].version_id == second.pk
    assert compiled(first.pk).render(channel="sms", locale="en", context=CONTEXT)[1] == {"text": "It is B-1."}
    assert compiled(second.pk).render(channel="sms", locale="en", context=CONTEXT)[1] == {"text": "Now B-1."}


def test_a_later_change_of_the_layout_does_not_change_a_published_version(
    template: NotificationTemplate,
) -> None:
    version = publish(draft(template))
    TemplatePartial.objects.filter(name="layout/footer").update(text="Somebody else")
    version.refresh_from_db()
    assert "Somebody else" not in str(version.content)
    assert "{{>" not in str(version.content)


def test_a_compiled_version_is_read_from_the_database_once(
    template: NotificationTemplate, django_assert_num_queries: Any
) -> None:
    version = publish(draft(template))
    with django_assert_num_queries(1):
        first = compiled(version.pk)
        assert compiled(version.pk) is first


def test_a_draft_is_never_compiled_and_is_compiled_once_it_is_published(
    template: NotificationTemplate,
) -> None:
    version = draft(template)
    with pytest.raises(TemplateError, match="not published"):
        compiled(version.pk)
    publish(version)
    assert compiled(version.pk).render(channel="sms", locale="en", context=CONTEXT)[1] == {
        "text": "It is B-1."
    }
    with pytest.raises(TemplateError, match="not published"):
        compiled(uuid.uuid4())


def test_a_broken_draft_is_kept_and_publishing_it_tells_every_problem_and_changes_nothing(
    template: NotificationTemplate,
) -> None:
    good = publish(draft(template))
    broken = draft(
        template,
        source=with_text("{{nmuber}} {{#x}}"),
        placeholders=[*PLACEHOLDERS, Placeholder("y", sample="z")],
    )
    with pytest.raises(PublishError) as caught:
        publish(broken)
    assert {p.code for p in caught.value.problems} == {"syntax", "unused"}
    assert "booking.test en sms text line 1" in str(caught.value)
    template.refresh_from_db()
    broken.refresh_from_db()
    assert template.published_version_id == good.pk
    assert broken.status == "draft"
    assert broken.content == {}


def test_a_draft_begun_before_another_was_published_is_refused(template: NotificationTemplate) -> None:
    older, newer = draft(template), draft(template)
    publish(newer)
    with pytest.raises(PublishError, match="Version 2 came into force meanwhile"):
        publish(older)
    with pytest.raises(PublishError, match="published already"):
        publish(newer)


def test_a_new_draft_begins_with_the_words_in_force(template: NotificationTemplate) -> None:
    user = get_user_model().objects.create_user("ann")
    publish(draft(template, source=with_text("{{number}} it is.")))
    begun = new_draft(template, by=user)
    begun.refresh_from_db()
    assert begun.number == 2
    assert begun.source == with_text("{{number}} it is.")
    assert begun.placeholders == [p.stored() for p in PLACEHOLDERS]
    assert (begun.created_by, begun.origin) == (user, "admin")


def test_a_draft_is_changed_in_place_and_a_published_version_never(template: NotificationTemplate) -> None:
    version = draft(template)
    changed = draft(template, source=with_text("Other\r\n{{number}}\r\n"), version=version)
    assert (changed.pk, changed.number) == (version.pk, 1)
    assert changed.source["en"]["sms"]["text"] == "Other\n{{number}}"
    publish(changed)
    with pytest.raises(DraftGoneError):
        draft(template, version=version)


@pytest.mark.parametrize(
    "column", ["source", "content", "placeholders", "channels", "locales", "status", "number"]
)
def test_the_database_itself_refuses_to_change_a_published_version(
    template: NotificationTemplate, column: str
) -> None:
    version = publish(draft(template))
    value = {"status": "draft", "number": 9}.get(column, ["x"])
    with pytest.raises(IntegrityError, match="immutable"), transaction.atomic():
        NotificationTemplateVersion.objects.filter(pk=version.pk).update(
            **{column: value}, **({"published_at": None} if column == "status" else {})
        )


def test_the_database_itself_refuses_to_delete_a_published_version(template: NotificationTemplate) -> None:
    version = publish(draft(template))
    NotificationTemplate.objects.filter(pk=template.pk).update(published_version=None)
    with pytest.raises(IntegrityError, match="immutable"), transaction.atomic():
        NotificationTemplateVersion.objects.filter(pk=version.pk).delete()


@pytest.mark.django_db(transaction=True)
def test_a_draft_waits_for_the_one_being_made_and_gets_the_next_number(
    template: NotificationTemplate,
) -> None:
    numbers: list[int] = []

    def begin() -> None:
        try:
            numbers.append(draft(template).number)
        finally:
            connection.close()

    second = threading.Thread(target=begin)
    with transaction.atomic():
        first = draft(template)
        second.start()
        second.join(timeout=1)
        assert second.is_alive()
    second.join(timeout=20)
    assert (first.number, numbers) == (1, [2])


@pytest.mark.django_db(transaction=True)
def test_publishing_an_older_draft_waits_for_the_newer_one_and_is_refused(
    template: NotificationTemplate,
) -> None:
    older, newer = draft(template), draft(template)
    outcomes: list[str] = []

    def put_in_force() -> None:
        try:
            publish(older)
            outcomes.append("published")
        except PublishError as error:
            outcomes.append(error.problems[0].code)
        finally:
            connection.close()

    second = threading.Thread(target=put_in_force)
    with transaction.atomic():
        publish(newer)
        second.start()
        second.join(timeout=1)
        assert second.is_alive()
    second.join(timeout=20)
    template.refresh_from_db()
    assert (outcomes, template.published_version_id) == (["stale_draft"], newer.pk)


def test_a_message_without_a_template_gets_the_same_layout(
    layout: None, django_assert_num_queries: Any
) -> None:
    text: dict[str, Any] = {
        "locale": "en",
        "context": CONTEXT,
        "subject": "Hi {{number}}",
        "body": "One {{number}}.\n\nTwo <b>.",
    }
    with django_assert_num_queries(1):
        parts = render_inline(channel="email", **text)
    assert parts["subject"] == "Hi B-1"
    assert parts["text"] == "One B-1.\n\nTwo <b>.\nFundy\n"
    assert "<p>One B-1.</p>\n<p>Two &lt;b&gt;.</p>" in parts["html"]
    assert "<p>Fundy</p>" in parts["html"]
    with django_assert_num_queries(0):
        assert render_inline(channel="sms", **text) == {"text": "One B-1.\n\nTwo <b>."}
        assert render_inline(channel="push", **text) == {"title": "Hi B-1", "body": "One B-1.\n\nTwo <b>."}
        assert render_inline(channel="inapp", **text) == {
            "title": "Hi B-1",
            "message": "One B-1.\n\nTwo <b>.",
        }


def test_a_message_without_a_template_follows_the_layout_as_it_is_now(layout: None) -> None:
    text: dict[str, Any] = {
        "channel": "email",
        "locale": "fr",
        "context": CONTEXT,
        "subject": "Hi",
        "body": "One",
    }
    assert "Fundy" in render_inline(**text)["text"]
    TemplatePartial.objects.create(name="layout/footer.fr", text="Au revoir")
    assert "Au revoir" in render_inline(**text)["text"]


def test_a_message_without_a_template_needs_a_subject_where_the_channel_has_one(layout: None) -> None:
    text: dict[str, Any] = {"locale": "en", "context": CONTEXT, "subject": None, "body": "One"}
    assert render_inline(channel="sms", **text) == {"text": "One"}
    with pytest.raises(TemplateError, match="pass subject"):
        render_inline(channel="push", **text)


def test_a_message_without_a_template_and_without_a_layout_is_an_error_that_names_it(db: None) -> None:
    with pytest.raises(TemplateError, match="layout/email_text"):
        render_inline(channel="email", locale="en", context=CONTEXT, subject="Hi", body="One")
