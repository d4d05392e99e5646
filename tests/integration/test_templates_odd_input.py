"""Templates and what nobody should type: samples that are no JSON of PostgreSQL's, addresses and NUL in reasons, numbers without end."""

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client

from jobs.mentions import mentions as in_code
from notifications.enqueue import notify
from notifications.models import Notification
from notifications.worker import drain
from templates_app.admin.frames import framed
from templates_app.drafts import new_draft, save_draft, state_of
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from templates_app.placeholders import Placeholder
from templates_app.publish import publish
from templates_app.usage import mentions
from tests.factories import CustomerFactory
from tests.integration.test_templates_admin import NAME, as_, someone, typed, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
Version = NotificationTemplateVersion


@pytest.fixture
def template() -> NotificationTemplate:
    return NotificationTemplate.objects.select_related("published_version").get(name="booking.pickup_today")


@pytest.fixture
def root() -> Client:
    return as_(User.objects.create_superuser("root"))


@pytest.mark.parametrize(
    "sample",
    ["[" * 5000, '{"amount": 1e999}', "[-1e400]", r'["\ud800"]', r'["\uDFFF"]', r'["\u0000"]'],
    ids=["deep", "larger than any float", "smaller", "half a pair", "the other half", "NUL"],
)
def test_a_sample_that_no_database_keeps_is_kept_as_it_was_typed(
    root: Client, template: NotificationTemplate, sample: str
) -> None:
    draft = new_draft(template)
    row = len(draft.placeholders)
    form = typed(draft) | {
        "ph-TOTAL_FORMS": str(row + 1),
        f"ph-{row}-name": "odd",
        f"ph-{row}-type": "list",
        f"ph-{row}-sample": sample,
    }
    assert root.post(url(f"{NAME}version_preview", draft.pk), form).status_code == 200
    assert root.post(url(f"{NAME}version_edit", draft.pk), form).status_code == 302
    draft.refresh_from_db()
    assert draft.placeholders[-1]["sample"] == sample


def test_a_value_to_try_that_is_no_json_is_told_and_breaks_nothing(
    root: Client, template: NotificationTemplate
) -> None:
    draft = new_draft(template)
    row = len(draft.placeholders)
    form = typed(draft) | {
        "ph-TOTAL_FORMS": str(row + 1),
        f"ph-{row}-name": "odd",
        f"ph-{row}-type": "list",
        f"ph-{row}-sample": "[1]",
        "try:odd": "[" * 100_000,
    }
    assert root.post(url(f"{NAME}version_preview", draft.pk), form).status_code == 200


def with_lists(source: dict[str, Any]) -> tuple[dict[str, Any], list[Placeholder]]:
    """The words with a list of days for each site."""
    text = "{{#sites}}\n{{#days}}{{.}}{{/days}}{{/sites}}"
    words = {locale: {"sms": {"text": text}} for locale in source}
    return words, [Placeholder(name, type="list", sample=["1"]) for name in ("sites", "days")]


def test_values_to_try_that_multiply_are_told_at_their_line(
    root: Client, template: NotificationTemplate
) -> None:
    source, lists = with_lists(new_draft(template).source)
    draft = save_draft(template=template, source=source, placeholders=lists)
    many = json.dumps(["1"] * 13_000)
    answer = root.post(
        url(f"{NAME}version_preview", draft.pk), typed(draft) | {"try:sites": many, "try:days": many}
    ).json()
    assert "sms" not in answer["channels"]
    [problem] = answer["fields"]["en:sms:text"]
    assert problem["line"] == 2
    assert "“days” is written too often" in problem["message"]


def test_a_payload_that_multiplies_fails_for_good_and_says_why(template: NotificationTemplate) -> None:
    source, lists = with_lists(new_draft(template).source)
    publish(save_draft(template=template, source=source, placeholders=lists))
    many = ["1"] * 6_000
    for customer in CustomerFactory.create_batch(2):
        notify(template.name, to=customer.pk, channel="sms", payload={"sites": many, "days": many})
    assert drain().claimed == 2
    for row in Notification.objects.all():
        assert row.status == "failed"
        assert "“days” is written too often" in str(row.error)


