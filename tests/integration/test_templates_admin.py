"""The admin of templates: who may see, draft, publish and test, and what each page shows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from notifications.models import Notification
from notifications.worker import drain
from templates_app.admin.placeholder_form import sample_text
from templates_app.drafts import new_draft, placeholders_of, save_draft, state_of
from templates_app.models import NotificationTemplate, NotificationTemplateVersion, TemplatePartial
from templates_app.placeholders import Placeholder
from tests.rivals import Rival

pytestmark = pytest.mark.usefixtures("templates")

READ = ("view_notificationtemplate", "view_notificationtemplateversion")
NAME = "templates_app_notificationtemplate"


@pytest.fixture
def template() -> NotificationTemplate:
    return NotificationTemplate.objects.select_related("published_version").get(name="booking.pickup_today")


@pytest.fixture
def version(template: NotificationTemplate) -> NotificationTemplateVersion:
    assert template.published_version
    return template.published_version


@pytest.fixture
def draft(template: NotificationTemplate) -> NotificationTemplateVersion:
    return new_draft(template)


def someone(*permissions: str, **fields: Any) -> User:
    user = User.objects.create_user(f"user{User.objects.count()}", is_staff=True, **fields)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=permissions, content_type__app_label="templates_app")
    )
    assert user.user_permissions.count() == len(permissions)
    return user


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(name: str, pk: Any = None) -> str:
    return reverse(f"admin:{name}", args=[pk] if pk else [])


def pages(
    template: NotificationTemplate, draft: NotificationTemplateVersion
) -> Iterator[tuple[str, str, str]]:
    """(method, address, the permission it wants beside seeing)."""
    published = template.published_version_id
    yield "get", url(f"{NAME}_changelist"), ""
    yield "get", url(f"{NAME}_change", template.pk), ""
    yield "get", url(f"{NAME}version_changelist"), ""
    yield "get", url(f"{NAME}version_change", published), ""
    yield "get", url(f"{NAME}version_html", published), ""
    yield "get", url(f"{NAME}version_edit", draft.pk), "change_notificationtemplateversion"
    yield "post", url(f"{NAME}version_edit", draft.pk), "change_notificationtemplateversion"
    yield "get", url(f"{NAME}version_publish", draft.pk), "publish_notificationtemplateversion"
    yield "post", url(f"{NAME}version_publish", draft.pk), "publish_notificationtemplateversion"
    yield "get", url(f"{NAME}version_restore", published), "publish_notificationtemplateversion"
    yield "post", url(f"{NAME}version_restore", published), "publish_notificationtemplateversion"
    yield "get", url(f"{NAME}version_languages", published), ""
    yield "get", url(f"{NAME}_compare", template.pk), ""
    yield "post", url(f"{NAME}version_preview", draft.pk), "change_notificationtemplateversion"
    yield "get", url(f"{NAME}_archive", template.pk), "change_notificationtemplate"
    yield "post", url(f"{NAME}_archive", template.pk), "change_notificationtemplate"
    yield "post", url(f"{NAME}_draft", template.pk), "add_notificationtemplateversion"
    yield "post", url(f"{NAME}_test", template.pk), "send_test_notificationtemplateversion"


def test_a_stranger_and_a_customer_are_sent_to_the_login(
    template: NotificationTemplate, draft: NotificationTemplateVersion
) -> None:
    customer = Client()
    customer.force_login(User.objects.create_user("customer"))
    for client in (Client(), customer):
        for method, address, _ in pages(template, draft):
            answer = getattr(client, method)(address)
            assert answer.status_code == 302, address
            assert "/login/" in answer["Location"], address
    assert NotificationTemplateVersion.objects.filter(template=template).count() == 2


def test_staff_without_a_permission_are_refused_on_every_page(
    template: NotificationTemplate, draft: NotificationTemplateVersion
) -> None:
    client = as_(someone())
    for method, address, _ in pages(template, draft):
        assert getattr(client, method)(address).status_code == 403, address


def test_a_reader_sees_everything_and_changes_nothing(
    template: NotificationTemplate, draft: NotificationTemplateVersion
) -> None:
    client = as_(someone(*READ))
    for method, address, permission in pages(template, draft):
        assert getattr(client, method)(address).status_code == (403 if permission else 200), address
    draft.refresh_from_db()
    assert draft.status == "draft"
    assert not Notification.objects.exists()


def test_one_permission_opens_its_own_page_only(
    template: NotificationTemplate, draft: NotificationTemplateVersion
) -> None:
    for permission in {wanted for _, _, wanted in pages(template, draft)} - {
        "",
        "publish_notificationtemplateversion",
    }:
        client = as_(someone(*READ, permission))
        for method, address, wanted in pages(template, draft):
            refused = getattr(client, method)(address).status_code == 403
            assert refused == (wanted not in ("", permission)), (permission, address)


def test_what_changes_something_refuses_get(template: NotificationTemplate) -> None:
    client = as_(User.objects.create_superuser("root"))
    assert client.get(url(f"{NAME}_draft", template.pk)).status_code == 405
    assert client.get(url(f"{NAME}_test", template.pk)).status_code == 405
    assert NotificationTemplateVersion.objects.filter(template=template).count() == 1


def test_what_changes_something_wants_a_csrf_token(
    template: NotificationTemplate, draft: NotificationTemplateVersion
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    for method, address, _ in pages(template, draft):
        if method == "post":
            assert client.post(address).status_code == 403, address


def test_the_list_shows_what_is_in_force(django_assert_max_num_queries: Any) -> None:
    client = as_(someone(*READ))
    with django_assert_max_num_queries(12):
        page = client.get(url(f"{NAME}_changelist")).content.decode()
    for text in ("booking.deposit_due", "Reminder", "E-mail, SMS, Push, In-app", "All 2", ">v1<"):
        assert text in page


def test_the_page_of_a_template_lists_its_versions(
    template: NotificationTemplate, draft: NotificationTemplateVersion
) -> None:
    page = as_(someone(*READ)).get(url(f"{NAME}_change", template.pk)).content.decode()
    assert url(f"{NAME}version_change", draft.pk) in page
    assert url(f"{NAME}version_change", template.published_version_id) in page
    assert "in force" in page
    assert "New draft" not in page
    assert (
        "New draft"
        in as_(User.objects.create_superuser("root")).get(url(f"{NAME}_change", template.pk)).content.decode()
    )


def test_a_template_cannot_be_renamed_recategorised_or_deleted(template: NotificationTemplate) -> None:
    client = as_(User.objects.create_superuser("root"))
    client.post(
        url(f"{NAME}_change", template.pk),
        {"name": "x.y", "category": "marketing", "description": "New words"},
    )
    template.refresh_from_db()
    assert (template.name, template.category, template.description) == (
        "booking.pickup_today",
        "reminder",
        "New words",
    )
    assert client.post(url(f"{NAME}_delete", template.pk), {"post": "yes"}).status_code == 403


def test_the_preview_shows_every_channel_in_the_chosen_language(version: NotificationTemplateVersion) -> None:
    client = as_(someone(*READ))
    english = client.get(url(f"{NAME}version_change", version.pk)).content.decode()
    assert "Today: pick up your CAT 320 excavator" in english
    assert "1 segment: " in english
    assert "Bring photo ID and booking number B-2026-0412." in english
    assert "Hello Camille," in english
    french = client.get(
        url(f"{NAME}version_change", version.pk), {"locale": "fr", "full": "0"}
    ).content.decode()
    assert "votre machine vous attend" in french
    assert "Bonjour," in french
    assert "Camille" not in french


def test_the_html_is_shown_where_nothing_can_run_and_nothing_is_fetched(
    version: NotificationTemplateVersion,
) -> None:
    client = as_(someone(*READ))
    page = client.get(url(f"{NAME}version_change", version.pk))
    frames = re.findall(r"<iframe[^>]*>", page.content.decode())
    assert len(frames) == 3
    assert all('sandbox=""' in frame for frame in frames)
    frame = client.get(url(f"{NAME}version_html", version.pk), {"locale": "fr"})
    policy = frame["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert '<html lang="fr"' in frame.content.decode()
    assert frame["X-Content-Type-Options"] == "nosniff"


def test_the_preview_in_the_dark_shows_the_rules_for_the_dark(version: NotificationTemplateVersion) -> None:
    client = as_(someone(*READ))
    light, dark = (
        client.get(url(f"{NAME}version_html", version.pk), {"scheme": s}).content.decode()
        for s in ("", "dark")
    )
    assert "@media (prefers-color-scheme: dark) {" in light
    assert "@media (prefers-color-scheme: dark)" not in dark
    assert dark == light.replace("@media (prefers-color-scheme: dark)", "@media all")


def test_an_unknown_version_is_not_found() -> None:
    client = as_(User.objects.create_superuser("root"))
    unknown = "00000000-0000-4000-8000-000000000000"
    for name in ("change", "html", "edit", "publish", "languages", "restore"):
        assert client.get(url(f"{NAME}version_{name}", unknown)).status_code == 404
    assert client.post(url(f"{NAME}_draft", unknown)).status_code == 404
    assert (
        client.get(f"/admin/templates_app/notificationtemplateversion/{unknown[:5]}/change/").status_code
        == 404
    )


def test_a_published_version_has_no_form(version: NotificationTemplateVersion) -> None:
    client = as_(User.objects.create_superuser("root"))
    assert client.get(url(f"{NAME}version_edit", version.pk)).status_code == 404
    told = client.post(url(f"{NAME}version_publish", version.pk), {"note": "Again"}, follow=True)
    assert "Version 1 is published already." in told.content.decode()
    assert client.post(url(f"{NAME}version_delete", version.pk), {"post": "yes"}).status_code == 403
    assert client.post(url(f"{NAME}version_change", version.pk)).status_code == 405
    assert client.post(url(f"{NAME}version_preview", version.pk)).status_code == 404


def typed(version: NotificationTemplateVersion, **changes: str) -> dict[str, str]:
    """What a browser would post: every field as it stands, with some changed."""
    fields = {"note": "Shorter", "seen": state_of(version), **table(version.placeholders)}
    for locale, channels in version.source.items():
        for channel, parts in channels.items():
            fields |= {f"{locale}:{channel}:{part}": text for part, text in parts.items()}
    return fields | changes


def table(placeholders: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The table of placeholders, as a browser posts it: a box that is not ticked is not there."""
    fields = {"ph-TOTAL_FORMS": str(len(placeholders)), "ph-INITIAL_FORMS": str(len(placeholders))}
    for place, stored in enumerate(placeholders):
        declared = Placeholder.of(stored)
        texts = {"name": declared.name, "type": declared.type, "description": declared.description}
        texts["sample"] = sample_text(declared)
        ticks = {key: "on" for key in ("required", "sensitive") if stored.get(key, key == "required")}
        fields |= {f"ph-{place}-{key}": text for key, text in {**texts, **ticks}.items()}
    return fields


