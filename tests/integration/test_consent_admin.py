"""Operators and consent: who may, what it writes, and what of it is kept for the audit."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consent.addresses import blind_index
from consent.directory import Contact
from consent.models import ConsentEvent, CustomerConsent, Suppression
from consent.preferences import current, grant
from consent.suppress import lift, suppress

ADDRESS = "jane.roe@example.com"
CONSENTS = reverse("admin:consent_customerconsent_changelist")
DECIDE = reverse("admin:consent_customerconsent_add")
LEDGER = reverse("admin:consent_consentevent_changelist")
SUPPRESSIONS = reverse("admin:consent_suppression_changelist")
SUPPRESS = reverse("admin:consent_suppression_add")
FIND = reverse("admin:consent_suppression_find")

pytestmark = pytest.mark.django_db


class OneCustomer:
    """A directory that knows one person."""

    def customers(self, ids: Collection[str]) -> Mapping[str, Contact]:
        return {"c1": Contact("c1")} if "c1" in ids else {}


@pytest.fixture(autouse=True)
def one_customer(settings: Any) -> None:
    settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "DIRECTORY": f"{__name__}.OneCustomer"}


def operator(*permissions: str) -> Client:
    user = User.objects.create_user(f"operator-{uuid.uuid4()}", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="consent", codename__in=permissions)
    )
    client = Client()
    client.force_login(user)
    return client


def decision(**parts: str) -> dict[str, str]:
    return {
        "customer_id": "c1",
        "channel": "email",
        "category": "marketing",
        "decision": "grant",
        "how": "phone",
        "reason": "Said so on the phone",
    } | parts


def suppression(**parts: str) -> dict[str, str]:
    return {
        "channel": "email",
        "address": ADDRESS,
        "reason": "manual",
        "scope": "all",
        "note": "Asked by phone",
        "expires_at_0": "",
        "expires_at_1": "",
    } | parts


def the_row() -> CustomerConsent:
    grant(
        customer_id="c1",
        channel="email",
        category="marketing",
        source="web_form",
        actor="customer",
        at=timezone.now() - dt.timedelta(days=1),
    )
    return CustomerConsent.objects.get()


class TestDecisions:
    def test_a_decision_goes_to_the_ledger_with_who_and_why(self) -> None:
        client = operator("change_customerconsent")
        assert client.post(DECIDE, decision()).status_code == 302
        event = ConsentEvent.objects.get()
        user = User.objects.get()
        assert (event.action, event.source, event.actor) == ("granted", "admin", f"staff:{user.pk}")
        assert event.evidence == {"how": "phone", "reason": "Said so on the phone"}
        assert current("c1")["email", "marketing"].enabled

    def test_an_existing_consent_is_changed_from_its_own_page(self) -> None:
        row = the_row()
        client = operator("change_customerconsent")
        page = reverse("admin:consent_customerconsent_change", args=[row.pk])
        assert "Every event of this customer" in client.get(page).content.decode()
        smuggled = {"channel": "sms", "enabled": "on", "source": "import"}
        response = client.post(
            page, {"decision": "revoke", "how": "in_person", "reason": "Asked in person"} | smuggled
        )
        assert response.status_code == 302
        row.refresh_from_db()
        assert (row.enabled, row.source, row.channel) == (False, "admin", "email")
        assert ConsentEvent.objects.count() == 2

    @pytest.mark.parametrize("existing", [True, False])
    def test_each_change_leaves_an_audit_entry_on_its_row(self, existing: bool) -> None:
        if existing:
            the_row()
        client = operator("change_customerconsent")
        client.post(DECIDE, decision(decision="revoke" if existing else "grant"))
        entry = LogEntry.objects.get()
        assert entry.object_id == str(CustomerConsent.objects.get().pk)
        assert entry.change_message == f"{'revoke' if existing else 'grant'} (phone): Said so on the phone"

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"reason": ""}, "This field is required."),
            ({"reason": "Mail to jane@example.com"}, "Leave e-mail addresses and phone numbers out"),
            ({"customer_id": "c2"}, "No customer has this id."),
            ({"channel": "inapp"}, "inapp is not one of the available choices"),
            (
                {"category": "security", "decision": "revoke"},
                "Messages of this category can&#x27;t be switched off.",
            ),
            ({"decision": "maybe"}, "maybe is not one of the available choices"),
        ],
    )
    def test_a_decision_that_makes_no_sense_is_explained(self, wrong: dict[str, str], said: str) -> None:
        response = operator("change_customerconsent").post(DECIDE, decision(**wrong))
        assert response.status_code == 200
        assert said in response.content.decode()
        assert not ConsentEvent.objects.exists()
        assert not LogEntry.objects.exists()

    def test_what_stands_already_is_not_decided_again(self) -> None:
        the_row()
        response = operator("change_customerconsent").post(DECIDE, decision())
        assert "It stands so already." in response.content.decode()
        assert not LogEntry.objects.exists()

    def test_a_viewer_sees_and_cannot_decide(self) -> None:
        row = the_row()
        viewer = operator("view_customerconsent")
        page = reverse("admin:consent_customerconsent_change", args=[row.pk])
        shown = viewer.get(page)
        assert shown.status_code == 200
        assert b'name="decision"' not in shown.content
        assert viewer.post(page, {"decision": "revoke", "reason": "x"}).status_code == 403
        assert viewer.post(DECIDE, decision(decision="revoke")).status_code == 403
        assert ConsentEvent.objects.count() == 1

    def test_a_consent_is_never_deleted(self) -> None:
        row = the_row()
        client = operator("change_customerconsent", "delete_customerconsent")
        assert (
            client.post(
                reverse("admin:consent_customerconsent_delete", args=[row.pk]), {"post": "yes"}
            ).status_code
            == 403
        )
        client.post(CONSENTS, {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"})
        assert CustomerConsent.objects.exists()


class TestLedger:
    def test_the_ledger_is_read_and_never_written(self) -> None:
        the_row()
        event = ConsentEvent.objects.get()
        root = Client()
        root.force_login(User.objects.create_superuser("root"))
        page = reverse("admin:consent_consentevent_change", args=[event.pk])
        assert root.get(LEDGER, {"q": "c1"}).status_code == 200
        assert root.get(page).status_code == 200
        assert root.post(page, {"actor": "nobody"}).status_code == 403
        assert root.get(reverse("admin:consent_consentevent_add")).status_code == 403
        assert root.get(reverse("admin:consent_consentevent_delete", args=[event.pk])).status_code == 403

    def test_it_is_searched_by_the_whole_customer_id(self) -> None:
        the_row()
        client = operator("view_consentevent")
        assert ">c1<" in client.get(LEDGER, {"q": "c1"}).content.decode()
        assert ">c1<" not in client.get(LEDGER, {"q": "c"}).content.decode()


class TestSuppressions:
    def test_an_address_is_suppressed_and_not_stored(self) -> None:
        client = operator("add_suppression", "view_suppression")
        response = client.post(SUPPRESS, suppression(), follow=True)
        kept = Suppression.objects.get()
        assert kept.address_hmac == blind_index("email", ADDRESS)
        assert kept.note == "Asked by phone"
        assert "j•••@e•••.com" in response.content.decode()
        entry = LogEntry.objects.get()
        assert entry.object_id == str(kept.pk)
        for text in (response.content.decode(), entry.object_repr, entry.change_message, str(kept.__dict__)):
            assert ADDRESS not in text

    def test_the_same_address_twice_is_one_suppression(self) -> None:
        client = operator("add_suppression")
        for _ in range(2):
            assert client.post(SUPPRESS, suppression()).status_code == 302
        assert Suppression.objects.count() == 1

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"address": "nobody"}, "This is not an e-mail address."),
            ({"channel": "sms"}, "This is not a phone number."),
            ({"channel": "inapp"}, "inapp is not one of the available choices"),
            ({"address": ""}, "This field is required."),
            ({"note": "Call 506-555-0123"}, "Leave e-mail addresses and phone numbers out"),
        ],
    )
    def test_what_is_no_address_is_explained(self, wrong: dict[str, str], said: str) -> None:
        response = operator("add_suppression").post(SUPPRESS, suppression(**wrong))
        assert response.status_code == 200
        assert said in response.content.decode()
        assert not Suppression.objects.exists()

    def test_lifting_asks_for_a_reason_and_keeps_it(self) -> None:
        kept = suppress(channel="email", address=ADDRESS, reason="manual")
        client = operator("change_suppression")
        page = reverse("admin:consent_suppression_lift", args=[kept.pk])
        assert (
            page in client.get(reverse("admin:consent_suppression_change", args=[kept.pk])).content.decode()
        )
        assert "Lift this suppression?" in client.get(page).content.decode()
        assert "This field is required." in client.post(page, {"reason": " "}).content.decode()
        kept.refresh_from_db()
        assert kept.lifted_at is None
        assert client.post(page, {"reason": "It was a typo"}).status_code == 302
        lifted = Suppression.objects.get()
        assert lifted.lifted_at is not None
        assert (lifted.lifted_by, lifted.lift_reason) == (f"staff:{User.objects.get().pk}", "It was a typo")
        assert LogEntry.objects.get().change_message == "lift: It was a typo"
        assert client.post(page, {"reason": "Again"}).status_code == 302
        again = client.post(page, {"reason": "Again"}, follow=True)
        assert "is lifted already" in again.content.decode()

    def test_a_lifted_one_shows_who_and_why_and_no_way_to_lift(self) -> None:
        kept = suppress(channel="email", address=ADDRESS, reason="manual")
        lift(kept.pk, by="staff:7", reason="It was a typo")
        html = (
            operator("change_suppression")
            .get(reverse("admin:consent_suppression_change", args=[kept.pk]))
            .content.decode()
        )
        assert "It was a typo" in html
        assert reverse("admin:consent_suppression_lift", args=[kept.pk]) not in html

    def test_an_address_is_found_by_post_and_never_stands_in_a_url(self) -> None:
        kept = suppress(channel="email", address=ADDRESS, reason="manual")
        other = suppress(channel="sms", address="+15065550123", reason="landline")
        client = operator("view_suppression")
        response = client.post(FIND, {"address": " Jane.Roe@EXAMPLE.com"}, follow=True)
        [(url, _)] = response.redirect_chain
        assert ADDRESS.split("@", maxsplit=1)[0] not in url.lower()
        assert str(kept.pk) in response.content.decode()
        assert str(other.pk) not in response.content.decode()
        assert str(other.pk) in client.post(FIND, {"address": "506 555 0123"}, follow=True).content.decode()
        assert (
            "This is not a phone number." in client.post(FIND, {"address": "?"}, follow=True).content.decode()
        )

    def test_whoever_comes_to_the_search_by_its_address_gets_the_list(self) -> None:
        response = operator("view_suppression").get(FIND)
        assert (response.status_code, response.headers["Location"]) == (302, SUPPRESSIONS)

    def test_a_suppression_is_neither_edited_nor_deleted(self) -> None:
        kept = suppress(channel="email", address=ADDRESS, reason="manual")
        root = Client()
        root.force_login(User.objects.create_superuser("root"))
        page = reverse("admin:consent_suppression_change", args=[kept.pk])
        assert root.get(page).status_code == 200
        assert root.post(page, {"reason": "complaint", "scope": "marketing"}).status_code == 403
        assert root.post(reverse("admin:consent_suppression_delete", args=[kept.pk])).status_code == 403


@pytest.fixture
def pages() -> list[str]:
    """Every page of consent's admin that exists for one customer and one suppression."""
    row = the_row()
    kept = suppress(channel="email", address=ADDRESS, reason="manual")
    return [
        CONSENTS,
        DECIDE,
        LEDGER,
        SUPPRESSIONS,
        SUPPRESS,
        reverse("admin:consent_customerconsent_change", args=[row.pk]),
        reverse("admin:consent_customerconsent_history", args=[row.pk]),
        reverse("admin:consent_suppression_change", args=[kept.pk]),
        reverse("admin:consent_suppression_lift", args=[kept.pk]),
    ]


