"""What the street counts: in, what was claimed, recorded, withheld; out, additions to the series.

Called once a batch, after its commit: what was rolled back was not done.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import partial

from django.db import transaction

from notifications import series, tally
from notifications.courier import OVER
from notifications.errors import Sent
from notifications.message import Claimed, Delivery, Hold, Receipt
from notifications.verdict import Verdict

# Every rule there is, by its beginning up to a dot; what follows the dot is a reason of ours.
RULES = frozenset(
    {"cancelled", "category_stopped", "consent", "erased", "expired", "recipient", "relevance", "suppressed"}
)
_LONGEST = 40
_ENDED = frozenset({"sent", "failed", "cancelled"})


def note_recorded(
    verdicts: Sequence[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery], *, held: Collection[Hold]
) -> None:
    """After the commit of what `record` wrote: attempts as they were made, the others as far as they were still ours."""
    transaction.on_commit(partial(_count_recorded, verdicts, deliveries, held), robust=True)


def note_withheld(receipts: Iterable[Receipt]) -> None:
    """After the commit of what was enqueued and refused."""
    found = Counter((receipt.channel, rule_of(receipt.rule)) for receipt in receipts)
    if found:
        transaction.on_commit(partial(_count_withheld, found), robust=True)


def rule_of(rule: str) -> str:
    """As a label."""
    return rule if rule.partition(".")[0] in RULES and len(rule) <= _LONGEST else "other"


def _count_recorded(
    verdicts: Sequence[tuple[Claimed, Verdict]], deliveries: Sequence[Delivery], held: Collection[Hold]
) -> None:
    all_held = len(held) == len(verdicts)
    ours = verdicts if all_held else [pair for pair in verdicts if pair[0].hold in held]
    for (channel, status, is_spent), count in Counter(
        (c.channel, v.status, not v.refund) for c, v in ours
    ).items():
        if status in _ENDED:
            series.ENDED.add(channel, status, count=count)
        elif is_spent:
            series.RETRIES.add(channel, count=count)
    refused = [(c.channel, v.metadata["withheld"]["rule"]) for c, v in ours if v.status == "cancelled"]
    for (channel, rule), count in Counter(refused).items():
        series.WITHHELD.add(channel, rule_of(rule), "delivery", count=count)
    if deliveries:
        _count_deliveries(deliveries)


def _count_deliveries(deliveries: Sequence[Delivery]) -> None:
    by_kind = Counter((d.claimed.channel, d.provider, d.outcome.kind) for d in deliveries)
    for labels, count in by_kind.items():
        series.OUTCOMES.add(*labels, count=count)
    # Messages that shared a call share the very moments of it.
    calls = {id(d.started_at): d for d in deliveries if d.outcome is not OVER}.values()
    for channel, provider in {(channel, provider) for channel, provider, _ in by_kind}:
        took = [
            (d.finished_at - d.started_at).total_seconds()
            for d in calls
            if d.claimed.channel == channel and d.provider == provider
        ]
        if took:
            series.SEND_SECONDS.observe(channel, provider, seconds=took)
    for channel in {channel for channel, _, _ in by_kind}:
        waited = [
            max(0.0, (d.finished_at - d.claimed.scheduled_at).total_seconds())
            for d in deliveries
            if d.claimed.channel == channel and isinstance(d.outcome, Sent)
        ]
        if waited:
            series.WAIT_SECONDS.observe(channel, seconds=waited)


def _count_withheld(found: Counter[tuple[str, str]]) -> None:
    for (channel, rule), count in found.items():
        series.WITHHELD.add(channel, rule, "enqueue", count=count)
    tally.write_soon()
