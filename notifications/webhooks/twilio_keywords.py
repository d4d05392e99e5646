"""What Twilio does by itself about a keyword: in, a text and what came with it; out, whether Twilio answers, and what it took it for.

By default Twilio obeys its own English words, in messages of one word: it answers them, and after a STOP lets nothing through any more
(21610). With Advanced Opt-Out the words are those of our account, and `OptOutType` says which one it was.
https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out
"""

from consent.understand import Meaning, Understood

THEIRS = frozenset(
    {
        "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT",
        "START", "YES", "UNSTOP",
        "HELP", "INFO",
    }
)  # fmt: skip
TYPES = {"STOP": Meaning.STOP, "START": Meaning.START, "HELP": Meaning.HELP}


def is_theirs(body: str, *, opt_out_type: str, is_on: bool) -> bool:
    """Does Twilio answer this by itself? `is_on` is whether their handling of keywords is (it is by default)."""
    return opt_out_type in TYPES or (is_on and body.strip().upper() in THEIRS)


def meaning_of(opt_out_type: str) -> Understood | None:
    """What Twilio has already done, which holds whatever we would make of the words."""
    return Understood(TYPES[opt_out_type], opt_out_type.lower()) if opt_out_type in TYPES else None
