"""What people text back, as Twilio's default opt-out handling understands it. A text comes in; its meaning, and the
answer that Twilio gives by itself, go out. Only a message of this one word counts (docs, «SMS STOP filtering»)."""

import html
import re

STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})
ANSWERS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
_MESSAGE = re.compile(r"<Message[^>]*>(.*?)</Message>", re.DOTALL)


def meaning_of(body: str) -> str | None:
    """STOP, START, HELP, or None for everything else."""
    word = body.strip().upper()
    words = {"STOP": STOP_WORDS, "START": START_WORDS, "HELP": HELP_WORDS}
    return next((meaning for meaning, known in words.items() if word in known), None)


def texts_of(twiml: str) -> list[str]:
    """The text messages that a receiver answers a webhook with (TwiML's `<Message>`)."""
    return [html.unescape(re.sub(r"<[^>]*>", "", found)).strip() for found in _MESSAGE.findall(twiml)]