def test_from_a_new_draft_to_a_published_version(template: NotificationTemplate) -> None:
    root = User.objects.create_superuser("root")
    client = as_(root)
    edit = client.post(url(f"{NAME}_draft", template.pk))["Location"]
    draft = NotificationTemplateVersion.objects.get(template=template, status="draft")
    assert edit == url(f"{NAME}version_edit", draft.pk)
    assert "{{equipment}}" in client.get(edit).content.decode()

    saved = client.post(edit, typed(draft, **{"en:sms:text": "Ready: {{equipment}} {{booking_url}}\r\n"}))
    assert saved["Location"] == url(f"{NAME}version_change", draft.pk)
    assert "Ready: CAT 320 excavator" in client.get(saved["Location"]).content.decode()

    draft.refresh_from_db()
    ask = url(f"{NAME}version_publish", draft.pk)
    assert "Publish booking.pickup_today v2?" in client.get(ask).content.decode()
    template.refresh_from_db()
    assert template.published_version_id != draft.pk
    client.post(ask, {"seen": state_of(draft)})
    template.refresh_from_db()
    draft.refresh_from_db()
    assert template.published_version_id == draft.pk
    assert draft.content["en"]["sms"]["text"] == "Ready: {{equipment}} {{booking_url}}"
    assert (draft.note, draft.created_by, draft.published_by, draft.origin) == (
        "Shorter",
        root,
        root,
        "admin",
    )
    entries = LogEntry.objects.filter(object_id=str(draft.pk)).order_by("pk")
    assert [entry.change_message for entry in entries] == [
        "Began a draft.",
        "Changed the draft.",
        "Published it: Shorter",
    ]


