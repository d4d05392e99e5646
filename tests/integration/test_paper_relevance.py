"""Reminders of insurance and contracts, judged when they would go out: whose they are, and at what cost."""

import datetime as dt
import uuid
from types import ModuleType
from typing import Any

import pytest

from jobs.catalog import contract_reminders, insurance_reminders
from jobs.spec import silent
from notifications.models import Notification
from notifications.relevance import Question
from rentals.models import ContractSigner, InsuranceDocument
from rentals.relevance import contracts, insurance
from tests.business_factories import DAY, ContractFactory, ContractSignerFactory, InsuranceDocumentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]

NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)
both = pytest.mark.parametrize("about", [insurance, contracts])


def reminded(about: ModuleType) -> list[Question]:
    """The messages that the real jobs queue: for two documents, or for two signers of one contract."""
    if about is insurance:
        InsuranceDocumentFactory.create(expires_at=NOW + 3 * DAY)
        InsuranceDocumentFactory.create(status="info_requested")
        insurance_reminders.run(now=NOW, progress=silent)
    else:
        contract = ContractFactory.create(expires_at=NOW + DAY, sent_at=NOW - 5 * DAY)
        for role in ("customer", "third_party"):
            ContractSignerFactory.create(contract=contract, signer_role=role)
        contract_reminders.run(now=NOW, progress=silent)
    rows = list(Notification.objects.all())
    assert len(rows) >= 3
    return [Question(row.pk, "any", row.payload, row.metadata, row.recipient_key) for row in rows]


@both
def test_it_holds_as_long_as_nothing_changed_and_one_query_answers_for_all(
    about: Any, django_assert_num_queries: Any
) -> None:
    questions = reminded(about)
    with django_assert_num_queries(1):
        assert about.over(questions, now=NOW) == {}


def test_a_document_that_is_gone_or_never_runs_out_ends_its_reminders() -> None:
    questions = reminded(insurance)
    InsuranceDocument.objects.update(expires_at=None, status="verified")
    assert set(insurance.over(questions, now=NOW).values()) == {
        "The document does not run out any more.",
        "The document lacks nothing any more: it is verified.",
    }
    gone = [
        Question(uuid.uuid4(), "any", {}, {**q.metadata, "document_id": str(uuid.uuid4())}, "customer:1")
        for q in questions
    ]
    assert set(insurance.over(gone, now=NOW).values()) == {"The document is gone."}


def test_a_signer_who_is_gone_ends_their_reminder_alone() -> None:
    questions = reminded(contracts)
    ContractSigner.objects.filter(signer_role="third_party").delete()
    assert list(contracts.over(questions, now=NOW).values()) == ["Nobody is to sign any more."]


def test_no_reminder_of_a_contract_outlives_it() -> None:
    questions = reminded(contracts)
    assert set(contracts.over(questions, now=NOW + DAY).values()) == {"The contract has expired."}


@both
@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"reminder": "expiry", "document_id": "D-1", "signer_id": "S-1", "event": "2026-11-20"},
        {"reminder": "expiry", "document_id": str(uuid.uuid4()), "signer_id": str(uuid.uuid4())},
        {"reminder": "thanks", "document_id": str(uuid.uuid4()), "event": "2026-11-20"},
        {"reminder": ["expiry"], "document_id": str(uuid.uuid4()), "event": ["2026-11-20"]},
    ],
)
def test_somebody_elses_message_is_not_judged_and_costs_nothing(
    about: Any, metadata: dict[str, Any], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert about.over([Question(uuid.uuid4(), "any", {}, metadata, "customer:1")], now=NOW) == {}


def test_a_question_whose_moment_cannot_be_read_is_not_held_against_it() -> None:
    questions = reminded(insurance)
    odd = [Question(q.id, "any", {}, {**q.metadata, "event": "soon"}, "customer:1") for q in questions]
    answers = insurance.over(odd, now=NOW)
    assert set(answers.values()) == {"The document runs out on 2026-11-23 now."}
