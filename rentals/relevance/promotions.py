"""Does word of a promotion still hold? In: messages waiting to go out; out, the reason for each that does not.

`jobs/catalog/promotion_scheduler.py` writes into the metadata of a message its `promotion_id`, and the state that it
speaks of as `says`. A message without these is somebody else's, and not judged.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rentals.models import PromoRule
from rentals.relevance.question import Question

ACTIVE, EXPIRED = "active", "expired"


def over(questions: Sequence[Question], *, now: dt.datetime) -> dict[uuid.UUID, str]:
    """Offers of promotions that are over or were withdrawn, and word of an end that was put off. One query."""
    subjects = {question.id: subject for question in questions if (subject := _subject(question.metadata))}
    states = _states({promotion for promotion, _ in subjects.values()}, now=now)
    return {
        id_: f"The promotion is {state}."
        for id_, (promotion, says) in subjects.items()
        if (state := states.get(promotion, "gone")) != says
    }


def _states(ids: Collection[uuid.UUID], *, now: dt.datetime) -> Mapping[uuid.UUID, str]:
    """What each promotion is by the clock: expired from its end, though nobody has noted it yet."""
    if not ids:
        return {}
    rows = PromoRule.objects.filter(pk__in=ids).order_by().values_list("pk", "status", "end_at")
    return {
        pk: EXPIRED if status == ACTIVE and end_at is not None and end_at <= now else status
        for pk, status, end_at in rows
    }


def _subject(metadata: Mapping[str, Any]) -> tuple[uuid.UUID, str] | None:
    says = metadata.get("says")
    if says not in (ACTIVE, EXPIRED):
        return None
    try:
        return uuid.UUID(str(metadata.get("promotion_id"))), str(says)
    except ValueError:
        return None