def test_a_draft_with_faults_is_kept_and_each_fault_stands_at_its_field_and_line(
    draft: NotificationTemplateVersion,
) -> None:
    client = as_(User.objects.create_superuser("root"))
    edit = url(f"{NAME}version_edit", draft.pk)
    answer = client.post(
        edit,
        typed(draft, **{"fr:email:html": "<p>\n{{oops}}</p>", "en:push:body": "{{#x}}"}),
        follow=True,
    )
    assert answer.status_code == 200
    told = answer.context["form"].told.fields
    assert list(map(str, told["fr:email:html"])) == ["line 2: “oops” is not declared as a placeholder."]
    assert list(map(str, told["en:push:body"])) == ["line 1: The section “x” is never closed."]
    draft.refresh_from_db()
    assert draft.source["en"]["push"]["body"] == "{{#x}}"
    preview = client.get(url(f"{NAME}version_change", draft.pk)).content.decode()
    assert "It cannot be published yet" in preview
    assert "French · E-mail · HTML, line 2" in preview
    client.post(url(f"{NAME}version_publish", draft.pk))
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_what_an_operator_types_is_escaped_on_every_page(draft: NotificationTemplateVersion) -> None:
    client = as_(User.objects.create_superuser("root"))
    nasty = "<script>alert(1)</script>"
    edit = url(f"{NAME}version_edit", draft.pk)
    answers = [
        client.post(
            edit, typed(draft, **{"en:sms:text": nasty, "note": nasty, "en:push:title": f"{nasty}{{{{x}}}}"})
        ),
        client.get(edit),
        client.get(url(f"{NAME}version_change", draft.pk)),
        client.get(url(f"{NAME}_change", draft.template_id)),
    ]
    for answer in answers:
        assert nasty not in answer.content.decode()


