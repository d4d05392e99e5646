"""The message that asks an address whether its owner agrees: in, consent's question; out, a row in the queue.

`NOTIFICATIONS["SEND_CONFIRMATION"]` names it: consent stands below the queue and cannot import it.
"""

from consent.double_opt_in import Question
from notifications.enqueue import notify
from notifications.origin import origin

TEMPLATE = "consent.confirm"


def ask_to_confirm(question: Question) -> None:
    """Queue it, in the caller's transaction. It asks for nothing but an answer, so it needs no consent itself."""
    with origin(consent_event=question.event_id):
        notify(
            TEMPLATE,
            to=question.customer_id,
            channel=question.channel,
            payload={"confirm_url": question.url, "expires_at": question.expires_at.isoformat()},
            idempotency_key=f"{TEMPLATE}:{question.event_id}",
            scheduled_at=question.asked_at,
            expires_at=question.expires_at,
            now=question.asked_at,
        )
