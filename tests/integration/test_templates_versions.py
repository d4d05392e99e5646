"""Two people at one template: nobody's words are overwritten, published or brought back unseen, and what was before is told."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobs.catalog import CATALOG
from jobs.mentions import mentions
from notifications.enqueue import notify
from notifications.models import Notification
from notifications.template_use import traffic
from templates_app.drafts import (
    DraftConflictError,
    DraftGoneError,
    discard,
    new_draft,
    placeholders_of,
    save_draft,
    state_of,
)
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.publish import PublishError, publish, roll_back
from tests.factories import CustomerFactory
from tests.integration.test_templates_admin import as_, someone, typed, url
from tests.operators import operator, seen, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
NAME = "templates_app_notificationtemplate"
PICKUP = {
    "booking_number": "B-1",
    "equipment": "CAT 320",
    "start_date": "2026-11-24",
    "booking_url": "https://rental.example/b",
}
Version = NotificationTemplateVersion


@pytest.fixture
def template() -> NotificationTemplate:
    return NotificationTemplate.objects.select_related("published_version").get(name="booking.pickup_today")


def saying(draft: Version, words: str, **more: Any) -> Version:
    """The draft with another English text message."""
    source = {**draft.source, "en": {**draft.source["en"], "sms": {"text": words}}}
    return save_draft(
        template=draft.template, source=source, placeholders=placeholders_of(draft), version=draft, **more
    )


WORDS = "{}: {{{{equipment}}}} {{{{booking_url}}}}"


def published(template: NotificationTemplate, word: str) -> Version:
    return publish(saying(new_draft(template), WORDS.format(word)))


# ── Saving ──────────────────────────────────────────────────────────────────────────────────────────────
def test_a_save_over_what_was_not_seen_is_refused_and_what_stands_there_stays(
    template: NotificationTemplate,
) -> None:
    draft = new_draft(template)
    before = state_of(draft)
    saying(draft, "Ann", seen=before)
    with pytest.raises(DraftConflictError) as refused:
        saying(draft, "Ben", seen=before)
    assert refused.value.theirs.source["en"]["sms"]["text"] == "Ann"
    draft.refresh_from_db()
    assert draft.source["en"]["sms"]["text"] == "Ann"
    assert saying(draft, "Ben", seen=state_of(draft)).source["en"]["sms"]["text"] == "Ben"


def test_the_second_of_two_clicks_is_no_conflict(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    before = state_of(draft)
    first = saying(draft, "Ann", seen=before)
    changed_at = first.changed_at
    assert saying(draft, "Ann", seen=before).changed_at == changed_at


def test_a_note_alone_that_somebody_changed_is_a_conflict_too(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    before = state_of(draft)
    saying(draft, draft.source["en"]["sms"]["text"], note="For Ann")
    with pytest.raises(DraftConflictError):
        saying(draft, "Ben", seen=before)


def test_the_form_shows_the_conflict_with_what_was_typed_and_saves_it_once_it_was_seen(
    template: NotificationTemplate,
) -> None:
    draft = new_draft(template)
    mine = typed(draft, **{"en:sms:text": WORDS.format("Ben")})
    saying(draft, WORDS.format("Ann"), by=User.objects.create_user("ann"))
    ben = operator("*")
    answer = ben.post(url(f"{NAME}version_edit", draft.pk), mine)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "ann saved this draft" in page
    assert "Ben: {{equipment}}" in page
    form = answer.context["form"]
    draft.refresh_from_db()
    assert form["seen"].value() == state_of(draft)
    again = ben.post(url(f"{NAME}version_edit", draft.pk), {**mine, "seen": form["seen"].value()})
    assert again.status_code == 302
    draft.refresh_from_db()
    assert draft.source["en"]["sms"]["text"].startswith("Ben")


def test_what_was_typed_into_a_draft_that_was_published_meanwhile_becomes_a_new_draft(
    template: NotificationTemplate,
) -> None:
    draft = new_draft(template)
    mine = typed(draft, **{"en:sms:text": WORDS.format("Mine")})
    publish(draft)
    client = operator("*")
    answer = client.post(url(f"{NAME}version_edit", draft.pk), mine)
    assert answer.status_code == 409
    assert "Mine: {{equipment}}" in answer.content.decode()
    client.post(url(f"{NAME}version_edit", draft.pk), {**mine, "as_new": "1"})
    kept = Version.objects.get(template=template, status="draft")
    assert kept.source["en"]["sms"]["text"].startswith("Mine")
    assert kept.based_on_id == draft.pk


def test_a_discarded_draft_cannot_be_saved_and_a_published_one_not_discarded(
    template: NotificationTemplate,
) -> None:
    draft, other = new_draft(template), new_draft(template)
    assert discard(draft)
    assert not discard(draft)
    with pytest.raises(DraftGoneError):
        saying(draft, "Late")
    publish(other)
    assert not discard(other)
    assert Version.objects.filter(pk=other.pk).exists()


def test_the_preview_of_what_is_typed_changes_nothing(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    before = state_of(draft), LogEntry.objects.count(), Notification.objects.count()
    client = operator("*")
    answer = client.post(
        url(f"{NAME}version_preview", draft.pk),
        typed(draft, **{"en:sms:text": "{{equipment}} {{oops}}", "en:push:title": "Now"})
        | {"try:equipment": "Bobcat"},
    ).json()
    assert answer["fields"]["en:sms:text"][0]["line"] == 1
    assert answer["unknown"] == ["oops"]
    assert "sms" not in answer["channels"]
    assert "Bobcat" in answer["channels"]["push"]
    draft.refresh_from_db()
    assert (state_of(draft), LogEntry.objects.count(), Notification.objects.count()) == before
    assert client.get(url(f"{NAME}version_preview", draft.pk)).status_code == 405


def test_the_html_of_a_preview_holds_the_policy_that_keeps_it_from_loading(
    template: NotificationTemplate,
) -> None:
    draft = new_draft(template)
    answer = operator("*").post(url(f"{NAME}version_preview", draft.pk), typed(draft)).json()
    frame = answer["channels"]["email"]
    assert 'sandbox=""' in frame
    assert "default-src &#x27;none&#x27;; img-src data:" in frame
    assert frame.index("Content-Security-Policy") < frame.index("&lt;style")


def test_a_script_is_not_even_drawn(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    answer = operator("*").post(
        url(f"{NAME}version_preview", draft.pk),
        typed(draft, **{"en:email:html": "<script>alert(1)</script>"}),
    )
    assert "email" not in answer.json()["channels"]
    assert "en:email:html" in answer.json()["fields"]


# ── Publishing and rolling back ─────────────────────────────────────────────────────────────────────────
def test_a_draft_that_was_overtaken_is_refused_whatever_its_number(template: NotificationTemplate) -> None:
    first, second = new_draft(template), new_draft(template)
    publish(first)
    with pytest.raises(PublishError, match="Version 2 came into force meanwhile"):
        publish(second)
    page = seen(operator("*").get(url(f"{NAME}version_change", second.pk)))
    assert "Version 2 came into force after this draft was begun on version 1." in page


def test_an_overtaken_drafts_words_go_on_in_a_new_draft(template: NotificationTemplate) -> None:
    late = saying(new_draft(template), WORDS.format("Late"), note="Why it is so")
    published(template, "Early")
    operator("*").post(url(f"{NAME}_draft", template.pk), {"words_of": str(late.number)})
    newest = Version.objects.filter(template=template).first()
    assert newest
    assert newest.source["en"]["sms"]["text"].startswith("Late")
    assert newest.note == "Why it is so"
    publish(newest)


def test_a_draft_that_changed_since_its_publisher_read_it_is_refused(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    client = operator("*")
    form = client.get(url(f"{NAME}version_publish", draft.pk)).context
    saying(draft, WORDS.format("Other"))
    answer = client.post(
        url(f"{NAME}version_publish", draft.pk), {"note": "Mine", "seen": form["seen"]}, follow=True
    )
    assert "Somebody changed this draft since you read it: read it again." in told(answer)
    draft.refresh_from_db()
    assert draft.status == "draft"


@pytest.mark.parametrize("stamp", [{}, {"seen": ""}, {"seen": "no state at all"}])
def test_a_form_that_does_not_say_which_words_were_read_publishes_nothing(
    template: NotificationTemplate, stamp: dict[str, str]
) -> None:
    draft = saying(new_draft(template), WORDS.format("Unseen"))
    client = operator("*")
    answer = client.post(url(f"{NAME}version_publish", draft.pk), {"note": "Mine", **stamp}, follow=True)
    [refusal] = told(answer)
    assert "again" in refusal
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_publishing_asks_what_changed(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    answer = operator("*").post(url(f"{NAME}version_publish", draft.pk), {"note": "  "})
    assert answer.status_code == 400
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_who_may_write_may_not_publish_and_the_other_way_round(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    read = ("view_notificationtemplate", "view_notificationtemplateversion")
    writer = as_(someone(*read, "change_notificationtemplateversion"))
    publisher = as_(someone(*read, "publish_notificationtemplateversion"))
    assert writer.post(url(f"{NAME}version_publish", draft.pk), {"note": "x"}).status_code == 403
    assert writer.get(url(f"{NAME}version_restore", draft.based_on_id)).status_code == 403
    assert publisher.post(url(f"{NAME}version_edit", draft.pk), typed(draft)).status_code == 403
    assert publisher.post(url(f"{NAME}version_preview", draft.pk), typed(draft)).status_code == 403
    assert "Publish…" not in seen(writer.get(url(f"{NAME}version_change", draft.pk)))
    assert "Edit" not in seen(publisher.get(url(f"{NAME}version_change", draft.pk))).split()


def test_rolling_back_makes_a_new_version_of_the_older_words(template: NotificationTemplate) -> None:
    old, new = template.published_version, published(template, "New")
    assert old
    user = User.objects.create_user("ann")
    back = roll_back(old, reason="The link was wrong", instead_of=new.pk, by=user)
    template.refresh_from_db()
    assert template.published_version_id == back.pk
    assert (back.number, back.note, back.published_by) == (3, "The link was wrong", user)
    assert (back.restores, back.based_on_id) == (old, new.pk)
    assert back.content == old.content
    assert back.content_sha256 == old.content_sha256


def test_rolling_back_from_what_is_no_longer_in_force_is_refused_and_keeps_nothing(
    template: NotificationTemplate,
) -> None:
    old, new = template.published_version, published(template, "New")
    assert old
    client = operator("*")
    ask = url(f"{NAME}version_restore", old.pk)
    assert "Roll booking.pickup_today back to the words of version 1?" in seen(client.get(ask))
    answers = [
        client.post(ask, {"reason": "Twice", "instead_of": str(new.pk)}, follow=True) for _ in range(2)
    ]
    assert told(answers[0]) == ["The words of version 1 are in force again, as version 3."]
    assert "Version 3 came into force meanwhile" in told(answers[1])[0]
    assert template.versions.count() == 3
    assert [e.change_message for e in LogEntry.objects.filter(change_message__startswith="Rolled")] == [
        "Rolled back to the words of v1: Twice"
    ]


def test_rolling_back_wants_a_reason(template: NotificationTemplate) -> None:
    old, new = template.published_version, published(template, "New")
    assert old
    answer = operator("*").post(url(f"{NAME}version_restore", old.pk), {"instead_of": str(new.pk)})
    assert answer.status_code == 400
    assert template.versions.count() == 2


def test_the_database_keeps_what_a_version_was_based_on(template: NotificationTemplate) -> None:
    new = published(template, "New")
    for column in ("based_on", "restores"):
        with pytest.raises(IntegrityError, match="immutable"), transaction.atomic():
            Version.objects.filter(pk=new.pk).update(**{column: new.pk})


# ── History, languages, use ─────────────────────────────────────────────────────────────────────────────
def test_the_history_says_who_did_what_and_why(template: NotificationTemplate) -> None:
    old = template.published_version
    assert old
    ann = User.objects.create_user("ann")
    new = publish(saying(new_draft(template, by=ann), WORDS.format("New"), by=ann, note="Shorter"), ann)
    roll_back(old, reason="The link was wrong", instead_of=new.pk, by=ann)
    new_draft(template)
    page = seen(operator("*").get(url(f"{NAME}_change", template.pk)))
    for words in ("Shorter", "The link was wrong", "brought back v1", "begun on v3", "ann"):
        assert words in page


def test_two_versions_are_compared_by_their_numbers(template: NotificationTemplate) -> None:
    published(template, "New")
    client = operator("*")
    compare = reverse(f"admin:{NAME}_compare", args=[template.pk])
    page = client.get(f"{compare}?from=1&to=2").content.decode()
    assert "<ins>New</ins>" in page
    assert "Nothing differs." in seen(client.get(f"{compare}?from=2&to=2"))
    assert client.get(compare).context["old"].number == 1
    for wrong in ("from=9", "to=x", "from=-1", "to=99999999999999999999"):
        assert client.get(f"{compare}?{wrong}").status_code == 404


def test_languages_stand_side_by_side_with_what_is_missing(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    french = {channel: parts for channel, parts in draft.source["fr"].items() if channel != "sms"}
    save_draft(
        template=template,
        source={**draft.source, "fr": french},
        placeholders=placeholders_of(draft),
        version=draft,
    )
    page = operator("*").get(url(f"{NAME}version_languages", draft.pk))
    assert "missing" in seen(page)
    lacking = [row for row in page.context["rows"] if any(cell.is_missing for cell in row.cells)]
    assert [(row.channel, row.part) for row in lacking] == [("sms", "text")]


def test_the_list_says_which_languages_are_complete_and_finds_by_state(
    template: NotificationTemplate,
) -> None:
    plain = NotificationTemplate.objects.create(name="yard.closed", category="transactional")
    draft = save_draft(template=plain, source={"en": {"sms": {"text": "Closed."}}}, placeholders=[])
    client = operator("*")

    def found(state: str) -> set[str]:
        page = client.get(f"{url(f'{NAME}_changelist')}?state={state}")
        return {row.name for row in page.context["cl"].result_list}

    assert found("never") == {"yard.closed"}
    assert found("draft") == {"yard.closed"}
    publish(draft)
    assert "1 of 2, without French" in seen(client.get(f"{url(f'{NAME}_changelist')}?q=yard"))
    assert found("never") == set()
    assert "yard.closed" in found("in_force")


def test_every_template_of_the_jobs_is_found_in_their_code() -> None:
    names = NotificationTemplate.objects.exclude(name="staff.security_alert").values_list("name", flat=True)
    assert {name for name in names if not mentions(name)} == set()
    assert [(m.label, m.job) for m in mentions("sla.breached")] == [("sla_monitor", True)]
    assert [m.label for m in mentions("installment.overdue_final")] == ["installment_reminders"]
    assert mentions("nobody.knows_it") == []
    assert all(m.label in CATALOG for name in names for m in mentions(name) if m.job)


def test_what_waits_is_counted_by_the_version_it_pinned(template: NotificationTemplate) -> None:
    old = template.published_version
    assert old
    customer = CustomerFactory.create()
    for _ in range(2):
        notify("booking.pickup_today", to=customer.pk, channel="email", payload=PICKUP)
    new = published(template, "New")
    notify("booking.pickup_today", to=customer.pk, channel="email", payload=PICKUP)
    found = traffic(template.pk)
    assert found.waiting == {old.pk: 2, new.pk: 1}
    assert (found.recent, found.looked_at, found.is_waiting_capped) == (3, 3, False)
    assert found.last_at == Notification.objects.latest("created_at").created_at
    page = seen(operator("*").get(url(f"{NAME}version_publish", new_draft(template).pk)))
    assert "3 messages that wait keep the words they were queued with." in page


def test_a_template_that_code_sends_cannot_be_archived_and_another_can(
    template: NotificationTemplate,
) -> None:
    client = operator("*")
    answer = client.post(url(f"{NAME}_archive", template.pk), {"archived": "1", "reason": "Old"})
    assert answer.status_code == 409
    assert "booking_reminders" in seen(client.get(url(f"{NAME}_archive", template.pk)))
    other = NotificationTemplate.objects.create(name="yard.closed", category="transactional")
    archive = url(f"{NAME}_archive", other.pk)
    assert client.post(archive, {"archived": "1"}).status_code == 400
    answers = [
        client.post(archive, {"archived": "1", "reason": "Snow is over"}, follow=True) for _ in range(2)
    ]
    assert [told(answer) for answer in answers] == [
        ["It is archived."],
        ["Somebody else has done that meanwhile."],
    ]
    other.refresh_from_db()
    assert other.archived_at
    assert LogEntry.objects.filter(change_message="Archived it: Snow is over").count() == 1
    client.post(archive, {"archived": "0", "reason": "Snow again"})
    other.refresh_from_db()
    assert other.archived_at is None


# ── Cost ────────────────────────────────────────────────────────────────────────────────────────────────
def test_no_page_asks_more_when_there_are_twice_the_versions(template: NotificationTemplate) -> None:
    draft = new_draft(template)
    client = operator("*")
    addresses = [
        url(f"{NAME}_changelist"),
        url(f"{NAME}_change", template.pk),
        url(f"{NAME}_compare", template.pk),
        url(f"{NAME}_archive", template.pk),
        *(url(f"{NAME}version_{page}", draft.pk) for page in ("change", "edit", "languages", "publish")),
        url(f"{NAME}version_restore", template.published_version_id),
        url(f"{NAME}version_changelist"),
    ]
    before = [queries(client, address) for address in addresses]
    for number in range(4):
        saying(new_draft(template, by=User.objects.create_user(f"writer{number}")), f"Word {number}")
    assert [queries(client, address) for address in addresses] == before
    assert max(before) <= 30


def queries(client: Any, address: str) -> int:
    client.get(address)  # what a process asks once, it knows afterwards
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200, address
    return len(asked)