def test_a_draft_can_be_thrown_away(draft: NotificationTemplateVersion) -> None:
    client = as_(User.objects.create_superuser("root"))
    client.post(url(f"{NAME}version_delete", draft.pk), {"post": "yes"})
    assert not NotificationTemplateVersion.objects.filter(pk=draft.pk).exists()


def test_a_new_template_begins_empty_and_is_published_from_its_form() -> None:
    client = as_(User.objects.create_superuser("root"))
    client.post(
        url(f"{NAME}_add"), {"name": "yard.closed", "category": "transactional", "description": "Snow"}
    )
    template = NotificationTemplate.objects.get(name="yard.closed")
    edit = client.post(url(f"{NAME}_draft", template.pk))["Location"]
    words = {
        **table([]),
        "note": "Snow",
        "seen": state_of(template.versions.get()),
        "en:sms:text": "We are closed today.",
        "fr:sms:text": "Nous sommes fermés aujourd’hui.",
    }
    assert client.post(edit, words).status_code == 302
    draft = template.versions.get()
    client.post(url(f"{NAME}version_publish", draft.pk), {"seen": state_of(draft)})
    template.refresh_from_db()
    assert template.published_version == draft


def test_a_bad_name_of_a_template_is_refused() -> None:
    client = as_(User.objects.create_superuser("root"))
    answer = client.post(url(f"{NAME}_add"), {"name": "Yard closed", "category": "transactional"})
    assert "Use area.message, in lower case." in answer.content.decode()


