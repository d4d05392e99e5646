"""The keys behind encrypted fields and blind indexes: in, `settings.FIELD_KEYS`; out, one derived key a purpose.

FIELD_KEYS is a list, newest first. The first entry encrypts and all decrypt, so a new key is put in front and old
ones leave once `manage.py rotate_keys` has encrypted everything anew. The *last* entry also makes the blind indexes,
which can't be recomputed without the addresses: it stays (docs/decisions/0016-the-index-key-stays.md).
"""

import hashlib
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SHORTEST = 32
HOW_TO_MAKE = "python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def encryption_keys() -> tuple[bytes, ...]:
    """32 bytes for each entry, newest first. Raises ImproperlyConfigured when there is none."""
    return tuple(_derive(secret, b"postroom field encryption v1") for secret in _secrets())


def index_key() -> bytes:
    """32 bytes from the last entry: the same for as long as that entry stays, whatever is put in front of it."""
    return _derive(_secrets()[-1], b"postroom blind index v1")


@lru_cache(maxsize=32)
def key_id(key: bytes) -> str:
    """Eight signs that name a derived key in tokens, reports and docs, and say nothing about it."""
    return hashlib.sha256(b"postroom key id v1" + key).hexdigest()[:8]


def index_key_id() -> str:
    """The id of the entry that makes the blind indexes, as `key_id` names its encryption key."""
    return key_id(encryption_keys()[-1])


def _secrets() -> list[str]:
    found: list[str] = settings.FIELD_KEYS
    if not found:
        raise ImproperlyConfigured(f"FIELD_KEYS is empty. Make a key with: {HOW_TO_MAKE}")
    return found


@lru_cache(maxsize=32)
def _derive(secret: str, purpose: bytes) -> bytes:
    # RFC 5869. Two purposes give two unrelated keys, so that an index never weakens the encryption.
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
