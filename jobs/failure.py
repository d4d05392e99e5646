"""Where it broke, told: in, an exception; out, a sentence and the place for people, both in the log, and a report to Sentry."""

import logging
from dataclasses import dataclass

import sentry_sdk
from sentry_sdk.integrations.logging import ignore_logger

from jobs.ledger import Order
from notifications import masking
from notifications.traceback_of import traceback_of

logger = logging.getLogger(__name__)
# Sentry hears of a failure by capture_exception; the log's line would be a second report of it.
ignore_logger(__name__)


# Of a trace that is longer, the end is kept: there it broke.
LONGEST_TRACE = 20_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in a sentence, and the frames that led there; neither holds a value or an address."""

    sentence: str
    trace: str


def tell_failure(order: Order, error: BaseException, *, seconds: float) -> Failure:
    """Tell the log and Sentry; answer what the run's row keeps."""
    sentence = sentence_of(error)
    where = traceback_of(error)
    logger.error(
        "job.failed job=%s run=%s seconds=%.3f error=%s\n%s", order.job, order.id, seconds, sentence, where
    )
    with sentry_sdk.new_scope() as scope:
        scope.set_transaction_name(order.job, source="task")
        scope.set_tag("job", order.job)
        scope.set_tag("run", str(order.id))
        scope.set_tag("trigger", order.trigger)
        if order.slot:
            scope.set_tag("slot", order.slot.isoformat())
        sentry_sdk.capture_exception(error)
    return Failure(sentence, where[-LONGEST_TRACE:])


def sentence_of(error: BaseException) -> str:
    """The class and the first line of the message, addresses and quoted values removed."""
    kind = {SystemExit: "timeout: ", KeyboardInterrupt: "interrupted: "}
    prefix = next((word for cls, word in kind.items() if isinstance(error, cls)), "")
    return f"{prefix}{masking.sentence_of(error)}"
