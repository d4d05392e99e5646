"""What somebody means who texts us: in, any text; out, STOP, START, HELP, or nothing that acts. Pure, and cautious.

A keyword alone counts whatever its case, accents, punctuation or emoji (FCC 24-18: «any reasonable means»). Free text counts only
where it can be read in one way. Whatever smells of it but can be read otherwise is UNCLEAR: nothing happens by itself, and a person
is to look. A wrong STOP costs a reminder and is told to the customer; a missed one costs the customer's trust, and a fine.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from consent.keywords import (
    ALONE,
    CLEAR,
    HELP,
    NEGATED,
    POLITE,
    QUALIFIED,
    START,
    STOP,
    SUSPECT,
    TOLD,
    UNDONE,
)

# A text message has 1,600 characters at most; what is longer is not read to its end.
LONGEST = 1_600


class Meaning(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"
    UNCLEAR = "unclear"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Understood:
    """`keyword` is the word as the list has it, empty for free text; `language` is «en», «fr» or empty."""

    meaning: Meaning
    keyword: str = ""
    language: str = ""


def understand(text: str) -> Understood:
    """What the text means. Never raises."""
    text = text[:LONGEST]
    whole = plain(text)
    found = _keyword(whole, is_question="?" in text)
    if found is not None:
        return found
    # A word by itself before or after other sentences may be about anything: «Stop. Leave the machine at the gate.»
    sentences = [plain(part) for part in re.split(r"[.!?;\n]+", text)]
    for sentence in filter(None, sentences):
        language = _clear(sentence)
        if language and not UNDONE.search(whole):
            return Understood(Meaning.STOP, "", language)
    return Understood(Meaning.UNCLEAR if SUSPECT.search(whole) else Meaning.OTHER)


def plain(text: str) -> str:
    """Lower-case ASCII words with one space between: no accents, no emoji, no invisible characters, wide letters narrow."""
    decomposed = unicodedata.normalize("NFKD", text)
    seen = "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf", "Me"))
    words = re.sub(r"[^a-z0-9]+", " ", seen.casefold()).split()
    if len(words) > 2 and all(len(word) == 1 for word in words):  # S.T.O.P.
        words = ["".join(words)]
    return " ".join(re.sub(r"^st(o+)p+$", "stop", word) for word in words)


def _keyword(whole: str, *, is_question: bool) -> Understood | None:
    polite = " ".join(POLITE.sub(" ", whole).split())
    repeated = " ".join(dict.fromkeys(polite.split()))
    for meaning, words in ((Meaning.STOP, STOP), (Meaning.START, START), (Meaning.HELP, HELP)):
        for said in (whole, polite, repeated):
            if said in words and (said not in ALONE or (said == whole and not is_question)):
                return Understood(meaning, said, words[said])
    return None


def _clear(sentence: str) -> str:
    """The language in which a sentence clearly means STOP, or nothing."""
    for language, pattern in CLEAR:
        found = pattern.search(sentence)
        if (
            found
            and not NEGATED.search(before := sentence[: found.start()].rstrip())
            and not TOLD.search(before)
            and not QUALIFIED.search(sentence[found.end() :])
        ):
            return language
    return ""
