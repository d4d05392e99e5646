"""Is a payout still a discrepancy? In: messages to finance waiting to go out; out, the reason for each that is over.

`jobs/catalog/payout_reconciliation.py` writes `payout_id`, Stripe's, into the metadata. A message without it is not judged.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from rentals.models import PayoutReconciliation
from rentals.relevance.question import Question


def over(questions: Sequence[Question], *, now: dt.datetime) -> Mapping[uuid.UUID, str]:  # noqa: ARG001 (its state decides)
    """Payouts that are in order meanwhile, by a later run or by a person. One query."""
    about = {
        question.id: payout
        for question in questions
        if isinstance(payout := question.metadata.get("payout_id"), str)
    }
    rows = PayoutReconciliation.objects.filter(stripe_payout_id__in=set(about.values()))
    standing = dict(rows.values_list("stripe_payout_id", "status"))
    return {
        id_: "The payout is in order now."
        if standing.get(payout) == PayoutReconciliation.Status.RECONCILED
        else "Stripe has not paid it out yet."
        for id_, payout in about.items()
        if standing.get(payout) != PayoutReconciliation.Status.DISCREPANCY
    }
