"""Calls of a channel as the worker makes them: in, messages; out, their outcomes, after one event loop that ends."""

import asyncio
import uuid
from collections.abc import Sequence

from notifications.channels.base import Channel
from notifications.channels.registry import CHANNELS
from notifications.errors import Outcome
from notifications.message import Message, PushTarget, Rendered
from sandbox import push_keys

# name → the sandbox's provider
NETWORK = {"email": "sendgrid", "sms": "twilio", "push": "webpush"}
PARTS = {
    "email": {"subject": "Pick-up today", "text": "Hello & welcome", "html": "<p>Hello &amp; welcome</p>"},
    "sms": {"text": "Pick-up today"},
    "push": {"title": "Pick-up today", "body": "Hello", "url": "https://rental.example/b/1"},
    "inapp": {"title": "Pick-up today", "message": "Hello", "action_url": "", "cta_label": ""},
}


def target(url: str, name: str = "s1", *, key_works: bool = False) -> PushTarget:
    """A browser at the push service under `url`."""
    made = push_keys.subscription(str(uuid.uuid4()), url)
    return PushTarget(name, made["endpoint"], made["keys"]["p256dh"], made["keys"]["auth"], key_works)


def message(channel: str, url: str, *targets: PushTarget) -> Message:
    return Message(
        id=uuid.uuid4(),
        channel=channel,
        category="reminder",
        recipient_key="customer:1",
        rendered=Rendered("en", PARTS[channel]),
        address={"email": "marie@example.com", "sms": "+15065550123"}.get(channel, ""),
        recipient_name="Marie Léger",
        push_targets=(targets or (target(url),)) if channel == "push" else (),
        sandbox=True,
    )


def network_channel(name: str) -> Channel:
    made = CHANNELS[name]()
    assert isinstance(made, Channel)
    return made


def deliver(channel: str | Channel, *messages: Message) -> Outcome:
    """The outcome of the last one."""
    return deliver_in_turn(channel, messages)[-1]


def deliver_in_turn(channel: str | Channel, messages: Sequence[Message]) -> list[Outcome]:
    """One after the other, through one channel object."""

    async def calls() -> list[Outcome]:
        adapter = network_channel(channel) if isinstance(channel, str) else channel
        try:
            return [await adapter.deliver(one) for one in messages]
        finally:
            await adapter.close()

    return asyncio.run(calls())
