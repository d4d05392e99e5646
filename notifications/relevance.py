"""Does a message still hold? In: candidates; out, a refusal for each that somebody's callback says is over.

`NOTIFICATIONS["RELEVANCE"]` maps a template name, or its beginning up to a dot, to the callback. A callback that fails
neither sends what may be wrong nor loses it: its messages wait for RELEVANCE_RETRY.
"""

import datetime as dt
import logging
import traceback
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import DatabaseError, connection
from django.utils.module_loading import import_string

from consent.policy import Decision
from notifications.candidate import Candidate, hold
from notifications.conf import conf
from notifications.reconnect import is_lost

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a callback is told of one message. `metadata` is what the caller of notify() gave, and our own keys."""

    id: uuid.UUID
    template: str
    payload: Mapping[str, Any]
    metadata: Mapping[str, Any]
    recipient_key: str


class Callback(Protocol):
    """Answers the reason, a sentence for operators, for each message that no longer holds. No query a message."""

    def __call__(self, questions: Sequence[Question], *, now: dt.datetime) -> Mapping[uuid.UUID, str]: ...


def still_relevant(candidates: Sequence[Candidate], *, now: dt.datetime) -> dict[uuid.UUID, Decision]:
    """The candidates that no longer hold (withheld) or could not be judged (held)."""
    rules = conf().relevance
    if not rules:
        return {}
    paths = {name: callback_path(name, rules) for name in {c.template for c in candidates}}
    asked: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if path := paths[candidate.template]:
            asked[path].append(candidate)
    answers: dict[uuid.UUID, Decision] = {}
    for path, about in asked.items():
        answers.update(_ask(path, about, now))
    return answers


def callback_path(template: str, rules: Mapping[str, str]) -> str | None:
    """The rule for this very name, else the longest beginning that ends with a dot."""
    beginnings = [name for name in rules if name.endswith(".") and template.startswith(name)]
    return rules.get(template) or rules.get(max(beginnings, key=len, default=""))


def _ask(path: str, about: list[Candidate], now: dt.datetime) -> dict[uuid.UUID, Decision]:
    questions = [Question(c.id, c.template, c.payload, c.metadata, c.recipient_key) for c in about]
    try:
        callback: Callback = import_string(path)
        over = dict(callback(questions, now=now))
    except Exception as error:
        if isinstance(error, DatabaseError) and (connection.in_atomic_block or is_lost(error)):
            # It broke the transaction of whoever enqueues, so nothing could be kept; or the database is away, which says
            # nothing about the callback, and a drain asks again.
            raise
        # Where it happened, not what it said: an exception's text may hold a person's data.
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.error("relevance.failed callback=%s error=%s\n%s", path, type(error).__name__, where)
        return _unsure(about, path, type(error).__name__, now)
    return {
        c.id: Decision(False, "relevance.ended", f"It no longer holds: {over[c.id]}")
        for c in about
        if c.id in over
    }


def _unsure(about: list[Candidate], path: str, error: str, now: dt.datetime) -> dict[uuid.UUID, Decision]:
    again = now + conf().relevance_retry
    reason = f"Whether it still holds could not be checked ({path}: {error}); it is asked again at {again:%H:%M %Z}."
    return {
        c.id: hold(c, until=again, rule="relevance.error", reason=reason, late="It was never confirmed.")
        for c in about
        if c.due_at < again  # what is due later is asked about then
    }
