"""From claimed rows to messages: in, a batch of one channel; out, what may be sent, rendered, and the verdicts of the rest.

The second gate is here: consent, suppressions and addresses as they are now, in a constant number of queries a batch.
"""

import datetime as dt
from collections.abc import Sequence

from consent.tokens import TokenRequest, issue_many, preferences_url, unsubscribe_url

from consent.policy import OPTIONAL, Category
from notifications.gate import Candidate, check
from notifications.message import Claimed, Message
from notifications.reach import Reach, reach_many
from notifications.render import RenderError, render
from notifications.verdict import Verdict, unrenderable, withheld

Ready = tuple[Claimed, Message]
Settled = tuple[Claimed, Verdict]


def prepare(batch: Sequence[Claimed], *, now: dt.datetime) -> tuple[list[Ready], list[Settled]]:
    """Gate and render a batch. Answers (what may be sent, what is settled already: withheld or not renderable)."""
    reaches = reach_many([row.to for row in batch], with_push=batch[0].channel == "push")
    candidates = [
        Candidate(row.channel, row.category, reach, row.expires_at)
        for row, reach in zip(batch, reaches, strict=True)
    ]
    decisions = check(candidates, now=now)
    ready: list[Ready] = []
    settled: list[Settled] = []
    allowed: list[tuple[Claimed, Reach]] = []
    for row, reach, decision in zip(batch, reaches, decisions, strict=True):
        if decision.allowed and reach is not None:
            allowed.append((row, reach))
        else:
            settled.append((row, withheld(decision, now=now)))
    tokens = _tokens(allowed, now)
    for row, reach in allowed:
        try:
            ready.append((row, _rendered(row, reach, tokens.get(row.id))))
        except RenderError as error:
            settled.append((row, unrenderable(str(error))))
    return ready, settled


def _rendered(row: Claimed, reach: Reach, token: str | None) -> Message:
    if token is None:
        return render(row, reach)
    return render(row, reach, unsubscribe_url=unsubscribe_url(token), preferences_url=preferences_url(token))


def _tokens(allowed: Sequence[tuple[Claimed, Reach]], now: dt.datetime) -> dict[object, str]:
    """A fresh unsubscribe link for each e-mail that its reader can leave: only hashes are kept, so a retry gets another."""
    wanted = [
        (row, TokenRequest(reach.customer_id, row.channel, row.category, row.id, reach.contact.locale))
        for row, reach in allowed
        if row.channel == "email" and reach.customer_id is not None and Category(row.category) in OPTIONAL
    ]
    issued = issue_many([request for _, request in wanted], now=now) if wanted else []
    return {row.id: token for (row, _), token in zip(wanted, issued, strict=True)}
