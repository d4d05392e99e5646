"""What a channel is: in, Messages; out, one Outcome each. A provider is called outside every transaction.

`Channel` speaks to a provider over the network; `TransactionalChannel` writes to our own database. Both are cheap to
make: they open nothing and need no event loop until the first message.
"""

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from notifications.errors import Outcome, Sent, Unknown
from notifications.masking import words_of
from notifications.message import Message

logger = logging.getLogger(__name__)
# A name of one or two letters is in every sentence.
SHORTEST = 3


class Channel(ABC):
    """A provider reached by network. One object belongs to one event loop, where many tasks use it at once.

    The base owns what every channel does alike; `deliver_one` is the hole that each fills. `provider` names who
    carries it, for the attempts and the figures.
    """

    name: ClassVar[str]
    provider: str
    transactional: ClassVar[bool] = False
    # The most messages that one request to the provider carries, and the most bytes of its own that each may bring.
    group_limit: int = 1
    group_room: int = 0

    async def deliver(self, message: Message) -> Outcome:
        """Hand one message to the provider. Never raises: a bug in an adapter must not lose what it was sending.

        A cancellation passes: whoever cancels knows that the outcome is unknown.
        """
        try:
            return _without_name(await self.deliver_one(message), message.recipient_name)
        except Exception as error:
            logger.exception("channel.bug channel=%s id=%s", self.name, message.id)
            return Unknown(code=type(error).__name__, error=words_of(error))

    async def deliver_group(self, messages: Sequence[Message]) -> list[Outcome]:
        """Hand up to `group_limit` messages that share a skeleton to the provider at once: one Outcome each, in order.

        Never raises. Where the request as a whole failed, all have the very same Outcome object: it is one answer.
        """
        try:
            return await self.deliver_together(messages)
        except Exception as error:
            logger.exception("channel.bug channel=%s count=%s", self.name, len(messages))
            return [Unknown(code=type(error).__name__, error=words_of(error))] * len(messages)

    @abstractmethod
    async def deliver_one(self, message: Message) -> Outcome: ...

    async def deliver_together(self, messages: Sequence[Message]) -> list[Outcome]:
        """For a channel whose provider takes many; others send one after the other."""
        return [await self.deliver(message) for message in messages]

    async def close(self) -> None:  # noqa: B027 (a channel may have nothing to give back)
        """Give back connections at the end of a drain, in the loop that opened them."""


class TransactionalChannel(ABC):
    """Written to our own database, inside the transaction that marks the message sent: exactly once."""

    name: ClassVar[str]
    provider: str
    transactional: ClassVar[bool] = True

    @abstractmethod
    def deliver_all(self, messages: Sequence[Message]) -> list[Outcome]:
        """Write a batch; one Outcome a message, in order. Raises what the database raises: the transaction around
        it must be undone."""


def _without_name(outcome: Outcome, name: str) -> Outcome:
    """A provider that echoes its request says who it was for; addresses are gone already."""
    if isinstance(outcome, Sent) or not outcome.error or not name:
        return outcome
    words = [re.escape(word) for word in name.split() if len(word) >= SHORTEST]
    if not words:
        return outcome
    return replace(
        outcome, error=re.sub(rf"\b(?:{'|'.join(words)})\b", "[name]", outcome.error, flags=re.IGNORECASE)
    )
