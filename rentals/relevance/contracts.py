"""Does a contract reminder still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/contract_reminders.py` writes what a message speaks of into its metadata: `signer_id`, whose signature is
wanted, and `event`, the moment at which the contract expires.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rentals.models import ContractSigner
from rentals.relevance.question import Question


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whose signature a reminder asks for, and until when."""

    signer: uuid.UUID
    event: str


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:
    """Reminders to those who have signed or declined, of contracts that wait no longer or until another moment. One query."""
    subjects = {question.id: subject for question in questions if (subject := _subject(question.metadata))}
    signers = ContractSigner.objects.select_related("contract__booking")
    found = signers.in_bulk({subject.signer for subject in subjects.values()}) if subjects else {}
    answers: dict[uuid.UUID, str] = {}
    for id_, subject in subjects.items():
        signer = found.get(subject.signer)
        if why := _why(subject, signer, now) if signer else "Nobody is to sign any more.":
            answers[id_] = why
    return answers


def _subject(metadata: Mapping[str, Any]) -> _Subject | None:
    event = metadata.get("event")
    if not isinstance(event, str):
        return None
    try:
        return _Subject(uuid.UUID(str(metadata.get("signer_id"))), event)
    except ValueError:
        return None


def _why(subject: _Subject, signer: ContractSigner, now: dt.datetime) -> str | None:
    contract = signer.contract
    if signer.status != ContractSigner.Status.PENDING:
        return f"The signer has {signer.status}."
    if contract.status != "sent":
        return f"The contract is {contract.status}."
    if contract.booking.status == "cancelled":
        return "The booking is cancelled."
    if contract.expires_at is None or contract.expires_at <= now:
        return "The contract has expired."
    until = contract.expires_at.astimezone(dt.UTC).isoformat(timespec="seconds")
    return None if until == subject.event else f"The contract expires at {until} now."
