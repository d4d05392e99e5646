"""The editor of templates in a real browser: what is typed is seen at once, nothing that was typed is lost, nobody's work is overwritten."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Dialog, Page, expect

from notifications.models import Notification
from templates_app.drafts import new_draft, placeholders_of, save_draft
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from tests.browser.accessibility import serious_faults
from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("templates")]
Visit = Callable[..., Visitor]
Version = NotificationTemplateVersion

READ = ("templates_app.view_notificationtemplate", "templates_app.view_notificationtemplateversion")
EDIT = "templates_app.change_notificationtemplateversion"
PUBLISH = "templates_app.publish_notificationtemplateversion"
SMS = "English, SMS: Text"
HTML = "English, E-mail: HTML"
BASE = "/admin/templates_app/notificationtemplate"


@pytest.fixture
def draft() -> NotificationTemplateVersion:
    return new_draft(NotificationTemplate.objects.get(name="booking.pickup_today"))


def edit(visitor: Visitor, draft: NotificationTemplateVersion) -> Page:
    visitor.open(f"{BASE}version/{draft.pk}/edit/")
    expect(status(visitor.page)).to_have_text("This is how it reads now.")
    return visitor.page


def status(page: Page) -> Any:
    return page.locator("[data-status]")


def shown(page: Page, channel: str) -> Any:
    return page.get_by_role("region", name=channel, exact=True)


def test_what_is_typed_is_seen_at_once_and_nothing_of_it_is_saved(
    visit: Visit, draft: NotificationTemplateVersion
) -> None:
    olive = visit()
    olive.sign_in(*READ, EDIT)
    page = edit(olive, draft)
    page.get_by_label(SMS).fill("Ready for you: {{equipment}} 🚜 {{booking_url}}")
    expect(shown(page, "SMS")).to_contain_text("Ready for you: CAT 320 excavator 🚜")
    expect(shown(page, "SMS")).to_contain_text("UCS-2")
    expect(shown(page, "SMS").locator("kbd")).to_have_text("🚜")
    page.get_by_label("English, Push: Title").fill("It is here")
    expect(shown(page, "Push").get_by_text("It is here").first).to_be_visible()
    mail = page.frame_locator("[data-channel=email] iframe")
    expect(mail.get_by_text("Hello Camille")).to_be_visible()
    page.get_by_text("Barest").click()
    expect(mail.get_by_text("Hello Camille")).to_have_count(0)
    page.get_by_text("Try other values").click()
    page.locator("[data-values]").get_by_label("equipment").fill("Bobcat E20")
    expect(shown(page, "SMS")).to_contain_text("Ready for you: Bobcat E20")
    olive.shot("typed")
    draft.refresh_from_db()
    assert "Ready for you" not in draft.source["en"]["sms"]["text"]
    page.get_by_text("French", exact=True).click()
    expect(page.get_by_label("French, SMS: Text")).to_be_visible()
    expect(page.get_by_label(SMS)).to_be_hidden()
    expect(shown(page, "In-app")).to_have_attribute("lang", "fr")


def test_a_fault_is_told_at_its_line_and_the_last_good_preview_stays(
    visit: Visit, draft: NotificationTemplateVersion
) -> None:
    olive = visit()
    olive.sign_in(*READ, EDIT)
    page = edit(olive, draft)
    field = page.get_by_label(HTML)
    lines = field.input_value().split("\n")
    lines[2] = f"{lines[2]} {{{{oops}}}}"
    field.fill("\n".join(lines))
    expect(status(page)).to_have_text("It cannot be made as it stands: this is the last that could.")
    fault = page.get_by_role("button", name="line 3: “oops” is not declared as a placeholder")
    expect(fault).to_be_visible()
    expect(page.locator(".ta-number--bad")).to_have_text("3")
    expect(page.frame_locator("[data-channel=email] iframe").get_by_text("Hello Camille")).to_be_visible()
    expect(shown(page, "E-mail").get_by_text("not up to date")).to_be_visible()
    # By keyboard: to the line, which is then selected.
    fault.focus()
    page.keyboard.press("Enter")
    chosen = "el => el.value.slice(el.selectionStart, el.selectionEnd)"
    assert field.evaluate(chosen) == lines[2]
    olive.shot("fault")
    # One press declares it; with a sample it is whole again.
    page.get_by_role("button", name="+ oops").click()
    page.keyboard.type("a sample")
    expect(status(page)).to_have_text(re.compile("It cannot be made|This is how it reads now"))
    expect(page.get_by_role("button", name="+ oops")).to_have_count(0)
    expect(page.frame_locator("[data-channel=email] iframe").get_by_text("a sample")).to_be_visible()


def test_that_the_preview_is_behind_is_read_whole_beside_every_channel(
    visit: Visit, draft: NotificationTemplateVersion
) -> None:
    olive = visit(height=1100)
    olive.sign_in(*READ, EDIT)
    page = edit(olive, draft)
    for label in ("English, E-mail: Subject", SMS, "English, In-app: Message"):
        field = page.get_by_label(label)
        field.press("Control+End")
        field.press_sequentially("{{#")
        expect(status(page)).to_have_attribute("data-state", "behind")
        line, pane = status(page).bounding_box(), page.locator("#preview").bounding_box()
        assert line
        assert pane
        assert line["y"] >= pane["y"], label
        for _ in "{{#":
            field.press("Backspace")
        expect(status(page)).to_have_text("This is how it reads now.")
    olive.shot("behind")


def test_the_second_of_two_editors_sees_what_the_first_one_saved_and_keeps_what_they_typed(
    visit: Visit, draft: NotificationTemplateVersion
) -> None:
    ann, ben = visit(), visit()
    ann.sign_in(*READ, EDIT, name="ann")
    ben.sign_in(*READ, EDIT, name="ben")
    ben.expected.append("409")
    edit(ann, draft).get_by_label(SMS).fill("Ann: {{equipment}} {{booking_url}}")
    edit(ben, draft).get_by_label(SMS).fill("Ben: {{equipment}} {{booking_url}}")
    ann.page.get_by_role("button", name="Save and go on").click()
    expect(ann.page.get_by_text("The draft is saved, and fit to publish.")).to_be_visible()
    ben.page.get_by_role("button", name="Save and go on").click()
    told = ben.page.get_by_role("alert", name=re.compile("ann saved this draft"))
    expect(told).to_be_visible()
    expect(told.locator("del")).to_have_text("Ann")
    expect(told.locator("ins")).to_have_text("Ben")
    expect(ben.page.get_by_label(SMS)).to_have_value("Ben: {{equipment}} {{booking_url}}")
    draft.refresh_from_db()
    assert draft.source["en"]["sms"]["text"].startswith("Ann")
    assert serious_faults(ben.page) == []
    ben.shot("conflict")
    ben.page.get_by_role("button", name="Save mine over theirs").click()
    expect(ben.page.get_by_text("The draft is saved, and fit to publish.")).to_be_visible()
    draft.refresh_from_db()
    assert draft.source["en"]["sms"]["text"].startswith("Ben")


def test_who_leaves_with_something_unsaved_is_asked_first(
    visit: Visit, draft: NotificationTemplateVersion
) -> None:
    olive = visit()
    olive.sign_in(*READ, EDIT)
    page = edit(olive, draft)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.get_by_label(SMS).press("End")
    page.get_by_label(SMS).type("!")
    page.get_by_role("link", name="Read it").click(no_wait_after=True)
    expect(page.get_by_label(SMS)).to_be_visible()
    page.wait_for_function("true")
    assert asked == ["beforeunload"]
    # The keyboard saves and stays; then nothing is left to lose.
    page.keyboard.press("Control+s")
    expect(page.get_by_text("The draft is saved, and fit to publish.")).to_be_visible()
    page.get_by_role("link", name="Read it").click()
    page.wait_for_url(f"**/{draft.pk}/change/")
    assert asked == ["beforeunload"]


def test_from_words_to_what_is_in_force_and_back_again(
    visit: Visit, draft: NotificationTemplateVersion
) -> None:
    source = {
        **draft.source,
        "en": {**draft.source["en"], "sms": {"text": "New: {{equipment}} {{booking_url}}"}},
    }
    save_draft(template=draft.template, source=source, placeholders=placeholders_of(draft), version=draft)
    olive = visit()
    olive.sign_in(*READ, EDIT, PUBLISH)
    olive.open(f"{BASE}version/{draft.pk}/change/")
    page = olive.page
    page.get_by_role("link", name="Publish…").click()
    expect(page.get_by_role("heading", name="What differs from version 1, which is in force")).to_be_visible()
    expect(page.locator("ins").first).to_contain_text("New")
    expect(page.get_by_text("Every message queued from now on will read like this.")).to_be_visible()
    assert serious_faults(page) == []
    olive.shot("ask")
    page.get_by_label("What changed").fill("Shorter text message")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("booking.pickup_today v2 is in force")).to_be_visible()
    page.get_by_role("link", name="History", exact=True).click()
    expect(
        page.get_by_role("row", name=re.compile("v2.*in force.*Shorter text message.*olive"))
    ).to_be_visible()
    assert serious_faults(page) == []
    olive.shot("history")
    page.get_by_role("link", name="Roll back to it…").click()
    page.get_by_label("Why").fill("The link was wrong")
    olive.shot("back")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("The words of version 1 are in force again, as version 3.")).to_be_visible()
    template = NotificationTemplate.objects.select_related("published_version__restores").get(
        pk=draft.template_id
    )
    assert template.published_version
    assert template.published_version.note == "The link was wrong"
    assert template.published_version.restores
    assert template.published_version.restores.number == 1


def test_who_may_only_read_finds_nothing_to_press(visit: Visit, draft: NotificationTemplateVersion) -> None:
    olive = visit()
    olive.sign_in(*READ)
    olive.expected.append("403")
    for path in (f"/{draft.template_id}/change/", f"version/{draft.pk}/change/"):
        olive.open(f"{BASE}{path}")
        main = olive.page.locator("#content-main, #content, main").first
        for name in ("New draft", "Archive…", "Edit", "Publish…", "Discard…", "Roll back to it…", "E-mail"):
            expect(main.get_by_role("button", name=name, exact=True)).to_have_count(0)
            expect(main.get_by_role("link", name=name, exact=True)).to_have_count(0)
    for page in ("edit", "publish"):
        answer = olive.page.goto(f"{olive.base}{BASE}version/{draft.pk}/{page}/")
        assert answer
        assert answer.status == 403


def test_a_draft_is_sent_to_whoever_asks(visit: Visit, draft: NotificationTemplateVersion) -> None:
    olive = visit()
    olive.sign_in(*READ, "templates_app.send_test_notificationtemplateversion")
    olive.open(f"{BASE}version/{draft.pk}/change/")
    test = olive.page.get_by_role("region", name="Send me a test")
    test.get_by_role("button", name="E-mail").click()
    # Olive has no address yet.
    expect(olive.page.get_by_text("It is not sent:")).to_be_visible()
    User.objects.filter(username="olive").update(email="olive@example.com")
    test.get_by_role("button", name="E-mail").click()
    expect(olive.page.get_by_text("A test is on its way to you by email.")).to_be_visible()
    olive.shot("sent")
    row = Notification.objects.get(status="queued")
    assert row.to == {"staff_id": str(User.objects.get(username="olive").pk)}


def test_one_begins_a_template_writes_it_by_keyboard_and_archives_it(visit: Visit) -> None:
    olive = visit()
    olive.sign_in("*")
    page = olive.page
    olive.open(f"{BASE}/add/")
    page.get_by_label("Name").fill("yard.closed")
    page.get_by_label("Category").select_option("transactional")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="yard.closed", exact=True).first.click()
    page.get_by_role("button", name="New draft").press("Enter")
    page.get_by_label(SMS).focus()
    page.keyboard.type("Closed on {{day}}.")
    page.get_by_role("button", name="+ day").press("Enter")
    page.keyboard.type("Monday")
    expect(shown(page, "SMS")).to_contain_text("Closed on Monday.")
    # A second placeholder, inserted where the cursor was.
    page.get_by_role("button", name="Add a placeholder").press("Enter")
    page.keyboard.type("reason")
    page.get_by_label("Sample").last.fill("Snow")
    page.get_by_label(SMS).press("End")
    page.get_by_role("group", name="Insert a placeholder").get_by_role("button", name="reason").press("Enter")
    expect(shown(page, "SMS")).to_contain_text("Closed on Monday.Snow")
    olive.shot("begun")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("The draft is saved, and fit to publish.")).to_be_visible()
    template = NotificationTemplate.objects.get(name="yard.closed")
    assert [p["name"] for p in template.versions.get().placeholders] == ["day", "reason"]
    olive.open(f"{BASE}/{template.pk}/archive/")
    page.get_by_label("Why").fill("Only a trial")
    page.get_by_role("button", name="Archive it").click()
    expect(page.get_by_text("It is archived.")).to_be_visible()
    olive.open(f"{BASE}/{NotificationTemplate.objects.get(name='sla.breached').pk}/archive/")
    expect(page.get_by_text("It cannot be archived while code sends it:")).to_be_visible()
    expect(page.get_by_role("button", name="Archive it")).to_have_count(0)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_every_page_of_a_template_fits_its_window_and_axe_finds_no_serious_fault(
    visit: Visit, draft: NotificationTemplateVersion, width: int, dark: bool
) -> None:
    olive = visit(width=width, dark=dark)
    olive.sign_in("*")
    olive.page.set_default_timeout(20_000)
    if dark or width == 400:
        olive.context.add_cookies([{"name": "django_language", "value": "fr", "url": olive.base}])
    pages = {
        "list": "/",
        "page": f"/{draft.template_id}/change/",
        "edit": f"version/{draft.pk}/edit/",
        "version": f"version/{draft.pk}/change/",
        "languages": f"version/{draft.pk}/languages/",
        "compare": f"/{draft.template_id}/compare/?to=2",
        "publish": f"version/{draft.pk}/publish/",
        "archive": f"/{draft.template_id}/archive/",
    }
    for name, path in pages.items():
        olive.open(f"{BASE}{path}")
        if name == "edit":
            expect(olive.page.locator("[data-channel=sms]")).to_be_visible()
        olive.shot(name)
        assert olive.fits(), name
        if name != "list":  # unfold's own filters
            assert serious_faults(olive.page) == [], name
