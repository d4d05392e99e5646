"""Text that only we can read back: in, a text; out, a token for a text column, and the other way round.

Fernet (AES-128-CBC with HMAC-SHA256) under the keys of `consent/field_keys.py`.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from consent.field_keys import encryption_keys


class SealError(Exception):
    """A token that none of our keys opens. Waiting does not help: a key is missing, or the token was altered."""


def seal(text: str) -> str:
    """Encrypt with the newest key. The same text gives another token each time."""
    return _cipher(encryption_keys()).encrypt(text.encode()).decode("ascii")


def unseal(token: str) -> str:
    """Decrypt with whichever key fits. Raises SealError; never returns the ciphertext."""
    try:
        return _cipher(encryption_keys()).decrypt(token.encode()).decode()
    except InvalidToken:
        raise SealError(
            "None of FIELD_KEYS opens this value. Put the key that was in force when it was written back at the "
            "end of FIELD_KEYS."
        ) from None


@lru_cache(maxsize=8)
def _cipher(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