def test_partials_are_read_and_not_written(template: NotificationTemplate) -> None:
    client = as_(
        someone(
            "view_templatepartial", "change_templatepartial", "add_templatepartial", "delete_templatepartial"
        )
    )
    address = url("templates_app_templatepartial_change", "layout/footer.en")
    assert "Stop e-mails like this one" in client.get(address).content.decode()
    assert client.post(address, {"text": "x"}).status_code == 403
    assert "Stop e-mails" in TemplatePartial.objects.get(name="layout/footer.en").text


@pytest.fixture
def sender(settings: Any) -> None:
    settings.TEMPLATES_APP = {"SEND_TEST": "notifications.send_test.send_test"}


@pytest.mark.usefixtures("sender")
def test_a_test_goes_through_the_queue_to_whoever_asks_for_it() -> None:
    user = someone(*READ, "send_test_notificationtemplateversion", email="ann@example.com")
    promotion = NotificationTemplate.objects.get(name="promotion.announcement")
    client = as_(user)
    assert "Send me a test" in client.get(url(f"{NAME}_change", promotion.pk)).content.decode()
    answer = client.post(url(f"{NAME}_test", promotion.pk), {"channel": "email"}, follow=True)
    assert "A test is on its way to you by email." in answer.content.decode()
    row = Notification.objects.get()
    # Advertising would need consent; a test that one asks for does not.
    assert (row.status, row.channel, row.category) == ("queued", "email", "transactional")
    assert row.template_version == promotion.published_version
    assert row.to == {"staff_id": str(user.pk)}
    assert row.metadata["origin"] == {"staff": str(user.pk), "reason": "test"}


def contents(sandbox: Any) -> list[dict[str, str]]:
    return [sandbox.message(entry["id"])["content"] for entry in sandbox.messages()]


@pytest.mark.usefixtures("sender")
def test_a_draft_is_sent_as_it_stands_to_whoever_asks_and_is_marked_as_a_test(
    sandbox: Any, template: NotificationTemplate
) -> None:
    user = someone(*READ, "send_test_notificationtemplateversion", email="ann@example.com")
    draft = new_draft(template)
    english = {
        **draft.source["en"],
        "email": {**draft.source["en"]["email"], "subject": "New: {{equipment}}"},
    }
    save_draft(
        template=template,
        source={**draft.source, "en": english},
        placeholders=placeholders_of(draft),
        version=draft,
    )
    wanted = {"channel": "email", "version": str(draft.pk), "locale": "en"}
    as_(user).post(url(f"{NAME}_test", template.pk), wanted)
    drain()
    (sent,) = contents(sandbox)
    assert sent["subject"] == "[Sandbox] [Test] New: CAT 320 excavator"
    assert "Hello Camille" in sent["text"]
    row = Notification.objects.get()
    assert (row.template, row.to) == (None, {"staff_id": str(user.pk)})
    assert row.metadata["origin"] == {
        "staff": str(user.pk),
        "reason": "test",
        "draft": template.name,
    }
    assert LogEntry.objects.filter(
        object_id=str(draft.pk), change_message="Sent a test by email to themselves."
    )


@pytest.mark.usefixtures("sender")
def test_what_is_in_force_is_marked_as_a_test_too(sandbox: Any, template: NotificationTemplate) -> None:
    user = someone(*READ, "send_test_notificationtemplateversion", email="ann@example.com")
    for _ in range(2):  # those that could share one text, too
        as_(user).post(url(f"{NAME}_test", template.pk), {"channel": "email"})
    drain()
    first, second = (sent["subject"] for sent in contents(sandbox))
    assert first == second
    assert first.startswith("[Sandbox] [Test] Today: ")


@pytest.mark.usefixtures("sender")
def test_a_draft_with_a_fault_is_not_sent_and_the_fault_is_told(template: NotificationTemplate) -> None:
    draft = save_draft(template=template, source={"en": {"sms": {"text": "{{oops}}"}}}, placeholders=[])
    wanted = {"channel": "sms", "version": str(draft.pk)}
    answer = as_(User.objects.create_superuser("root")).post(
        url(f"{NAME}_test", template.pk), wanted, follow=True
    )
    assert "It cannot be sent yet" in answer.content.decode()
    assert "oops" in answer.content.decode()
    assert not Notification.objects.exists()


