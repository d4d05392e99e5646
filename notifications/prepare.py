"""From claimed rows to messages: in, a batch of one channel; out, what may be sent, rendered, and the verdicts of the rest.

The second gate is here: addresses, consent, relevance, caps and the hour as they are now, in a constant number of queries.
"""

import datetime as dt
import logging
from collections.abc import Sequence

from consent.addresses import blind_index
from consent.policy import OPTIONAL, Category
from consent.tokens import TokenRequest, issue_many, preferences_url, unsubscribe_url
from notifications.candidate import Candidate, Held
from notifications.conf import conf
from notifications.decision import Decided
from notifications.gate import check
from notifications.message import Claimed, Message, Work
from notifications.reach import Reach, reach_many
from notifications.reconnect import is_lost
from notifications.render import RenderError, render
from notifications.render_shared import render_shared
from notifications.verdict import Verdict, held, unrenderable, withheld
from templates_app.lookup import template_name

logger = logging.getLogger(__name__)

Settled = tuple[Claimed, Verdict]


def prepare(batch: Sequence[Claimed], *, now: dt.datetime, room: int = 0) -> tuple[list[Work], list[Settled]]:
    """Gate and render a batch. Answers (what may be sent, what is settled already: withheld or not renderable).

    With `room` (bytes that each may have of its own), messages of one text share it: their texts are Personalised."""
    reaches = reach_many([row.to for row in batch], with_push=batch[0].channel == "push")
    named = bool(conf().relevance)  # nothing else asks for a template's name
    candidates = [_candidate(row, reach, named) for row, reach in zip(batch, reaches, strict=True)]
    decisions = check(candidates, now=now, delivering=True)
    ready: list[Work] = []
    settled: list[Settled] = []
    allowed: list[tuple[Claimed, Reach, Decided]] = []
    for row, reach, decision in zip(batch, reaches, decisions, strict=True):
        if reach is not None and reach.problem:
            settled.append((row, unrenderable(reach.problem)))
        elif reach is not None and decision.allowed:
            allowed.append((row, reach, Decided(decision, now)))
        elif isinstance(decision, Held):
            settled.append((row, held(decision, now=now)))
        else:
            settled.append((row, withheld(decision, now=now)))
    tokens = _tokens(allowed, now)
    shared = render_shared(allowed, tokens, room=room) if room else {}
    for row, reach, decided in allowed:
        rendered = shared.get(row.id) or _rendered(row, reach, decided, tokens.get(row.id))
        if isinstance(rendered, Message):
            ready.append((row, rendered))
        else:
            settled.append((row, rendered))
    return ready, settled


def _candidate(row: Claimed, reach: Reach | None, named: bool) -> Candidate:
    return Candidate(
        id=row.id,
        channel=row.channel,
        category=row.category,
        recipient_key=row.recipient_key,
        reach=reach,
        due_at=row.scheduled_at,
        expires_at=row.expires_at,
        template=template_name(row.template_version_id) if named and row.template_version_id else "",
        payload=row.payload,
        metadata=row.metadata,
    )


def _rendered(row: Claimed, reach: Reach, decided: Decided, token: str | None) -> Message | Verdict:
    """The message, or the verdict on a text that cannot be made. One bad text must not hold up the batch it is in."""
    leave, prefer = (unsubscribe_url(token), preferences_url(token)) if token else ("", "")
    try:
        return render(row, reach, unsubscribe_url=leave, preferences_url=prefer, decided=decided)
    except RenderError as error:
        return unrenderable(str(error))
    except Exception as error:
        # A text is read from the database: if that is away, nothing is wrong with the message.
        if is_lost(error):
            raise
        logger.exception("render.bug id=%s", row.id)
        return unrenderable(f"{type(error).__name__} (see the log)")


def _tokens(allowed: Sequence[tuple[Claimed, Reach, Decided]], now: dt.datetime) -> dict[object, str]:
    """A fresh unsubscribe link for each e-mail that its reader can leave: only hashes are kept, so a retry gets another."""
    wanted = [
        (
            row,
            TokenRequest(
                # Whoever is no customer of ours leaves with their address alone.
                customer_id=reach.customer_id or "",
                channel=row.channel,
                category=row.category,
                notification_id=row.id,
                locale=reach.contact.locale,
                # «This isn't me» must end the address that was written to, not the one on file by then.
                address_hmac=blind_index(row.channel, reach.addresses[row.channel]),
            ),
        )
        for row, reach, _ in allowed
        if row.channel == "email" and Category(row.category) in OPTIONAL
    ]
    issued = issue_many([request for _, request in wanted], now=now) if wanted else []
    return {row.id: token for (row, _), token in zip(wanted, issued, strict=True)}