def reasons(template: NotificationTemplate) -> list[tuple[str, str, dict[str, Any]]]:
    """Where a reason is asked for: (address, its field, what else is posted)."""
    old = template.published_version
    assert old
    current = publish(new_draft(template))
    free = NotificationTemplate.objects.create(name="nobody.sends_it", category="transactional")
    draft = new_draft(template)
    return [
        (url(f"{NAME}_archive", free.pk), "reason", {"archived": "1"}),
        (url(f"{NAME}version_restore", old.pk), "reason", {"instead_of": str(current.pk)}),
        (url(f"{NAME}version_publish", draft.pk), "note", {"seen": state_of(draft)}),
    ]


def test_a_reason_with_an_address_is_refused_and_stands_nowhere(
    root: Client, template: NotificationTemplate
) -> None:
    for address, field, rest in reasons(template):
        for reason in ("Anna asked: anna@example.com", "Call +1 506 555 0123"):
            page = root.post(address, {field: reason, **rest})
            assert page.status_code == 400, address
            assert "Leave e-mail addresses and phone numbers out" in page.content.decode()
    assert not LogEntry.objects.exists()
    assert not NotificationTemplate.objects.filter(archived_at__isnull=False).exists()


def test_a_nul_in_a_reason_is_dropped_and_the_act_is_on_record(
    root: Client, template: NotificationTemplate
) -> None:
    for address, field, rest in reasons(template):
        assert root.post(address, {field: "Snow\0 is\n over", **rest}).status_code == 302, address
        last = LogEntry.objects.latest("pk").change_message
        assert last.endswith(": Snow is over"), address
        # It ends what the next one begins on.
        template.refresh_from_db()


@pytest.mark.parametrize("act", ["archive", "publish", "restore"])
def test_what_cannot_be_put_on_record_is_not_done(
    root: Client, template: NotificationTemplate, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(address, field, rest)] = [one for one in reasons(template) if f"/{act}/" in one[0]]
    before = {**_standing()}

    def fails(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr(LogEntry.objects, "create", fails)
    with pytest.raises(RuntimeError):
        root.post(address, {field: "Snow is over", **rest})
    assert _standing() == before


def _standing() -> dict[str, Any]:
    return {
        row.name: (row.archived_at, row.published_version_id) for row in NotificationTemplate.objects.all()
    }


@pytest.mark.parametrize("number", ["9" * 5000, "99999999999", "0", "-1", "x", "²"])
def test_a_draft_with_the_words_of_no_version_is_not_found(
    root: Client, template: NotificationTemplate, number: str
) -> None:
    assert root.post(url(f"{NAME}_draft", template.pk), {"words_of": number}).status_code == 404
    assert not Version.objects.filter(status="draft").exists()


@pytest.mark.parametrize(
    "html", ["<head><title>x</title></head>", "<img src=//x>", "<img src=//x><head></head>"]
)
def test_the_frames_policy_stands_before_all_that_could_load(html: str) -> None:
    document = framed(html)
    assert document.index("Content-Security-Policy") < document.index(html)
    assert document.endswith(html)


def test_what_names_a_template_as_an_example_does_not_send_it() -> None:
    examples = {"config.sample_week", "notifications.api.shapes"}
    names = NotificationTemplate.objects.values_list("name", flat=True)
    assert not {m.label for name in names for m in in_code(name)} & examples


def test_a_link_to_a_job_is_shown_to_who_may_open_it(template: NotificationTemplate) -> None:
    def urls(reader: Any) -> set[str]:
        return {one.url for one in mentions(template, reader) or ()}

    assert urls(AnonymousUser()) == {""}
    assert urls(someone("view_notificationtemplate", "view_notificationtemplateversion")) == {""}
    assert urls(User.objects.create_superuser("root")) == {"/admin/jobs/jobrun/job/booking_reminders/"}
