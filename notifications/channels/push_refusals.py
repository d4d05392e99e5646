"""Whose fault is a 403 of a push service, the browser's or ours? In, the outcomes of messages; out, the same, judged.

A service refuses a key that is not the one a browser subscribed with, and Apple's refuses dead browsers so. Only a
key that nobody takes is ours to mend: pausing all push messages because of one dead browser would help nobody.
"""

from notifications.errors import Misconfigured, Outcome, Transient
from notifications.message import Message

# So many browsers that refused one after the other, none that accepted between them, speak against our key: few
# where it was good some time today, more where it was good a moment ago, on this very channel object.
SUSPICIOUS, SUSPICIOUS_NOW = 3, 20


class Refusals:
    """What push services have said to our key since the channel was opened."""

    def __init__(self) -> None:
        self._refused: set[str] = set()  # browsers, since the last acceptance
        self._accepted = False

    def judge(self, message: Message, outcome: Outcome) -> Outcome:
        """The outcome; but a refusal that is only its browser's is tried again (an operator may have repaired the
        key meanwhile), and counted in `push_subscriptions`, where the third in a row ends the browser."""
        if outcome.detail.get("accepted"):
            self._accepted = True
            self._refused.clear()
        self._refused.update(outcome.detail.get("refused", ()))
        if (
            isinstance(outcome, Misconfigured)
            and outcome.detail.get("refused")
            and not self._is_ours(message)
        ):
            return Transient(outcome.code, outcome.error, detail=outcome.detail)
        return outcome

    def _is_ours(self, message: Message) -> bool:
        if self._accepted:
            return len(self._refused) >= SUSPICIOUS_NOW
        proven = any(target.key_works for target in message.push_targets)
        return not proven or len(self._refused) >= SUSPICIOUS