class TestDoors:
    def test_strangers_are_sent_to_the_login(self, pages: list[str]) -> None:
        for page in [*pages, FIND]:
            for response in (Client().get(page), Client().post(page, suppression() | decision())):
                assert response.status_code == 302, page
                assert response.headers["Location"].startswith("/admin/login/"), page
        assert Suppression.objects.get().lifted_at is None

    def test_staff_without_rights_are_refused(self, pages: list[str]) -> None:
        nobody = operator()
        for page in pages:
            assert nobody.get(page).status_code == 403, page
            assert nobody.post(page, suppression() | decision()).status_code == 403, page
        assert nobody.post(FIND, {"address": ADDRESS}).status_code == 403
        assert Suppression.objects.get().lifted_at is None

    def test_a_viewer_sees_the_lists_and_changes_nothing(self, pages: list[str]) -> None:
        viewer = operator("view_customerconsent", "view_consentevent", "view_suppression")
        for page in pages:
            expected = 403 if page in (DECIDE, SUPPRESS) or page.endswith("/lift/") else 200
            assert viewer.get(page).status_code == expected, page
            if not page.endswith("/history/") and page not in (CONSENTS, LEDGER, SUPPRESSIONS):
                assert viewer.post(page, suppression() | decision(decision="revoke")).status_code == 403, page

    def test_a_post_from_another_site_is_refused(self) -> None:
        client = operator("change_customerconsent", "add_suppression", "view_suppression")
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = client.cookies
        for page, form in ((DECIDE, decision()), (SUPPRESS, suppression()), (FIND, {"address": ADDRESS})):
            assert strict.post(page, form).status_code == 403, page
        assert not ConsentEvent.objects.exists()