@pytest.mark.usefixtures("sender")
def test_who_has_no_contact_for_a_channel_is_told_so(template: NotificationTemplate) -> None:
    answer = as_(User.objects.create_superuser("root")).post(
        url(f"{NAME}_test", template.pk), {"channel": "email"}, follow=True
    )
    (told,) = answer.context["messages"]
    assert told.level_tag == "error"
    assert "It is not sent: " in str(told)


@pytest.mark.usefixtures("sender")
def test_tests_are_few(template: NotificationTemplate, monkeypatch: Any) -> None:
    monkeypatch.setattr("templates_app.admin.testing.MOST", 2)
    client = as_(someone(*READ, "send_test_notificationtemplateversion", email="ann@example.com"))
    for _ in range(3):
        answer = client.post(url(f"{NAME}_test", template.pk), {"channel": "email"}, follow=True)
    assert "That were 2 tests in a quarter of an hour" in answer.content.decode()
    assert Notification.objects.count() == 2
    other = as_(someone(*READ, "send_test_notificationtemplateversion", email="ben@example.com"))
    other.post(url(f"{NAME}_test", template.pk), {"channel": "email"})
    assert Notification.objects.count() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("sender")
def test_of_two_tests_at_once_the_second_counts_the_first(
    template: NotificationTemplate, monkeypatch: Any
) -> None:
    monkeypatch.setattr("templates_app.admin.testing.MOST", 1)
    user = someone(*READ, "send_test_notificationtemplateversion", email="ann@example.com")
    first, second = as_(user), as_(user)
    address, wanted = url(f"{NAME}_test", template.pk), {"channel": "email"}
    with transaction.atomic():
        first.post(address, wanted)
        rival = Rival(lambda: second.post(address, wanted, follow=True))
        assert rival.waits_for_a_lock()
    rival.join(timeout=20)
    assert "That were 1 tests in a quarter of an hour" in rival.answer.content.decode()
    assert Notification.objects.count() == 1


@pytest.mark.usefixtures("sender")
def test_a_version_of_another_template_is_not_found(template: NotificationTemplate) -> None:
    other = NotificationTemplate.objects.get(name="promotion.announcement")
    client = as_(User.objects.create_superuser("root"))
    wanted = {"channel": "email", "version": str(other.published_version_id)}
    assert client.post(url(f"{NAME}_test", template.pk), wanted).status_code == 404


@pytest.mark.usefixtures("sender")
def test_a_test_on_a_channel_the_template_lacks_sends_nothing() -> None:
    client = as_(User.objects.create_superuser("root"))
    promotion = NotificationTemplate.objects.get(name="promotion.announcement")
    answer = client.post(url(f"{NAME}_test", promotion.pk), {"channel": "sms"}, follow=True)
    assert "nothing published to send on this channel" in answer.content.decode()
    assert not Notification.objects.exists()


def test_without_a_way_to_send_there_is_no_button_and_no_message(
    settings: Any, template: NotificationTemplate
) -> None:
    settings.TEMPLATES_APP = {}
    client = as_(User.objects.create_superuser("root"))
    assert "Send me a test" not in client.get(url(f"{NAME}_change", template.pk)).content.decode()
    client.post(url(f"{NAME}_test", template.pk), {"channel": "email"})
    assert not Notification.objects.exists()


def test_the_note_of_a_version_from_files_is_told_in_the_readers_language(
    client: Client, version: NotificationTemplateVersion
) -> None:
    client.force_login(User.objects.create_superuser("root"))
    client.cookies["django_language"] = "fr"
    paths = (
        reverse(f"admin:{NAME}_change", args=[version.template_id]),
        reverse(f"admin:{NAME}version_change", args=[version.pk]),
        reverse(f"admin:{NAME}version_changelist"),
    )
    for path in paths:
        page = client.get(path).content.decode()
        assert "Depuis les fichiers" in page, path
        assert "From files" not in page, path
