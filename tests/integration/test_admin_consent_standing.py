"""A customer's consent at the admin: found by post, a grid that is the gate's own answer, a timeline, a lift that says what it does."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.http import urlencode

from consent.gate import Subject, check_many
from consent.models import ConsentEvent, CustomerConsent, Suppression
from consent.preferences import Change, grant, record_many, revoke
from consent.suppress import lift, suppress
from tests.factories import CustomerFactory
from tests.operators import operator, operator_user, seen, told

pytestmark = pytest.mark.django_db
LEDGER = "/admin/consent/consentevent/"
CONSENTS = "/admin/consent/customerconsent/"
SUPPRESSIONS = "/admin/consent/suppression/"
READ, DECIDE = "consent.view_consentevent", "consent.change_customerconsent"
SEE, LIFT = "consent.view_suppression", "consent.change_suppression"


def page_of(customer: Any) -> str:
    return f"{LEDGER}customer/?{urlencode({'id': str(customer.pk)})}"


def key(customer: Any, **parts: str) -> dict[str, Any]:
    return {
        "customer_id": str(customer.pk),
        "channel": "email",
        "category": "marketing",
        "source": "admin",
        "actor": "staff:1",
        **parts,
    }


# ── Found by post ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("of", ["pk", "email", "phone"])
def test_a_customer_is_found_and_no_address_stands_in_the_url(of: str) -> None:
    customer = CustomerFactory.create(email="anna.smith@example.com", phone="+15065550123")
    response = operator(READ).post(f"{LEDGER}customer/find/", {"q": str(getattr(customer, of))})
    assert response["Location"] == page_of(customer)


def test_several_at_one_address_are_offered_as_a_choice() -> None:
    both = [CustomerFactory.create(phone="+15065550123") for _ in range(2)]
    page = seen(operator(READ).post(f"{LEDGER}customer/find/", {"q": "+1 506 555 0123"}))
    assert "Several customers" in page
    assert all(str(one.pk) in page for one in both)


@pytest.mark.parametrize("typed", ["nobody@example.com", "no-such-id", "5065550"])
def test_who_is_not_there_is_said_so(typed: str) -> None:
    response = operator(READ).post(f"{LEDGER}customer/find/", {"q": typed}, follow=True)
    assert len(told(response)) == 1
    assert typed not in response.request["QUERY_STRING"]


def test_finding_needs_the_right_to_see_the_ledger_and_a_post() -> None:
    assert operator(SEE).post(f"{LEDGER}customer/find/", {"q": "c1"}).status_code == 403
    assert operator(READ).get(f"{LEDGER}customer/find/?q=c1").status_code == 302


@pytest.mark.parametrize(("path", "right"), [(LEDGER, READ), (CONSENTS, "consent.view_customerconsent")])
def test_the_lists_offer_the_box_that_posts(path: str, right: str) -> None:
    page = operator(READ, right).get(path).content.decode()
    assert f'method="post" action="{LEDGER}customer/find/"' in page
    assert 'method="get"' not in page.partition('role="search"')[2].partition("</form>")[0]


# ── What may be sent ────────────────────────────────────────────────────────────────────────────────────
def test_the_grid_says_what_the_gate_says_and_why() -> None:
    customer = CustomerFactory.create(email="anna.smith@example.com")
    grant(**key(customer), at=timezone.now())
    revoke(**key(customer, category="reminder", channel="sms"), at=timezone.now())
    suppress(channel="email", address="anna.smith@example.com", reason="complaint", scope="marketing")
    response = operator(READ).get(page_of(customer))
    cells = {
        (category, cell.channel): cell for category, row in response.context["standing"].rows for cell in row
    }
    assert cells["Marketing", "email"].why == "the address is suppressed: Complaint"
    assert cells["Reminder", "sms"].why == "the customer switched it off"
    assert cells["Reminder", "email"].why == "the customer did not switch it off"
    assert cells["Marketing", "push"].why == "the customer never agreed"
    assert cells["Security", "email"].why == "needs no consent"
    subjects = [Subject(str(customer.pk), cell.channel, category.lower(), None) for category, cell in
                ((category, cell) for category, row in response.context["standing"].rows for cell in row)
                if cell.channel != "email"]  # fmt: skip
    said = [decision.allowed for decision in check_many(subjects, now=timezone.now())]
    assert said == [cells[subject.category.capitalize(), subject.channel].is_allowed for subject in subjects]
    page = seen(response)
    assert "anna.smith" not in page
    assert "Complaint · Marketing only" in page
    assert "Change…" not in page, "no button without the right"


def test_a_suppression_that_is_over_or_lifted_stands_in_nobodys_way() -> None:
    customer = CustomerFactory.create(email="anna.smith@example.com")
    at: dict[str, Any] = {"channel": "email", "address": "anna.smith@example.com", "scope": "all"}
    suppress(**at, reason="manual", expires_at=timezone.now() - dt.timedelta(days=1))
    lift(suppress(**at, reason="complaint").pk, by="staff:1", reason="settled")
    response = operator(READ).get(page_of(customer))
    assert response.context["standing"].suppressions == []


def test_a_customer_of_whom_nothing_is_on_record_has_the_rule_of_each_category() -> None:
    customer = CustomerFactory.create()
    page = seen(operator(READ).get(page_of(customer)))
    assert "Nothing was ever said" in page
    assert operator(READ).get(f"{LEDGER}customer/?id=nobody").status_code == 404


def test_a_cell_leads_to_the_decision_with_what_it_is_about() -> None:
    customer = CustomerFactory.create()
    client = operator(READ, DECIDE)
    response = client.get(page_of(customer))
    url = next(cell.decide_url for category, row in response.context["standing"].rows for cell in row
               if (category, cell.channel) == ("Reminder", "sms"))  # fmt: skip
    form = client.get(url).content.decode()
    assert f'value="{customer.pk}"' in form
    assert '<option value="revoke" selected>' in form
    client.post(url, {
        "customer_id": str(customer.pk), "channel": "sms", "category": "reminder", "decision": "revoke", "how": "phone",
        "reason": "Called the counter",
    })  # fmt: skip
    event = ConsentEvent.objects.get()
    assert event.evidence == {"how": "phone", "reason": "Called the counter"}


def test_a_decision_says_how_the_customer_said_it() -> None:
    customer = CustomerFactory.create()
    page = operator(READ, DECIDE).post(f"{CONSENTS}add/", {
        "customer_id": str(customer.pk), "channel": "sms", "category": "reminder", "decision": "revoke", "reason": "why",
    })  # fmt: skip
    assert "This field is required" in seen(page)
    assert not CustomerConsent.objects.exists()


# ── How it came to this ─────────────────────────────────────────────────────────────────────────────────
def test_the_timeline_has_names_evidence_and_an_intact_chain_newest_first() -> None:
    customer = CustomerFactory.create()
    user = operator_user(username="olive")
    grant(
        **key(customer),
        at=timezone.now() - dt.timedelta(days=2),
        wording="Send me offers.",
        evidence={"how": "phone"},
    )
    revoke(**key(customer, actor=f"staff:{user.pk}"), at=timezone.now())
    page = seen(operator(READ).get(page_of(customer)))
    assert page.index("2. Revoked") < page.index("1. Granted")
    for words in ("olive", "how: phone", "Send me offers.", "The chain of 2 events holds"):
        assert words in page


def test_a_broken_chain_is_said_first() -> None:
    customer = CustomerFactory.create()
    grant(**key(customer), at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE consent_events DISABLE TRIGGER USER")
        cursor.execute("UPDATE consent_events SET actor = 'staff:2'")
    page = seen(operator(READ).get(page_of(customer)))
    assert "Not as it was written" in page
    assert "holds" not in page


def test_500_events_cost_no_more_queries_than_one_and_come_in_pages() -> None:
    customer = CustomerFactory.create()
    client = operator(READ, DECIDE, SEE)
    asked = []
    start = timezone.now() - dt.timedelta(days=600)
    for number in (1, 500):
        record_many(
            Change(
                str(customer.pk),
                "sms",
                "reminder",
                day % 2 == 0,
                "admin",
                "staff:1",
                start + dt.timedelta(days=day, minutes=number),
            )
            for day in range(number)
        )
        with CaptureQueriesContext(connection) as queries:
            response = client.get(page_of(customer))
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 30, asked
    assert len(response.context["timeline"]) == 100
    assert (response.context["newer"], response.context["older"]) == (None, 2)
    assert client.get(page_of(customer) + "&page=99999").context["timeline"] == []
    assert len(client.get(page_of(customer) + "&page=-1").context["timeline"]) == 100


# ── A lift ──────────────────────────────────────────────────────────────────────────────────────────────
def suppressed(**parts: Any) -> Suppression:
    return suppress(
        **{"channel": "sms", "address": "+15065550123", "reason": "opted_out", "scope": "all", **parts}
    )


def test_the_question_says_what_a_lift_does_not_do() -> None:
    suppressed(reason="manual")
    page = seen(operator(SEE, LIFT).get(f"{SUPPRESSIONS}{suppressed().pk}/lift/"))
    for words in (
        "Twilio’s own block stays",
        "replay it from the queue",
        "suppressed for another reason: By an operator",
    ):
        assert words in page
    bounced = suppressed(channel="email", address="anna.smith@example.com", reason="hard_bounce")
    assert "SendGrid keeps a list of its own" in seen(
        operator(SEE, LIFT).get(f"{SUPPRESSIONS}{bounced.pk}/lift/")
    )


def test_the_second_of_two_operators_is_told_that_it_is_lifted() -> None:
    row = suppressed()
    url = f"{SUPPRESSIONS}{row.pk}/lift/"
    olive, peter = (operator(SEE, LIFT) for _ in range(2))
    olive.post(url, {"reason": "The customer texted START"})
    for answer in (peter.post(url, {"reason": "Me too"}, follow=True), peter.get(url, follow=True)):
        assert "is lifted already" in told(answer)[0]
    row.refresh_from_db()
    assert row.lift_reason == "The customer texted START"
    assert LogEntry.objects.count() == 1


def test_a_lift_needs_its_right_and_a_reason() -> None:
    url = f"{SUPPRESSIONS}{suppressed().pk}/lift/"
    assert operator(SEE).post(url, {"reason": "why"}).status_code == 403
    assert operator(SEE, LIFT).post(url, {"reason": ""}).status_code == 200
    assert operator(SEE, LIFT).get(f"{SUPPRESSIONS}{uuid.uuid4()}/lift/").status_code == 404
    assert not Suppression.objects.filter(lifted_at__isnull=False).exists()
