"""What a channel is: in, one Message; out, one Outcome. It opens no transaction and reads no row.

The base owns what every channel does alike; `deliver_one` is the hole that each fills.
"""

import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from notifications.errors import Outcome, Unknown
from notifications.masking import redact
from notifications.message import Message

logger = logging.getLogger(__name__)


class Channel(ABC):
    """One way to reach a person. `provider` names who carries it, for the attempts and the figures."""

    name: ClassVar[str]
    provider: str
    # True: written to our own database, inside the transaction that marks it sent; False: a call to a provider.
    transactional: ClassVar[bool] = False

    def deliver(self, message: Message) -> Outcome:
        """Hand one message to the provider. Never raises: a bug in an adapter must not lose what it was sending."""
        try:
            return self.deliver_one(message)
        except Exception as error:
            logger.exception("channel.bug channel=%s id=%s", self.name, message.id)
            return Unknown(code=type(error).__name__, error=redact(str(error)))

    @abstractmethod
    def deliver_one(self, message: Message) -> Outcome: ...

    def close(self) -> None:  # noqa: B027 (most channels have nothing to give back)
        """Give back connections at the end of a drain."""
