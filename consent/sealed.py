"""Text that only we can read back: in, a text; out, a token for a text column, and the other way round.

Fernet (AES-128-CBC with HMAC-SHA256) under the keys of `consent/field_keys.py`. A token is `<key id>:<Fernet token>`, so that
SQL can tell which key it needs; those of earlier releases have no id, and every key is tried.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken

from consent.field_keys import encryption_keys, key_id

NO_KEY = ""


class SealError(Exception):
    """A token that none of our keys opens. Waiting does not help: a key is missing, or the token was altered."""


def seal(text: str) -> str:
    """Encrypt with the newest key. The same text gives another token each time."""
    key = encryption_keys()[0]
    return f"{key_id(key)}:{_cipher(key).encrypt(text.encode()).decode('ascii')}"


def unseal(token: str) -> str:
    """Decrypt with the key that it names, or whichever fits. Raises SealError; never returns the ciphertext."""
    return _opened(token)[1]


def key_of(token: str) -> str:
    """The id of the key that opens it, proved by opening it; NO_KEY where none of FIELD_KEYS does."""
    try:
        return _opened(token)[0]
    except SealError:
        return NO_KEY


def _opened(token: str) -> tuple[str, str]:
    named, _, bare = token.rpartition(":")
    for key in encryption_keys():
        if named and named != key_id(key):
            continue
        try:
            return key_id(key), _cipher(key).decrypt(bare.encode()).decode()
        except InvalidToken:
            continue
    raise SealError(
        "None of FIELD_KEYS opens this value. Put the key that was in force when it was written back, behind the "
        "first and before the last entry of FIELD_KEYS."
    )


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(key))
