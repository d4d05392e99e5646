"""Recipients whose fate is known beforehand. An address or a number comes in, what the provider reports about it goes out.

They work by the same signed webhooks as everybody's, and only where webhooks are on. Ordinary people have no such
address: a domain of their own, a tag that says what shall happen, and numbers beside those of Twilio's test credentials."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.twilio.api import RECIPIENTS as REFUSED

DOMAIN = "sandbox.example"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows a message: events in order, for a text message that fails Twilio's error code, and what the person
    texts back."""

    events: tuple[str, ...]
    error_code: int | None = None
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """An outcome, and what it is in words."""

    meaning: str
    outcome: Outcome


# `bounced@sandbox.example`, `bounced+7@sandbox.example`, or `anybody+bounced@any.example`.
MAILBOXES: Mapping[str, Fate] = {
    "delivered": Fate("arrives", Outcome(("processed", "delivered"))),
    "opened": Fate("arrives, and is opened", Outcome(("processed", "delivered", "open"))),
    "clicked": Fate("is opened, and a link followed", Outcome(("processed", "delivered", "open", "click"))),
    "bounced": Fate("hard bounce: no such mailbox", Outcome(("processed", "bounce"))),
    "blocked": Fate("refused as likely spam", Outcome(("processed", "blocked"))),
    "deferred": Fate("arrives at the second try", Outcome(("processed", "deferred", "delivered"))),
    "unreachable": Fate(
        "the server never answers", Outcome(("processed", "deferred", "deferred", "blocked"))
    ),
    "dropped": Fate("SendGrid does not even try", Outcome(("dropped",))),
    "complained": Fate("arrives, and is reported as spam", Outcome(("processed", "delivered", "spamreport"))),
    "opted-out": Fate(
        "arrives, and SendGrid's own unsubscribe is used", Outcome(("processed", "delivered", "unsubscribe"))
    ),
}
# The last four digits are those of Twilio's error code, less a zero, or spell STOP on a telephone's keys.
NUMBERS: Mapping[str, Fate] = {
    "+15005553003": Fate("unreachable: off or out of reach", Outcome(("sent", "undelivered"), 30003)),
    "+15005553004": Fate("blocked by the carrier or the handset", Outcome(("sent", "undelivered"), 30004)),
    "+15005553005": Fate("no such number any more", Outcome(("sent", "undelivered"), 30005)),
    "+15005553006": Fate("a landline", Outcome(("sent", "undelivered"), 30006)),
    "+15005553007": Fate("filtered by the carrier", Outcome(("sent", "undelivered"), 30007)),
    "+15005553008": Fate("the carrier gives no reason", Outcome(("sent", "failed"), 30008)),
    "+15005557867": Fate("arrives, and is answered with STOP", Outcome(("sent", "delivered"), reply="STOP")),
}

# Numbers of Twilio's test credentials: the API refuses them at once.
REFUSALS: Mapping[int, str] = {
    21211: "no phone number",
    21612: "no route to it",
    21408: "a region that is not allowed",
    21610: "has opted out",
    21614: "cannot receive texts",
}


def fate_of(provider: str, recipients: tuple[str, ...]) -> Outcome | None:
    """What becomes of a message to these recipients; None for all but the magic ones."""
    known = NUMBERS if provider == "twilio" else MAILBOXES
    for recipient in recipients:
        fate = known.get(recipient if provider == "twilio" else _name(recipient))
        if fate is not None:
            return fate.outcome
    return None


def listed() -> list[dict[str, object]]:
    """All of them, as the page shows them, with the numbers that Twilio refuses at once."""
    mailboxes = [("email", f"{name}@{DOMAIN}", fate) for name, fate in MAILBOXES.items()]
    numbers = [("sms", number, fate) for number, fate in NUMBERS.items()]
    fates: list[dict[str, object]] = [
        {
            "channel": channel,
            "recipient": recipient,
            "meaning": fate.meaning,
            "events": list(fate.outcome.events),
            "error_code": fate.outcome.error_code,
            "reply": fate.outcome.reply,
        }
        for channel, recipient, fate in (*mailboxes, *numbers)
    ]
    refused: list[dict[str, object]] = [
        {
            "channel": "sms",
            "recipient": number,
            "meaning": f"refused: {REFUSALS[code]}",
            "events": [],
            "error_code": code,
            "reply": "",
        }
        for number, code in REFUSED.items()
    ]
    return fates + refused


def _name(address: str) -> str:
    """The word that decides: the mailbox of our domain, or the tag of any other address."""
    mailbox, _, domain = address.partition("@")
    before, _, tag = mailbox.partition("+")
    return before if domain == DOMAIN else tag
