"""Message encryption for web push (RFC 8291 over RFC 8188), receiving side. A request body and a browser's
keys come in, the text goes out. Written from the RFCs and not with the sender's library, so that one checks
the other."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.push_keys import Browser

HEADER = 16 + 4 + 1 + 65  # salt, record size, key length, key
TAG = 16


class UndecryptableError(ValueError):
    """The body does not decrypt with this browser's keys; the message says at which step."""


def decrypt(body: bytes, browser: Browser) -> bytes:
    """The plaintext of a push message."""
    if len(body) < HEADER + TAG + 1:
        raise UndecryptableError(
            "the body is shorter than its header, one byte and the tag (RFC 8188, section 2)"
        )
    salt, record_size, key_length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    if key_length != 65:
        raise UndecryptableError("keyid must be the sender's uncompressed P-256 point (RFC 8291, section 4)")
    sender_point, record = body[21:86], body[HEADER:]
    if record_size < 18 or len(record) > record_size:
        raise UndecryptableError("a push message is one record (RFC 8291, section 4)")
    try:
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender_point)
    except ValueError as error:
        raise UndecryptableError("keyid is no point of P-256") from error
    key, nonce = _keys(browser, sender, sender_point, salt)
    try:
        padded = AESGCM(key).decrypt(nonce, record, None)
    except InvalidTag as error:
        raise UndecryptableError(
            "the authentication tag is wrong: encrypted for another p256dh or auth"
        ) from error
    text = padded.rstrip(b"\0")
    if not text.endswith(b"\x02"):
        raise UndecryptableError("the last record must end in the delimiter 2 (RFC 8188, section 2)")
    return text[:-1]


def _keys(
    browser: Browser, sender: ec.EllipticCurvePublicKey, sender_point: bytes, salt: bytes
) -> tuple[bytes, bytes]:
    """Content encryption key and nonce (RFC 8291, section 3.4)."""
    shared = browser.private_key.exchange(ec.ECDH(), sender)
    info = b"WebPush: info\0" + browser.public_point + sender_point + b"\x01"
    material = _hmac(_hmac(browser.auth_secret, shared), info)
    pseudorandom = _hmac(salt, material)
    key = _hmac(pseudorandom, b"Content-Encoding: aes128gcm\0\x01")[:16]
    return key, _hmac(pseudorandom, b"Content-Encoding: nonce\0\x01")[:12]


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)
